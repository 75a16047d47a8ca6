package migrate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// unplaced leaves out where an objective was read.
func unplaced(objectives []slo.Objective) []slo.Objective {
	var out []slo.Objective
	for _, o := range objectives {
		o.File, o.Line = "", 0
		out = append(out, o)
	}
	return out
}

func TestEveryPublicObjectiveIsWrittenWithoutLoss(t *testing.T) {
	n := 0
	for _, f := range fixtures(t) {
		want := Read([]File{f}, Options{Partial: true}).Objectives
		data, err := WriteOpenSLO(want)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if len(want) == 0 {
			continue
		}
		again := Read([]File{{"again.yaml", data}}, Options{Strict: true})
		if again.Failed() || len(again.Notes) > 0 && !inexactOnly(again.Notes) {
			t.Errorf("%s: what we write is not strictly valid: %v %v\n%s", f.Name, again.Problems, again.Notes, data)
		}
		if diff := cmp.Diff(unplaced(want), unplaced(again.Objectives), decimals); diff != "" {
			t.Errorf("%s (-read +read again):\n%s\n%s", f.Name, diff, data)
		}
		n += len(want)
	}
	t.Logf("%d objectives", n)
}

func inexactOnly(notes []Note) bool {
	for _, n := range notes {
		if n.Rule != "inexact" && n.Rule != "grouped" {
			return false
		}
	}
	return true
}

func TestAnyObjectiveIsWrittenWithoutLoss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfNDistinct(rapid.Custom(drawObjective), 1, 4, func(o slo.Objective) string { return o.Name }).Draw(t, "objectives")
		data, err := WriteOpenSLO(want)
		if err != nil {
			t.Fatal(err)
		}
		got := Read([]File{{"a.yaml", data}}, Options{Strict: true})
		if got.Failed() {
			t.Fatalf("%v\n%s", got.Problems, data)
		}
		if diff := cmp.Diff(want, unplaced(got.Objectives), decimals); diff != "" {
			t.Fatalf("(-written +read):\n%s\n%s", diff, data)
		}
	})
}

var anyName = rapid.StringMatching(`[a-z]([a-z0-9-]{0,20}[a-z0-9])?`)

var anyText = rapid.Custom(func(t *rapid.T) string {
	return strings.TrimSpace(rapid.StringN(0, 30, 120).Draw(t, "text"))
})

func drawTexts(t *rapid.T, name string) map[string]string {
	m := rapid.MapOfN(anyName, anyText, 0, 3).Draw(t, name)
	for k, v := range m {
		if strings.TrimSpace(v) != v {
			delete(m, k)
		}
	}
	if len(m) == 0 {
		return nil
	}
	return m
}

func drawDecimal(t *rapid.T, name string) slo.Decimal {
	return slo.MustDecimal("0." + rapid.StringMatching(`[0-9]{0,11}[1-9]`).Draw(t, name))
}

func drawObjective(t *rapid.T) slo.Objective {
	o := slo.Objective{
		Name: anyName.Draw(t, "name"), Title: anyText.Draw(t, "title"), Description: anyText.Draw(t, "description"),
		Service: anyName.Draw(t, "service"), Tier: rapid.IntRange(-1, 3).Draw(t, "tier"),
		Labels: drawTexts(t, "labels"), Annotations: drawTexts(t, "annotations"),
		Window: drawWindow(t), Method: rapid.SampledFrom([]slo.Method{slo.Occurrences, slo.Timeslices, slo.RatioTimeslices}).Draw(t, "method"),
		NoData:    rapid.SampledFrom([]slo.NoData{"", slo.Excluded, slo.GoodData, slo.BadData, slo.HoldData}).Draw(t, "no data"),
		Staleness: time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "staleness")) * time.Millisecond,
		GroupBy:   rapid.SliceOfN(rapid.StringMatching(`[a-z_]{1,9}`), 0, 3).Draw(t, "group by"),
		MaxGroups: rapid.IntRange(0, 1000).Draw(t, "max groups"),
		NoAlerts:  rapid.Bool().Draw(t, "no alerts"),
		Runbook:   anyText.Draw(t, "runbook"),
	}
	if len(o.GroupBy) == 0 {
		o.GroupBy = nil
	}
	if rapid.Bool().Draw(t, "starts") {
		o.Start = time.Unix(0, rapid.Int64Range(0, 4e18).Draw(t, "start")).UTC()
	}
	for range rapid.IntRange(0, 3).Draw(t, "pairs") {
		o.Pairs = append(o.Pairs, drawPair(t))
	}
	for range rapid.IntRange(0, 2).Draw(t, "thresholds") {
		o.Policy = append(o.Policy, slo.Threshold{Consumed: rapid.Float64Range(1e-6, 9).Draw(t, "consumed"), Action: rapid.SampledFrom(actions).Draw(t, "action")})
	}
	if o.Method != slo.Occurrences {
		o.Slice = rapid.SampledFrom([]time.Duration{time.Minute, 5 * time.Minute, time.Hour}).Draw(t, "slice")
	}
	if o.Method == slo.Timeslices {
		o.SliceTarget = drawDecimal(t, "slice target")
	}
	o.Target = drawDecimal(t, "target")
	if rapid.IntRange(0, 4).Draw(t, "composite") > 0 {
		drawIndicator(t, &o)
		return o
	}
	drawComposite(t, &o)
	return o
}

func drawPair(t *rapid.T) slo.Pair {
	p := slo.Pair{Name: anyName.Draw(t, "pair"), Severity: rapid.SampledFrom([]string{"page", "ticket"}).Draw(t, "severity"),
		Short: time.Duration(rapid.IntRange(1, 600).Draw(t, "short")) * time.Minute}
	p.Long = p.Short + time.Duration(rapid.IntRange(0, 6000).Draw(t, "more"))*time.Minute
	if rapid.Bool().Draw(t, "by spend") {
		p.Spend = rapid.Float64Range(1e-4, 1).Draw(t, "spend")
		return p
	}
	p.Factor = rapid.Float64Range(1, 1000).Draw(t, "factor")
	return p
}

func drawWindow(t *rapid.T) slo.Window {
	if rapid.Bool().Draw(t, "rolling") {
		return slo.Window{Rolling: time.Duration(rapid.IntRange(1, 999_999).Draw(t, "minutes")) * time.Minute}
	}
	w := slo.Window{Unit: rapid.SampledFrom([]string{"day", "week", "month", "quarter", "year"}).Draw(t, "unit"),
		Count: rapid.IntRange(1, 12).Draw(t, "count"), Zone: rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Pacific/Apia"}).Draw(t, "zone")}
	if rapid.Bool().Draw(t, "anchored") {
		w.Anchor = time.Unix(rapid.Int64Range(1, 4e9).Draw(t, "anchor"), 0).UTC().Format(anchorLayout)
		if w.Anchor == defaultAnchor(w.Unit) {
			w.Anchor = ""
		}
	}
	return w
}

func drawComposite(t *rapid.T, o *slo.Objective) {
	kind := "openslo"
	switch {
	case rapid.Bool().Draw(t, "pooled"):
		kind = "pooled"
	case o.Method == slo.Timeslices:
		kind = "any_slice"
	}
	o.Composite = &slo.Composite{Kind: kind}
	for range rapid.IntRange(1, 3).Draw(t, "parts") {
		p := slo.Part{Name: anyName.Draw(t, "part"), Weight: 1}
		if o.Method != slo.Timeslices {
			p.Weight = rapid.Float64Range(1e-3, 99).Draw(t, "weight")
		}
		p.Objective = slo.Objective{Name: p.Name, Service: o.Service, Tier: -1, Method: o.Method, Window: o.Window,
			Target: o.Target, Slice: o.Slice, SliceTarget: o.SliceTarget,
			NoData: rapid.SampledFrom([]slo.NoData{"", slo.HoldData}).Draw(t, "part's no data")}
		if kind != "any_slice" {
			p.Objective.Target = drawDecimal(t, "part's target")
		}
		drawIndicator(t, &p.Objective)
		p.Objective.GroupBy = nil
		o.Composite.Parts = append(o.Composite.Parts, p)
	}
	if kind == "openslo" {
		o.Target = o.Composite.Parts[0].Objective.Target
		for _, p := range o.Composite.Parts {
			if p.Objective.Target.Cmp(o.Target) > 0 {
				o.Target = p.Objective.Target
			}
		}
	}
}

// drawIndicator makes an indicator as an import would: its queries reduced.
func drawIndicator(t *rapid.T, o *slo.Objective) {
	sel := func(name string) string {
		return rapid.StringMatching(`[a-z_]{1,8}`).Draw(t, name) + rapid.SampledFrom([]string{"", `{a="b"}`, `{job=~"x|y",code!="5"}`}).Draw(t, name+"'s labels")
	}
	var metrics string
	if rapid.Bool().Draw(t, "named source") {
		metrics = anyName.Draw(t, "source")
	}
	defer func() { o.Indicator.Metrics = metrics }()
	query := func(name string) string {
		return rapid.SampledFrom([]string{"sum(rate(%s[{{.window}}]))", "sum(increase(%s[5m]))", "%s", "sum(rate(%s[5m])) or vector(0)", "avg(rate(%s[5m]))",
			"sum(\n  rate(%s[$__range])\n)"}).Draw(t, name+"'s form")
	}
	fill := func(name string) string { return strings.ReplaceAll(query(name), "%s", sel(name)) }
	x := rapid.Float64Range(-1e6, 1e6).Draw(t, "threshold")
	switch kind := rapid.SampledFrom([]slo.IndicatorKind{slo.BadTotal, slo.GoodTotal, slo.Gauge, slo.Histogram, slo.Native, slo.Ratio, "latency"}).Draw(t, "kind"); kind {
	case slo.BadTotal, slo.GoodTotal:
		o.Indicator, _, _ = ratio(kind, reduce(fill("side")), reduce(fill("total")))
		o.Indicator.Delta = o.Indicator.Delta || rapid.Bool().Draw(t, "delta")
	case slo.Gauge:
		op := rapid.SampledFrom([]string{"lt", "lte", "gt", "gte", "eq", "ne"}).Draw(t, "op")
		o.Indicator = slo.Indicator{Kind: kind, Total: thresholdQuery(reduce(fill("gauge")), kind), Op: op, Threshold: x}
	case slo.Histogram, slo.Native:
		name := rapid.SampledFrom([]string{"h", "h_bucket", `h_bucket{a="b"}`}).Draw(t, "histogram")
		q, _ := Reduce(name)
		o.Indicator = slo.Indicator{Kind: kind, Total: q, Threshold: x}
	case slo.Ratio:
		o.Indicator = slo.Indicator{Kind: kind, Total: slo.Query{Text: "avg(" + sel("ratio") + ")"}}
	case "latency":
		o.Indicator, _, _ = ratio(slo.GoodTotal, reduce(`sum(rate(h_bucket{le="0.5"}[5m]))`), reduce(`sum(rate(h_count[5m]))`))
	}
}
