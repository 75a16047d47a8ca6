package migrate

import (
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

func isPyrra(d *tree.Node) bool {
	return d.Get("apiVersion").Str() == "pyrra.dev/v1alpha1" && d.Get("kind").Str() == "ServiceLevelObjective"
}

// serviceLabels are where the service of a Pyrra objective, which has no field for it, is looked for.
var serviceLabels = []string{"pyrra.dev/service", "service", "app.kubernetes.io/name", "app"}

// readPyrra reads Pyrra's custom resource.
func readPyrra(im *importer, o object) {
	mark := len(im.found)
	meta, spec := o.node.Get("metadata"), o.node.Get("spec")
	im.slothUnknown(o, spec, "description", "target", "window", "indicator", "alerting", "serviceLevel", "performanceOverAccuracy")
	name := meta.Get("name")
	if name.Str() == "" {
		im.refuse(o, name, field(name, "metadata.name"), "no-name", "a name is missing", "give it a name, lower-case letters, digits and dashes")
	}
	out := slo.Objective{Name: label(name.Str()), Description: spec.Get("description").Str(), Tier: -1, Method: slo.Occurrences,
		Labels: im.texts(o, meta.Get("labels")), Annotations: im.texts(o, meta.Get("annotations"))}
	if target := spec.Get("target"); target.Empty() {
		im.refuse(o, target, field(target, "spec.target"), "target", "the target is missing", "write per cent of good events, such as '99.9'")
	} else {
		out.Target = im.percent(o, target)
	}
	window := spec.Get("window")
	length, err := span(window.Str())
	if err != nil || length < day {
		im.refuse(o, window, field(window, "spec.window"), "time-window", "the window is missing or shorter than a day: "+quoted(window.Str()), "write one such as 28d or 4w")
	}
	out.Window = slo.Window{Rolling: length}
	out.NoAlerts, _ = spec.Get("alerting", "disabled").Bool()
	im.pyrraIndicator(o, spec.Get("indicator"), &out)
	im.pyrraService(o, &out)
	im.add(o, name, mark, out)
}

// pyrraService finds the service: in a label, else the job that is measured, else the namespace, else the objective itself.
func (im *importer) pyrraService(o object, out *slo.Objective) {
	meta := o.node.Get("metadata")
	for _, key := range serviceLabels {
		if out.Service = out.Labels[key]; out.Service != "" {
			return
		}
	}
	from := "the job it measures"
	if out.Service = jobOf(out.Indicator.Total); out.Service == "" {
		from, out.Service = "its namespace", meta.Get("namespace").Str()
	}
	if out.Service == "" {
		from, out.Service = "its name", out.Name
	}
	im.note(o, meta, "labels", "no-service", "Pyrra has no field for the service; "+quoted(out.Service)+" is taken from "+from+" (the label pyrra.dev/service names another)")
}

// jobOf is the value of job="x" in a query's first selector.
func jobOf(q slo.Query) string {
	for _, t := range q.Terms {
		sel, ok := reduce(t.Selector).expr.(*parser.VectorSelector)
		if !ok {
			continue
		}
		for _, m := range sel.LabelMatchers {
			if m.Name == "job" && m.Type == labels.MatchEqual {
				return m.Value
			}
		}
	}
	return ""
}

func (im *importer) pyrraIndicator(o object, n *tree.Node, out *slo.Objective) {
	kinds := map[string]func(object, *tree.Node, *slo.Objective){
		"ratio": im.pyrraRatio, "latency": im.pyrraLatency, "latencyNative": im.pyrraNative, "bool_gauge": im.pyrraGauge, "boolGauge": im.pyrraGauge,
	}
	if !n.Is(tree.Map) || len(n.Fields) != 1 || kinds[n.Fields[0].Key] == nil {
		im.refuse(o, n, field(n, "spec.indicator"), "no-indicator", "one indicator says what is measured", "write one of ratio, latency, latencyNative, bool_gauge")
		return
	}
	v := n.Fields[0].Value
	if grouping := v.Get("grouping"); grouping.Is(tree.List) {
		for _, item := range grouping.Items {
			if !groupLabel.MatchString(item.Str()) {
				im.refuse(o, item, "", "grouping", quoted(item.Str())+" is no label name", "write one such as handler")
			}
			out.GroupBy = append(out.GroupBy, item.Str())
		}
	}
	kinds[n.Fields[0].Key](o, v, out)
}

// selector reads a metric, which in Pyrra is a bare selector.
func (im *importer) selector(o object, n *tree.Node, keys ...string) (reduction, bool) {
	for _, key := range keys {
		if v := n.Get(key); v != nil {
			n = v
			continue
		}
		im.refuse(o, n, key, "no-query", "the metric is missing", "write a selector such as http_requests_total{job=\"web\"}")
		return reduction{}, false
	}
	r := reduce(n.Str())
	if r.invalid != nil || len(r.terms) != 1 || r.unit != running || r.summed {
		why := r.why
		if why == "" {
			why = "it is not a selector alone"
		}
		im.refuse(o, n, "", "promql", quoted(n.Str())+" selects no metric: "+why, "write a selector such as http_requests_total{job=\"web\"}")
		return r, false
	}
	return r, true
}

func (im *importer) pyrraRatio(o object, n *tree.Node, out *slo.Objective) {
	bad, badOK := im.selector(o, n, "errors", "metric")
	total, totalOK := im.selector(o, n, "total", "metric")
	if badOK && totalOK {
		out.Indicator, _, _ = ratio(slo.BadTotal, bad, total)
	}
}

func (im *importer) pyrraLatency(o object, n *tree.Node, out *slo.Objective) {
	good, goodOK := im.selector(o, n, "success", "metric")
	total, totalOK := im.selector(o, n, "total", "metric")
	if goodOK && totalOK {
		out.Indicator, _, _ = ratio(slo.GoodTotal, good, total)
	}
}

func (im *importer) pyrraNative(o object, n *tree.Node, out *slo.Objective) {
	total, ok := im.selector(o, n, "total", "metric")
	latency := n.Get("latency")
	x, err := positive(latency.Str())
	if err != nil {
		im.refuse(o, first(latency, n), field(latency, "latency"), "value", "the latency is missing or no length of time: "+quoted(latency.Str()), "write one such as 200ms")
	}
	if ok {
		out.Indicator = slo.Indicator{Kind: slo.Native, Total: total.query(), Threshold: x.Seconds()}
	}
}

func (im *importer) pyrraGauge(o object, n *tree.Node, out *slo.Objective) {
	if total, ok := im.selector(o, n, "metric"); ok {
		out.Indicator = slo.Indicator{Kind: slo.Gauge, Total: total.query(), Op: "gte", Threshold: 1}
	}
}
