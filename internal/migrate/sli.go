package migrate

import (
	"slices"
	"strconv"
	"strings"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// sli is an indicator as a format states it, before an objective's threshold is known.
type sli struct {
	node        *tree.Node
	name        string
	annotations *tree.Node
	spec        *tree.Node // ratioMetric or thresholdMetric stands below it
}

// sliOf finds the indicator that stands at n: inline, by reference, or in v1alpha's bare form. nil when there is none.
func (im *importer) sliOf(o object, n *tree.Node) *sli {
	if r := n.First("indicatorRef", "sliRef"); !r.Empty() {
		target, ok := im.resolve(o, r, "SLI")
		if !ok {
			return nil
		}
		return &sli{r, r.Str(), target.node.Get("metadata", "annotations"), target.node.Get("spec")}
	}
	if inline := n.First("indicator", "sli"); !inline.Empty() {
		spec := first(inline.Get("spec"), inline)
		return &sli{inline, inline.Get("metadata", "name").Str(), inline.Get("metadata", "annotations"), spec}
	}
	if n.Get("ratioMetrics") != nil { // v1alpha keeps ratios in the objective
		return &sli{node: n.Get("ratioMetrics"), spec: n}
	}
	return nil
}

// resolve finds what a reference names. A dangling one is an error, and a note in a partial import.
func (im *importer) resolve(o object, r *tree.Node, kind string) (object, bool) {
	target, ok := im.index[ref{kind, r.Str()}]
	if ok {
		return target, true
	}
	msg := "no " + kind + " is named " + quoted(r.Str())
	if im.options.Partial {
		im.warn(o, r, "", "dangling-reference", msg+" in these files", "import it together with the file that defines it")
		return object{}, false
	}
	im.refuse(o, r, "", "dangling-reference", msg, "define it in one of the files of this import, or mend the name")
	return object{}, false
}

// checkSLI checks an SLI document that may have no SLO yet.
func (im *importer) checkSLI(o object) {
	spec := o.node.Get("spec")
	im.unknown(o, spec, "description", "ratioMetric", "thresholdMetric")
	im.checkMetrics(o, spec)
}

func (im *importer) checkMetrics(o object, spec *tree.Node) (ok bool) {
	ratioNode, threshold := spec.First("ratioMetric", "ratioMetrics"), spec.Get("thresholdMetric")
	switch {
	case ratioNode.Empty() && threshold.Empty():
		im.refuse(o, spec, "", "no-metric", "neither ratioMetric nor thresholdMetric is given", "write one of them")
	case !ratioNode.Empty() && !threshold.Empty():
		im.refuse(o, threshold, "", "two-metrics", "ratioMetric and thresholdMetric exclude each other", "leave one of them out")
	case ratioNode != nil:
		return im.checkRatio(o, ratioNode)
	default:
		return true
	}
	return false
}

func (im *importer) checkRatio(o object, n *tree.Node) bool {
	im.unknown(o, n, "counter", "incremental", "good", "bad", "total", "raw", "rawType")
	good, bad, total, raw := n.Get("good"), n.Get("bad"), n.Get("total"), n.Get("raw")
	switch {
	case !raw.Empty() && !(good.Empty() && bad.Empty() && total.Empty()):
		im.refuse(o, raw, "", "two-metrics", "raw stands alone, without good, bad and total", "leave it out")
	case !raw.Empty():
		return true
	case !good.Empty() && !bad.Empty():
		im.refuse(o, bad, "", "two-metrics", "good and bad exclude each other", "leave one of them out")
	case good.Empty() && bad.Empty():
		im.refuse(o, n, "good", "no-metric", "neither good nor bad events are given", "write one of them beside total")
	case total.Empty():
		im.refuse(o, n, "total", "no-metric", "the total is missing", "write the query that counts all events")
	default:
		return true
	}
	return false
}

// indicator makes the indicator of one objective from an SLI and the objective's threshold.
func (im *importer) indicator(o object, s *sli, objective *tree.Node, out *slo.Objective) {
	if !im.checkMetrics(o, s.spec) {
		return
	}
	if n := s.spec.First("ratioMetric", "ratioMetrics"); n != nil {
		im.ratioMetric(o, n, out)
		return
	}
	im.thresholdMetric(o, s, objective, out)
}

func (im *importer) ratioMetric(o object, n *tree.Node, out *slo.Objective) {
	counter, valid := n.First("counter", "incremental").Bool()
	if !valid {
		im.refuse(o, n.First("counter", "incremental"), "", "counter", "counter is true or false", "write one of them")
		return
	}
	if n.Get("raw") != nil {
		im.raw(o, n, out)
		return
	}
	kind, sideNode := slo.GoodTotal, n.Get("good")
	if sideNode.Empty() {
		kind, sideNode = slo.BadTotal, n.Get("bad")
	}
	side, ok := im.metric(o, sideNode)
	total, ok2 := im.metric(o, n.Get("total"))
	if !ok || !ok2 {
		return
	}
	if side.source != total.source || side.label != total.label {
		im.refuse(o, sideNode, "", "two-sources", "its source is "+strings.TrimSpace(side.label+" "+quoted(side.source))+" and that of the total "+
			strings.TrimSpace(total.label+" "+quoted(total.source)), "read both from one source")
		return
	}
	in, inexact, by := ratio(kind, im.reduceMetric(o, side), im.reduceMetric(o, total))
	in.Delta = in.Delta || n.First("counter", "incremental") != nil && !counter
	im.setIndicator(o, total, in, inexact, by, out)
}

// raw reads a share of events given by one query.
func (im *importer) raw(o object, n *tree.Node, out *slo.Objective) {
	m, ok := im.metric(o, n.Get("raw"))
	if !ok {
		return
	}
	kind := n.Get("rawType").Str()
	if kind != "success" && kind != "failure" {
		im.refuse(o, first(n.Get("rawType"), n), field(n.Get("rawType"), "rawType"), "raw-type", "rawType says what the raw share counts: success or failure", "write one of them")
		return
	}
	if m.kind != "" {
		in := slo.Indicator{Kind: slo.Ratio, Total: slo.Query{Text: m.text}}
		im.setIndicator(o, m, in, "", nil, out)
		if kind == "success" { // nobody here can turn the query round
			annotate(out, keyRawType, kind)
		}
		return
	}
	im.reduceMetric(o, m) // for its refusal
	in, inexact, by := share(m.text, kind == "success")
	im.setIndicator(o, m, in, inexact, by, out)
}

// setIndicator puts an indicator into its objective and names what is not exact about it.
func (im *importer) setIndicator(o object, m metric, in slo.Indicator, inexact string, by []string, out *slo.Objective) {
	in.Metrics = m.source
	out.Indicator = in
	if m.label != "" {
		annotate(out, keySourceType, m.label)
	}
	if m.kind != "" {
		im.foreign(o, m)
		return
	}
	if inexact != "" {
		im.note(o, m.node, "", "inexact", "evaluated as it stands once a minute instead of counted event by event: "+inexact)
	}
	odd := slices.ContainsFunc(by, func(name string) bool { return !groupLabel.MatchString(name) })
	if len(by) > 0 && out.GroupBy == nil && !odd {
		im.note(o, m.node, "", "grouped", "summed by "+strings.Join(by, ", ")+": one budget for each")
		out.GroupBy = by
	}
}

// OpenSLO v1, section "Objectives": op.
var ops = map[string]bool{"lt": true, "lte": true, "gt": true, "gte": true}

// thresholdMetric reads a value to compare: a gauge, or a histogram when the query selects its buckets (or when the
// annotation evenkeel.dev/indicator says so).
func (im *importer) thresholdMetric(o object, s *sli, objective *tree.Node, out *slo.Objective) {
	n := s.spec.Get("thresholdMetric")
	m, ok := im.metric(o, n)
	if !ok {
		return
	}
	in := slo.Indicator{Kind: slo.Gauge, Op: objective.Get("op").Str()}
	value := objective.Get("value")
	x, err := strconv.ParseFloat(value.Str(), 64)
	switch {
	case !ops[in.Op]:
		op := objective.Get("op")
		im.refuse(o, first(op, objective), field(op, "op"), "op", "how the value is compared is missing or unknown: "+quoted(in.Op), "write lt, lte, gt or gte")
		return
	case err != nil || !finite(x):
		im.refuse(o, first(value, objective), field(value, "value"), "value", "the value to compare with is missing or no number: "+quoted(value.Str()), "write the threshold, in the metric's unit")
		return
	}
	in.Threshold = x
	r := im.reduceMetric(o, m)
	inexact := im.thresholdKind(o, s, r, &in)
	in.Total = thresholdQuery(r, in.Kind)
	if m.kind == "" && in.Total.Terms == nil && inexact == "" && r.invalid == nil {
		inexact = "only one selector can be read sample by sample, without functions"
	}
	im.setIndicator(o, m, in, inexact, nil, out)
}

// thresholdQuery reads one bare selector sample by sample.
func thresholdQuery(r reduction, k slo.IndicatorKind) slo.Query {
	q := slo.Query{Text: r.text}
	if len(r.terms) == 1 && r.why == "" && r.unit == running && !r.summed && r.terms[0].factor == 1 {
		q = r.query()
	}
	return q
}

func (im *importer) thresholdKind(o object, s *sli, r reduction, in *slo.Indicator) (inexact string) {
	said := s.annotations.Get(prefix + keyIndicator)
	switch said.Str() {
	case "":
		if len(r.terms) == 1 && !r.summed && r.unit == running && strings.HasSuffix(r.terms[0].sel.Name, "_bucket") {
			in.Kind = slo.Histogram
		}
	case string(slo.Gauge), string(slo.Histogram), string(slo.Native):
		in.Kind = slo.IndicatorKind(said.Str())
	default:
		im.refuse(o, said, "", "extra", quoted(said.Str())+" is no kind of threshold indicator", "write gauge, histogram or native")
	}
	if in.Kind == slo.Gauge {
		if op := s.annotations.Get(prefix + keyOp); op != nil {
			in.Op = op.Str()
			if in.Op != "eq" && in.Op != "ne" && !ops[in.Op] {
				im.refuse(o, op, "", "extra", quoted(in.Op)+" is no comparison", "write lt, lte, gt, gte, eq or ne")
			}
		}
		return ""
	}
	if in.Op == "gt" || in.Op == "gte" {
		im.refuse(o, s.node, "", "op", "of a histogram only events up to the value can be good, not those above it", "write op: lte")
	}
	in.Op = ""
	if len(r.terms) != 1 || r.summed || r.unit != running {
		im.refuse(o, s.node, "", "histogram-query", "the query of a histogram indicator is a selector and nothing else", "write the selector, without rate and sum")
	}
	return ""
}
