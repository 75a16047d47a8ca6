package migrate

import (
	"slices"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// Kinds of OpenSLO v1, section "Object types".
var openSLOKinds = map[string]func(im *importer, o object){
	"SLO":                     (*importer).readSLO,
	"SLI":                     (*importer).checkSLI,
	"Service":                 (*importer).checkNamed,
	"DataSource":              (*importer).checkDataSource,
	"AlertPolicy":             (*importer).checkPolicy,
	"AlertCondition":          (*importer).checkCondition,
	"AlertNotificationTarget": (*importer).checkTarget,
}

// referOpenSLO makes a document known by kind and name. Two services or data sources of one name say the same thing;
// of anything else a reference could mean either, so that is refused.
func referOpenSLO(im *importer, o object) {
	name := o.node.Get("metadata", "name")
	if o.kind == "SLO" || name.Str() == "" {
		return
	}
	r := ref{o.kind, name.Str()}
	first, taken := im.index[r]
	if !taken {
		im.index[r] = o
		return
	}
	line, _ := first.node.Get("metadata", "name").At()
	msg := "the " + o.kind + " " + r.name + " is defined twice, first at " + at(first.file, line)
	if o.kind == "Service" || o.kind == "DataSource" {
		im.warn(o, name, "", "duplicate-object", msg, "remove one of them")
		return
	}
	im.refuse(o, name, "", "duplicate-object", msg, "rename one of them or remove it")
}

func readOpenSLO(im *importer, o object) {
	read := openSLOKinds[o.kind]
	if read == nil {
		kind := o.node.Get("kind")
		im.refuse(o, kind, field(kind, "kind"), "unknown-kind", "OpenSLO has no kind "+quoted(o.kind),
			"it has SLO, SLI, Service, DataSource, AlertPolicy, AlertCondition, AlertNotificationTarget")
		return
	}
	mark, before := len(im.found), len(im.objectives)
	im.checkNamed(o)
	broken := im.failedSince(mark)
	if o.kind != "Service" {
		read(im, o)
	}
	if broken { // what is wrong with its head is wrong with all of it
		im.objectives, im.places = im.objectives[:before], im.places[:before]
	}
}

// field is a path for a message about something absent: a present node brings its own path.
func field(n *tree.Node, path string) string {
	if n == nil {
		return path
	}
	return ""
}

func (im *importer) checkNamed(o object) {
	im.unknown(o, o.node, "apiVersion", "kind", "metadata", "spec")
	meta := o.node.Get("metadata")
	im.unknown(o, meta, "name", "displayName", "labels", "annotations")
	name := meta.Get("name")
	switch {
	case name.Str() == "":
		im.refuse(o, name, field(name, "metadata.name"), "no-name", "a name is missing", "give it a name, lower-case letters, digits and dashes")
	case !isLabel(name.Str()):
		im.deviates(o, name, "", "name", quoted(name.Str())+" is not a name of lower-case letters, digits and dashes, at most 63",
			"read as "+label(name.Str()))
	}
	if spec := o.node.Get("spec"); !spec.Is(tree.Map) {
		im.refuse(o, spec, field(spec, "spec"), "no-spec", "the specification is missing", "write what the "+o.kind+" is below spec")
	}
}

// unknown reports fields that the format does not have.
func (im *importer) unknown(o object, n *tree.Node, known ...string) {
	if !n.Is(tree.Map) {
		return
	}
	for _, f := range n.Fields {
		if !slices.Contains(known, f.Key) {
			im.deviates(o, &tree.Node{Line: f.Line, Column: f.Column, Path: f.Value.Path}, "", "unknown-field",
				"no such field", "it is left out")
		}
	}
}

// readSLO reads an SLO of any OpenSLO version: one objective for each of its own, or one composite.
func (im *importer) readSLO(o object) {
	mark := len(im.found)
	spec := o.node.Get("spec")
	im.unknown(o, spec, "description", "service", "serviceRef", "indicator", "indicatorRef", "sli", "sliRef", "timeWindow",
		"timeWindows", "budgetingMethod", "objectives", "alertPolicies")
	base := slo.Objective{
		Name:        label(o.node.Get("metadata", "name").Str()),
		Title:       o.node.Get("metadata", "displayName").Str(),
		Description: spec.Get("description").Str(),
		Tier:        -1,
	}
	im.service(o, &base)
	im.labels(o, &base)
	im.window(o, &base)
	im.method(o, &base)
	im.policies(o, &base)
	im.extras(o, &base)
	im.objectivesOf(o, base, mark)
}

func (im *importer) service(o object, out *slo.Objective) {
	service := o.node.Get("spec").First("service", "serviceRef")
	if out.Service = service.Str(); out.Service == "" {
		im.deviates(o, service, field(service, "spec.service"), "no-service", "the service is missing", "read without one, so nobody owns it")
	}
}

// labels takes over labels (a list becomes its values with commas) and annotations.
func (im *importer) labels(o object, out *slo.Objective) {
	meta := o.node.Get("metadata")
	out.Labels = im.texts(o, meta.Get("labels"))
	out.Annotations = im.texts(o, meta.Get("annotations"))
}

func (im *importer) texts(o object, n *tree.Node) map[string]string {
	if n.Empty() {
		return nil
	}
	if !n.Is(tree.Map) {
		im.refuse(o, n, "", "labels", "this has to be a map of names to texts", "write name: value")
		return nil
	}
	out := make(map[string]string, len(n.Fields))
	for _, f := range n.Fields {
		switch f.Value.Kind {
		case tree.List:
			for i, item := range f.Value.Items {
				if i > 0 {
					out[f.Key] += ","
				}
				out[f.Key] += item.Str()
			}
		case tree.Map:
			im.refuse(o, f.Value, "", "labels", "a label's value is a text or a list of texts", "write name: value")
		default:
			out[f.Key] = f.Value.Str()
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// OpenSLO v1, section "SLO": budgetingMethod.
var methods = map[string]slo.Method{"Occurrences": slo.Occurrences, "Timeslices": slo.Timeslices, "RatioTimeslices": slo.RatioTimeslices}

func (im *importer) method(o object, out *slo.Objective) {
	n := o.node.Get("spec", "budgetingMethod")
	m, ok := methods[n.Str()]
	if n.Empty() {
		im.deviates(o, n, field(n, "spec.budgetingMethod"), "budgeting-method", "the budgeting method is missing", "read as Occurrences")
		m, ok = slo.Occurrences, true
	}
	if !ok {
		im.refuse(o, n, "", "budgeting-method", quoted(n.Str())+" is no budgeting method", "Occurrences, Timeslices and RatioTimeslices are")
	}
	out.Method = m
}
