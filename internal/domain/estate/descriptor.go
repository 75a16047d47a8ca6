package estate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// nameText is Backstage's rule for metadata.name and namespaces: at most 63 characters.
var nameText = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)

// FromDescriptor reads an entity from its decoded descriptor (maps, slices, strings, bools, json.Number). namespace is
// that of entities which name none. What cannot be read is left empty and told as a flaw; with a fatal flaw the entity is
// not usable.
func FromDescriptor(def map[string]any, namespace string) (Entity, []Flaw) {
	d := descriptor{def: def}
	meta, spec := d.object("metadata"), d.object("spec")
	d.e = Entity{
		APIVersion: d.text("apiVersion", def["apiVersion"], "/apiVersion"),
		Kind:       d.text("kind", def["kind"], "/kind"),
		Definition: def, Tier: -1, OwnAvailability: 1,
	}
	e := &d.e
	e.Name = d.text("metadata.name", meta["name"], "/metadata/name")
	e.Namespace = cmp.Or(d.text("metadata.namespace", meta["namespace"], "/metadata/namespace"), namespace, DefaultNamespace)
	d.identify()
	e.Title = d.text("metadata.title", meta["title"], "/metadata/title")
	e.Description = d.text("metadata.description", meta["description"], "/metadata/description")
	e.Labels = d.texts(meta["labels"], "/metadata/labels")
	e.Annotations = d.texts(meta["annotations"], "/metadata/annotations")
	e.Tags = d.list(meta["tags"], "/metadata/tags")
	e.Links = d.links(meta["links"])
	e.Type = d.text("spec.type", spec["type"], "/spec/type")
	e.Lifecycle = d.text("spec.lifecycle", spec["lifecycle"], "/spec/lifecycle")
	d.relations(spec)
	d.own()
	return *e, d.flaws
}

// descriptor is an entity in the reading.
type descriptor struct {
	def   map[string]any
	e     Entity
	flaws []Flaw
}

func (d *descriptor) flaw(path, rule, msg, remedy string) {
	d.flaws = append(d.flaws, Flaw{Path: path, Rule: rule, Msg: msg, Remedy: remedy})
}

func (d *descriptor) fatal(path, msg, remedy string) {
	d.flaws = append(d.flaws, Flaw{Path: path, Rule: "schema", Fatal: true, Msg: msg, Remedy: remedy})
}

// identify makes the entity's reference.
func (d *descriptor) identify() {
	e := &d.e
	switch {
	case !refPart(e.Kind):
		d.fatal("/kind", fmt.Sprintf("kind %q is not usable", e.Kind), "write one word, such as Component")
	case e.Name == "":
		d.fatal("/metadata", e.Kind+" has no metadata.name", "add a name: it is how everything else refers to it")
	case !refPart(e.Name) || !refPart(e.Namespace):
		d.fatal("/metadata/name", fmt.Sprintf("name %q in namespace %q cannot be referred to", e.Name, e.Namespace), "use letters, digits and -_. only")
	default:
		e.Ref = NewRef(e.Kind, e.Namespace, e.Name)
		if !nameText.MatchString(e.Name) {
			d.flaw("/metadata/name", "entity-name", fmt.Sprintf("name %q is not one Backstage takes", e.Name), "use 1 to 63 letters, digits and -_. between them")
		}
	}
}

func (d *descriptor) object(key string) map[string]any {
	switch v := d.def[key].(type) {
	case nil:
		return nil
	case map[string]any:
		return v
	default:
		d.fatal("/"+key, fmt.Sprintf("%s is not a mapping", key), "write its keys below it, indented")
		return nil
	}
}

// text reads a text; a number or bool counts as its text.
func (d *descriptor) text(field string, v any, path string) string {
	s, ok := scalar(v)
	if !ok {
		d.flaw(path, "schema", field+" is not a text", "write one value")
	}
	return s
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", true
	case string:
		return strings.TrimSpace(v), true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// texts reads a mapping of texts: labels or annotations.
func (d *descriptor) texts(v any, path string) map[string]string {
	if v == nil {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		d.flaw(path, "schema", strings.ReplaceAll(path[1:], "/", ".")+" is not a mapping", "write one name: value a line")
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		s, ok := scalar(v)
		if !ok {
			d.flaw(path+"/"+escape(k), "schema", fmt.Sprintf("value of %s is not a text", k), "write one value, in quotes")
			continue
		}
		out[k] = s
	}
	return out
}

// item is one text of a list, with its place.
type item struct{ text, path string }

// items reads a list of texts; a single text counts as a list of one.
func (d *descriptor) items(v any, path string) []item {
	if v == nil {
		return nil
	}
	many, ok := v.([]any)
	if !ok {
		if s, ok := scalar(v); ok {
			return []item{{s, path}}
		}
		d.flaw(path, "schema", strings.ReplaceAll(path[1:], "/", ".")+" is not a list", "write one entry a line, each behind a dash")
		return nil
	}
	out := make([]item, 0, len(many))
	for i, x := range many {
		at := fmt.Sprintf("%s/%d", path, i)
		if s, ok := scalar(x); !ok {
			d.flaw(at, "schema", "entry is not a text", "write one value an entry")
		} else if s != "" {
			out = append(out, item{s, at})
		}
	}
	return out
}

func (d *descriptor) list(v any, path string) []string {
	var out []string
	for _, it := range d.items(v, path) {
		out = append(out, it.text)
	}
	return out
}

func (d *descriptor) links(v any) []Link {
	items, _ := v.([]any)
	var out []Link
	for _, item := range items {
		m, _ := item.(map[string]any)
		get := func(k string) string { s, _ := scalar(m[k]); return s }
		if url := get("url"); url != "" {
			out = append(out, Link{url, get("title"), get("icon"), get("type")})
		}
	}
	return out
}

// relations reads the references under spec. Defaults of kind: Backstage, "Descriptor Format", each spec field.
func (d *descriptor) relations(spec map[string]any) {
	e := &d.e
	one := func(key, kind string) Ref {
		if spec[key] == nil {
			return ""
		}
		return d.ref(d.text("spec."+key, spec[key], "/spec/"+key), kind, "spec."+key, "/spec/"+key)
	}
	many := func(key, kind string) []Ref {
		var out []Ref
		for _, it := range d.items(spec[key], "/spec/"+key) {
			if r := d.ref(it.text, kind, "spec."+key, it.path); r != "" && !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
		return out
	}
	e.Owner, e.System, e.Domain = one("owner", "group"), one("system", "system"), one("domain", "domain")
	e.Parent = cmp.Or(one("parent", "group"), one("subcomponentOf", "component"), one("subdomainOf", "domain"))
	e.Children, e.Members, e.MemberOf = many("children", "group"), many("members", "user"), many("memberOf", "group")
	e.Provides, e.Consumes = many("providesApis", "api"), many("consumesApis", "api")
	e.DependsOn, e.DependencyOf = many("dependsOn", "component"), many("dependencyOf", "component")
	if strings.EqualFold(e.Kind, "Location") {
		e.Targets = append(d.list(spec["target"], "/spec/target"), d.list(spec["targets"], "/spec/targets")...)
	}
}

// ref reads one reference and notes it.
func (d *descriptor) ref(text, kind, field, path string) Ref {
	if text == "" {
		return ""
	}
	r, err := ParseRef(text, kind, d.e.Namespace)
	if err != nil {
		d.flaw(path, "reference-form", fmt.Sprintf("%s: %v", field, err), "write kind:namespace/name; kind and namespace may be left out")
		return ""
	}
	d.e.References = append(d.e.References, Reference{r, field, path, text})
	return r
}

// escape makes a key a JSON pointer token. Source: RFC 6901, section 3.
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
