package migrate

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

func TestBothSidesOfOneHistogramBecomeAThreshold(t *testing.T) {
	want := slo.Indicator{Kind: slo.Histogram, Threshold: 0.4, Total: slo.Query{Terms: []slo.Term{{Selector: `h_bucket{job="a"}`, Factor: 1}}}}
	for _, c := range []struct {
		kind        slo.IndicatorKind
		side, total string
	}{
		{slo.GoodTotal, `sum(rate(h_bucket{le="0.4",job="a"}[5m]))`, `sum(rate(h_count{job="a"}[5m]))`},
		{slo.GoodTotal, `sum(rate(h_bucket{job="a",le="0.40"}[5m]))`, `sum(rate(h_bucket{job="a",le="+Inf"}[5m]))`},
		{slo.BadTotal, `sum(rate(h_count{job="a"}[5m])) - sum(rate(h_bucket{le="4e-1",job="a"}[5m]))`, `sum(rate(h_count{job="a"}[5m]))`},
		{slo.GoodTotal, `h_bucket{le="0.4",job="a"}`, `h_count{job="a"}`},
	} {
		got, why, _ := ratio(c.kind, reduce(c.side), reduce(c.total))
		got.Good.Text, got.Bad.Text, got.Total.Text = "", "", ""
		if diff := cmp.Diff(want, got); diff != "" || why != "" {
			t.Errorf("%s / %s: %s\n%s", c.side, c.total, why, diff)
		}
	}
	for _, c := range [][2]string{
		{`sum(rate(h_bucket{le="0.4",code="5"}[5m]))`, `sum(rate(h_count[5m]))`}, // not the same events
		{`sum(rate(g_bucket{le="0.4"}[5m]))`, `sum(rate(h_count[5m]))`},
		{`sum(rate(h_bucket{le=~"0.4"}[5m]))`, `sum(rate(h_count[5m]))`},
		{`2 * sum(rate(h_bucket{le="0.4"}[5m]))`, `sum(rate(h_count[5m]))`},
	} {
		if got, _, _ := ratio(slo.GoodTotal, reduce(c[0]), reduce(c[1])); got.Kind != slo.GoodTotal || !got.Good.Exact() {
			t.Errorf("%s became %s", c[0], got.Kind)
		}
	}
}

func TestAFractionOfANativeHistogramBecomesAThreshold(t *testing.T) {
	h := `sum(rate(h{job="a"}[5m]))`
	want := slo.Indicator{Kind: slo.Native, Threshold: 0.2, Total: slo.Query{Terms: []slo.Term{{Selector: `h{job="a"}`, Factor: 1}}}}
	got, why, _ := ratio(slo.GoodTotal, reduce("histogram_fraction(0, 0.2, "+h+") * histogram_count("+h+")"), reduce("histogram_count("+h+")"))
	raw, rawWhy, _ := share("1 - histogram_fraction(0, 0.2, "+h+")", false)
	for _, in := range []*slo.Indicator{&got, &raw} {
		in.Good.Text, in.Total.Text = "", ""
		if diff := cmp.Diff(want, *in); diff != "" {
			t.Error(diff)
		}
	}
	if why+rawWhy != "" {
		t.Error(why, rawWhy)
	}
	if in, why, _ := ratio(slo.BadTotal, reduce("sum(rate(x[5m]))"), reduce("histogram_count("+h+")")); why == "" || in.Total.Exact() {
		t.Error("a native histogram's count beside a plain counter is not exact")
	}
}

func TestSharesAreTakenApartWhereTheyAreQuotients(t *testing.T) {
	for _, c := range []struct {
		text      string
		success   bool
		kind      slo.IndicatorKind
		side, all string
	}{
		{`sum(rate(b[5m])) / sum(rate(t[5m]))`, false, slo.BadTotal, "sum(rate(b[5m]))", "sum(rate(t[5m]))"},
		{`(sum(rate(b[5m])) / sum(rate(t[5m]))) or vector(0)`, false, slo.BadTotal, "sum(rate(b[5m]))", "sum(rate(t[5m]))"},
		{`1 - (sum(rate(g[5m])) / sum(rate(t[5m])))`, false, slo.GoodTotal, "sum(rate(g[5m]))", "sum(rate(t[5m]))"},
		{`sum(rate(g[5m])) / sum(rate(t[5m]))`, true, slo.GoodTotal, "sum(rate(g[5m]))", "sum(rate(t[5m]))"},
		{`1 - sum(rate(b[{{.window}}])) / sum(rate(t[{{.window}}]))`, true, slo.BadTotal, "sum(rate(b[{{.window}}]))", "sum(rate(t[{{.window}}]))"},
	} {
		in, why, _ := share(c.text, c.success)
		if in.Kind != c.kind || in.Good.Text+in.Bad.Text != c.side || in.Total.Text != c.all || why != "" {
			t.Errorf("%s: %+v %s", c.text, in, why)
		}
	}
	if in, why, _ := share("avg(x)", true); in.Kind != slo.Ratio || in.Total.Text != "1 - (avg(x))" || why == "" {
		t.Errorf("%+v %s", in, why)
	}
}

func TestBothSidesCountInOneUnitOrNeitherIsExact(t *testing.T) {
	in, why, _ := ratio(slo.BadTotal, reduce("sum(rate(b[5m]))"), reduce("sum(increase(t[5m]))"))
	if in.Bad.Exact() || in.Total.Exact() || why != "the bad query gives events a second, the total query events a window" {
		t.Errorf("%+v: %s", in, why)
	}
	in, why, _ = ratio(slo.BadTotal, reduce("avg(b)"), reduce("sum(rate(t[5m]))"))
	if in.Total.Exact() || !strings.HasPrefix(why, "the bad query: avg()") {
		t.Errorf("%+v: %s", in, why)
	}
	in, why, by := ratio(slo.BadTotal, reduce("sum by (a) (sum_over_time(b[5m]))"), reduce("sum by (a) (sum_over_time(t[5m]))"))
	if !in.Delta || why != "" || len(by) != 1 {
		t.Errorf("%+v: %s %v", in, why, by)
	}
}

const compositeFile = `apiVersion: openslo/v1
kind: SLO
metadata: {name: journey}
spec:
  service: shop
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - displayName: cart
      target: 0.99
      compositeWeight: 2
      indicator: {metadata: {name: cart, annotations: {evenkeel.dev/no-data: bad}}, spec: {ratioMetric: {counter: true, bad: {metricSource: {spec: {query: a}}}, total: {metricSource: {spec: {query: b}}}}}}
    - displayName: pay
      target: 0.999
      indicator: {metadata: {name: pay}, spec: {ratioMetric: {counter: true, bad: {metricSource: {spec: {query: c}}}, total: {metricSource: {spec: {query: d}}}}}}
`

func TestObjectivesWithIndicatorsOfTheirOwnAreAComposite(t *testing.T) {
	got, notes, problems := ReadSLOs("a.yaml", []byte(compositeFile), Options{Strict: true})
	if len(got) != 1 || len(problems) > 0 {
		t.Fatal(problems)
	}
	if len(notes) != 1 || notes[0].Rule != "composite-target" || !strings.Contains(notes[0].Msg, "0.999, its strictest part's") || got[0].Target.String() != "0.999" {
		t.Errorf("the target that stands in is not named: %v", notes)
	}
	if body, err := WriteOpenSLO(got); err != nil || strings.Contains(string(body), "composite-target") {
		t.Errorf("it is written back: %v\n%s", err, body)
	}
	if _, notes, _ := ReadSLOs("a.yaml", []byte(strings.ReplaceAll(compositeFile, "0.999", "0.99")), Options{}); len(notes) != 0 {
		t.Errorf("noted though the parts agree: %v", notes)
	}
	c := got[0].Composite
	if c.Kind != "openslo" || len(c.Parts) != 2 || c.Parts[0].Weight != 2 || c.Parts[0].Objective.NoData != slo.BadData ||
		c.Parts[1].Name != "pay" || c.Parts[1].Objective.Target.String() != "0.999" {
		t.Errorf("%+v", c)
	}
	if problems := Lint(got); len(problems) > 0 {
		t.Error(problems)
	}
	slices := strings.NewReplacer("Occurrences", "Timeslices", "compositeWeight: 2", "timeSliceWindow: 1m\n      timeSliceTarget: 0.9").Replace(compositeFile)
	if _, _, problems := ReadSLOs("a.yaml", []byte(slices), Options{}); len(problems) == 0 {
		t.Error("slices with different targets are no composite")
	}
}

func TestStrictRefusesWhatTheSpecificationRefuses(t *testing.T) {
	for name, change := range map[string][2]string{
		"unknown field":    {"service: web", "service: web\n  sevrice: web"},
		"service":          {"service: web", "description: x"},
		"budgeting method": {"  budgetingMethod: Occurrences\n", ""},
		"time window":      {"  timeWindow: [{duration: 28d, isRolling: true}]\n", ""},
		"name":             {"name: a}", "name: A_b}"},
		"neither rolling":  {", isRolling: true", ""},
	} {
		file := strings.Replace(single, change[0], change[1], 1)
		if file == single {
			t.Fatalf("%s: nothing changed", name)
		}
		got, notes, problems := ReadSLOs("a.yaml", []byte(file), Options{})
		if len(got) != 1 || len(notes) == 0 || len(problems) > 0 {
			t.Errorf("%s: tolerant gives %v %v", name, notes, problems)
		}
		if got, _, problems := ReadSLOs("a.yaml", []byte(file), Options{Strict: true}); len(got) > 0 || len(problems) == 0 {
			t.Errorf("%s: strict takes it", name)
		}
	}
}
