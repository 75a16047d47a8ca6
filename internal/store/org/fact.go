package org

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
)

// InForce is what the ledger holds of the version in force. The zero value: none yet.
type InForce struct {
	Seq      int64             // of the last fact that brought it; makes the keys of what follows
	Version  string            // short digest
	Digest   string            // "sha256:<hex>"
	Entities map[string]Print  // by reference
	Policies map[string]string // digest by "slo:name", "calendar:name", "tiers:"
}

// Print is what an entity is recognised by.
type Print struct {
	Digest string // of all it says
	Shape  string // of all it says but its name
}

// Bounds on one fact of a large change; a fact holds at most 1 MiB.
const (
	partEntities  = 500
	partBytes     = 256 << 10
	maxDefinition = 64 << 10
)

// Facts are what applying d after the version in force means: one catalog.applied, in parts where it is large, and a
// policy.applied for each agreement that changed. Empty when nothing changed. next is what is in force then, but for Seq.
// Keys name the version before, so that a second replica which applies the same adds nothing.
func Facts(before InForce, d *Directory, now time.Time) (out []event.Event, next InForce) {
	next = InForce{Version: d.Version, Digest: d.Digest, Entities: map[string]Print{}, Policies: map[string]string{}}
	changes := entityChanges(before, d, next.Entities)
	policies := policyChanges(before, d, next.Policies, now)
	if before.Digest == d.Digest && len(changes)+len(policies) == 0 {
		return nil, before
	}
	key := fmt.Sprintf("org:%d:%s:", before.Seq, d.Digest)
	parts := cutParts(changes)
	for i, part := range parts {
		f := &event.CatalogApplied{Version: d.Version, Digest: d.Digest, Source: d.Path, Files: len(d.Files), Changed: part}
		if len(parts) > 1 {
			f.Part, f.Parts = i+1, len(parts)
		}
		out = append(out, fact(f, "org:", now, fmt.Sprintf("%scatalog:%d", key, i)))
	}
	for _, p := range policies {
		about := event.NewRef(p.Policy, p.Name)
		out = append(out, fact(p, about, now, key+string(about)))
	}
	return out, next
}

func fact(f event.Fact, about event.Ref, now time.Time, key string) event.Event {
	return event.Event{Kind: f.Kind(), At: now, By: "org:", About: about, Key: key, Fact: f}
}

// entityChanges lists what is new, different or gone, by reference, and fills in how each entity now stands.
func entityChanges(before InForce, d *Directory, prints map[string]Print) []event.EntityChange {
	var changed []event.EntityChange
	for _, e := range d.Catalog.All() {
		c := changeOf(d.Catalog, e)
		prints[c.Ref] = Print{c.Digest, c.Shape}
		if before.Entities[c.Ref].Digest != c.Digest {
			changed = append(changed, c)
		}
	}
	var gone []string
	for ref := range before.Entities {
		if _, stays := prints[ref]; !stays {
			gone = append(gone, ref)
		}
	}
	slices.Sort(gone)
	moved := renames(before, d.Catalog, changed, gone)
	for i, c := range changed {
		changed[i].Was = moved[c.Ref]
	}
	for _, ref := range gone {
		changed = append(changed, event.EntityChange{Ref: ref, Removed: true})
	}
	slices.SortStableFunc(changed, func(a, b event.EntityChange) int { return strings.Compare(a.Ref, b.Ref) })
	return changed
}

// renames finds which new entity one that is gone has become: the one that says so (evenkeel.dev/was), or the only new one
// with the same content where the gone one was the only such. People are never taken for each other.
func renames(before InForce, c *estate.Catalog, changed []event.EntityChange, gone []string) map[string]string {
	out := map[string]string{}
	left := map[string]bool{}
	for _, ref := range gone {
		left[ref] = true
	}
	fresh, old := map[string][]string{}, map[string][]string{}
	for _, ch := range changed {
		if _, known := before.Entities[ch.Ref]; known {
			continue
		}
		e, _ := c.Get(estate.Ref(ch.Ref))
		for _, was := range e.Was {
			if left[string(was)] {
				out[ch.Ref] = string(was)
				delete(left, string(was))
				break
			}
		}
		if out[ch.Ref] == "" && e.Ref.Kind() != "user" {
			fresh[ch.Shape] = append(fresh[ch.Shape], ch.Ref)
		}
	}
	for ref := range left {
		shape := before.Entities[ref].Shape
		old[shape] = append(old[shape], ref)
	}
	for shape, refs := range fresh {
		if len(refs) == 1 && len(old[shape]) == 1 {
			out[refs[0]] = old[shape][0]
		}
	}
	return out
}

// changeOf is an entity as a fact holds it.
func changeOf(c *estate.Catalog, e estate.Entity) event.EntityChange {
	out := event.EntityChange{
		Ref: string(e.Ref), Kind: e.Kind, Name: e.Name, Namespace: e.Namespace, Title: e.Title, Type: e.Type, Lifecycle: e.Lifecycle,
		Owner: string(e.Owner), System: string(e.System), Domain: string(c.DomainOf(e.Ref)), OnCall: c.OnCallFor(e.Ref), Labels: e.Labels,
	}
	if e.Tier >= 0 {
		out.Tier = &e.Tier
	}
	group := 0
	for _, n := range c.Needs(e.Ref) {
		in := 0
		if len(n.Of) > 1 {
			group++
			in = group
		}
		for _, r := range n.Of {
			d := event.Dependency{Ref: string(r), Hard: n.Hard, Impact: n.Impact, Group: in}
			if in > 0 {
				d.AtLeast = n.AtLeast
			}
			out.DependsOn = append(out.DependsOn, d)
		}
	}
	out.Definition = encoded(e.Definition)
	out.Digest, out.Shape = prints(out, e)
	if len(out.Definition) > maxDefinition {
		out.Definition = encoded(essence(e.Definition))
	}
	if len(out.Definition) > maxDefinition {
		out.Definition = nil
	}
	out.File, out.Line = e.File, e.Line
	return out
}

// essence is a descriptor that is too large for a fact without what makes it so: texts and keys that nothing here reads,
// such as an API's definition. The files of the version have it whole.
func essence(def map[string]any) map[string]any {
	pick := func(from any, keys ...string) map[string]any {
		m, _ := from.(map[string]any)
		out := map[string]any{}
		for _, k := range keys {
			if v, ok := m[k]; ok {
				out[k] = v
			}
		}
		return out
	}
	out := pick(def, "apiVersion", "kind")
	out["metadata"] = pick(def["metadata"], "name", "namespace", "title", "labels", "annotations", "tags")
	out["spec"] = pick(def["spec"], "type", "lifecycle", "owner", "system", "domain", "parent", "subcomponentOf", "subdomainOf",
		"children", "members", "memberOf", "providesApis", "consumesApis", "dependsOn", "dependencyOf", "target", "targets")
	return out
}

// prints are the digests of what an entity says, with and without its name.
func prints(c event.EntityChange, e estate.Entity) (string, string) {
	whole := digest(encoded(c))
	c.Ref, c.Name = "", ""
	def := maps.Clone(e.Definition)
	if meta, ok := def["metadata"].(map[string]any); ok {
		meta = maps.Clone(meta)
		delete(meta, "name")
		def["metadata"] = meta
	}
	c.Definition = encoded(def)
	return whole, digest(encoded(c))
}

// encoded is the JSON of a value that has one: maps with sorted keys.
func encoded(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil { // only values decoded from YAML come here
		return json.RawMessage("null")
	}
	return b
}

// cutParts cuts changes so that each part fits a fact. No changes are one empty part: the version itself is the news.
func cutParts(changes []event.EntityChange) [][]event.EntityChange {
	parts, size := [][]event.EntityChange{nil}, 0
	for _, c := range changes {
		n := len(encoded(c))
		last := len(parts) - 1
		if len(parts[last]) > 0 && (len(parts[last]) >= partEntities || size+n > partBytes) {
			parts, size, last = append(parts, nil), 0, last+1
		}
		parts[last], size = append(parts[last], c), size+n
	}
	return parts
}

// policyChanges lists agreements that are new, different or gone, and fills in the digest of each that stands.
func policyChanges(before InForce, d *Directory, digests map[string]string, now time.Time) []*event.PolicyApplied {
	var out []*event.PolicyApplied
	add := func(kind, name, file string, line int, v any) {
		def := encoded(v)
		sum := digest(def)
		about := kind + ":" + name
		digests[about] = sum
		if before.Policies[about] == sum {
			return
		}
		p := &event.PolicyApplied{Policy: kind, Name: name, Version: strings.TrimPrefix(sum, "sha256:")[:12], Digest: sum, EffectiveFrom: now, File: file, Line: line}
		if len(def) <= maxDefinition {
			p.Definition = def
		}
		out = append(out, p)
	}
	for _, o := range d.Objectives {
		add("slo", o.Name, o.File, o.Line, placeless(o))
	}
	for _, c := range d.Config.Calendars {
		add("calendar", c.Name, "evenkeel.yaml", 0, c)
	}
	if len(d.Config.Tiers) > 0 {
		add("tiers", "organisation", "evenkeel.yaml", 0, d.Config.Tiers)
	}
	for _, about := range slices.Sorted(maps.Keys(before.Policies)) {
		if _, stays := digests[about]; !stays {
			kind, name, _ := strings.Cut(about, ":")
			sum := before.Policies[about]
			out = append(out, &event.PolicyApplied{Policy: kind, Name: name, Version: "removed", Digest: sum, EffectiveFrom: now, Removed: true})
		}
	}
	return out
}

// placeless is an objective without its place in a file: moving it changes nothing.
func placeless(o slo.Objective) slo.Objective {
	o.File, o.Line = "", 0
	if o.Composite != nil {
		c := *o.Composite
		c.Parts = slices.Clone(c.Parts)
		for i := range c.Parts {
			c.Parts[i].Objective = placeless(c.Parts[i].Objective)
		}
		o.Composite = &c
	}
	return o
}
