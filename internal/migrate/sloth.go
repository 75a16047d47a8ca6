package migrate

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// slothDefaults are Sloth's four pairs for 30 days (docs, "SLO period windows").
var slothDefaults = []slo.Pair{
	{Name: "page-1h", Severity: "page", Spend: 0.02, Long: time.Hour, Short: 5 * time.Minute},
	{Name: "page-6h", Severity: "page", Spend: 0.05, Long: 6 * time.Hour, Short: 30 * time.Minute},
	{Name: "ticket-1d", Severity: "ticket", Spend: 0.1, Long: day, Short: 2 * time.Hour},
	{Name: "ticket-3d", Severity: "ticket", Spend: 0.1, Long: 3 * day, Short: 6 * time.Hour},
}

func isSloth(d *tree.Node) bool { return d.Get("version").Str() == "prometheus/v1" }

func isSlothResource(d *tree.Node) bool {
	return d.Get("apiVersion").Str() == "sloth.slok.dev/v1" && d.Get("kind").Str() == "PrometheusServiceLevel"
}

// readSloth reads Sloth's prometheus/v1 and, below spec, its custom resource. The two spell their fields differently
// (error_query, errorQuery) and people mix them up, so both spellings are read in both.
func readSloth(im *importer, o object) {
	mark := len(im.found)
	root := o.node
	if isSlothResource(root) {
		root = root.Get("spec")
		im.slothUnknown(o, root, "service", "labels", "sloPlugins", "slo_plugins", "slos")
	} else {
		im.slothUnknown(o, root, "version", "service", "labels", "sloPlugins", "slo_plugins", "slos")
	}
	service := root.Get("service")
	if service.Str() == "" {
		im.refuse(o, service, slothPath(root, service, "service"), "no-service", "the service is missing", "name the component these objectives belong to")
	}
	if n := root.First("slo_plugins", "sloPlugins"); !n.Empty() {
		im.note(o, n, "", "sloth-plugin", "SLO plugins change the rules that Sloth generates and have no meaning here")
	}
	slos := root.Get("slos")
	if !slos.Is(tree.List) || len(slos.Items) == 0 {
		im.refuse(o, slos, slothPath(root, slos, "slos"), "no-objectives", "there is no SLO, so there is nothing to keep", "write at least one under slos")
		return
	}
	labels := im.texts(o, root.Get("labels"))
	broken := im.failedSince(mark) // then no SLO of the document stands
	for _, n := range slos.Items {
		if !broken {
			mark = len(im.found)
		}
		im.slothSLO(o, mark, service.Str(), labels, n)
	}
}

// slothPath names an absent field from the document's root.
func slothPath(root, n *tree.Node, key string) string {
	switch {
	case n != nil:
		return ""
	case root != nil && root.Path == "spec":
		return "spec." + key
	}
	return key
}

// slothUnknown notes fields that Sloth itself passes over without a word.
func (im *importer) slothUnknown(o object, n *tree.Node, known ...string) {
	if !n.Is(tree.Map) {
		return
	}
	for _, f := range n.Fields {
		if !slices.Contains(known, f.Key) {
			im.note(o, &tree.Node{Line: f.Line, Column: f.Column, Path: f.Value.Path}, "", "unknown-field", "no such field; it is left out")
		}
	}
}

func (im *importer) slothSLO(o object, mark int, service string, labels map[string]string, n *tree.Node) {
	im.slothUnknown(o, n, "name", "description", "objective", "labels", "sli", "alerting", "plugins")
	name := n.Get("name")
	if name.Str() == "" {
		im.refuse(o, first(name, n), field(name, "name"), "no-name", "the SLO has no name", "give it a name")
	}
	out := slo.Objective{
		Name: label(service + "-" + name.Str()), Description: n.Get("description").Str(), Service: service, Tier: -1,
		Labels: clone(labels), Method: slo.Occurrences, Window: slo.Window{Rolling: 30 * day},
	}
	annotate(&out, keySlothSLO, name.Str())
	for k, v := range im.texts(o, n.Get("labels")) {
		if out.Labels == nil {
			out.Labels = map[string]string{}
		}
		out.Labels[k] = v
	}
	if objective := n.Get("objective"); objective.Empty() {
		im.refuse(o, n, "objective", "target", "the objective is missing", "write per cent of good events, such as 99.9")
	} else {
		out.Target = im.percent(o, objective)
	}
	if p := n.Get("plugins"); !p.Empty() {
		im.note(o, p, "", "sloth-plugin", "SLO plugins change the rules that Sloth generates and have no meaning here")
	}
	im.slothSLI(o, n, &out)
	im.slothAlerts(o, n, &out)
	im.add(o, first(name, n), mark, out)
}

func (im *importer) slothSLI(o object, n *tree.Node, out *slo.Objective) {
	s := n.Get("sli")
	events, raw, plugin := s.Get("events"), s.Get("raw"), s.Get("plugin")
	given := 0
	for _, v := range []*tree.Node{events, raw, plugin} {
		if !v.Empty() {
			given++
		}
	}
	switch {
	case given != 1:
		im.refuse(o, first(s, n), field(s, "sli"), "no-indicator", fmt.Sprintf("%d of events, raw and plugin say what is measured, and it takes one", given), "write one of them")
	case events != nil:
		bad, badOK := im.slothQuery(o, n, events, "error_query", "errorQuery")
		total, totalOK := im.slothQuery(o, n, events, "total_query", "totalQuery")
		if badOK && totalOK {
			in, inexact, by := ratio(slo.BadTotal, bad, total)
			im.setIndicator(o, im.slothSource(o, n, events), in, inexact, by, out)
		}
	case raw != nil:
		if r, ok := im.slothQuery(o, n, raw, "error_ratio_query", "errorRatioQuery"); ok {
			in, inexact, by := share(r.text, false)
			im.setIndicator(o, im.slothSource(o, n, raw), in, inexact, by, out)
		}
	default:
		im.slothPlugin(o, plugin, out)
	}
}

func (im *importer) slothQuery(o object, s, n *tree.Node, names ...string) (reduction, bool) {
	q := n.First(names...)
	if q.Str() == "" {
		im.refuse(o, first(q, n), field(q, names[0]), "no-query", "the query is missing", "write the query, its window as [{{.window}}]")
		return reduction{}, false
	}
	r := reduce(q.Str())
	if r.invalid != nil && im.takesMore(o, s) {
		im.warn(o, q, "", "promql", "the query is "+r.why+"; it is kept as it stands for a source that takes more than PromQL", "check it against that source")
		return r, true
	}
	if r.invalid != nil {
		im.refuse(o, q, "", "promql", "the query is "+r.why, "mend the query")
		return r, false
	}
	return r, true
}

// slothSource is the source of an SLO's queries: Prometheus, or VictoriaMetrics where PromQL is not asked for.
func (im *importer) slothSource(o object, s, n *tree.Node) metric {
	if im.takesMore(o, s) {
		return metric{node: n, label: victoria}
	}
	return metric{node: n}
}

// takesMore says whether a Sloth SLO replaces the default plugins, PromQL's validation among them: VictoriaMetrics.
func (im *importer) takesMore(o object, s *tree.Node) bool {
	for _, n := range []*tree.Node{o.node.First("slo_plugins", "sloPlugins"), o.node.Get("spec").First("slo_plugins", "sloPlugins"), s.Get("plugins")} {
		if on, _ := n.First("overridePrevious", "override_previous").Bool(); on {
			return true
		}
	}
	return false
}

// slothPlugin keeps an SLO whose queries are made by a Go plugin that is not in the file.
func (im *importer) slothPlugin(o object, plugin *tree.Node, out *slo.Objective) {
	id := plugin.Get("id")
	if id.Str() == "" {
		im.refuse(o, first(id, plugin), field(id, "id"), "no-query", "the plugin has no id", "write the plugin's id, or the queries under events")
		return
	}
	text, err := json.Marshal(plugin.Value())
	if err != nil {
		im.refuse(o, plugin, "", "no-query", "the plugin's options cannot be read: "+err.Error(), "write the queries under events")
		return
	}
	q := slo.Query{Text: string(text)}
	out.Indicator = slo.Indicator{Kind: slo.Ratio, Total: q, Metrics: "sloth-plugin"}
	annotate(out, keySourceType, "sloth-plugin")
	im.warn(o, id, "", "foreign-source", "the queries are made by Sloth's plugin "+quoted(id.Str())+", which is not here; the objective is kept and has no data",
		"write the queries it makes under events")
}
