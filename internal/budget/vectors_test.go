package budget_test

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit/kittest"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// vector is a case of the engine's test vectors that is answered from raw samples.
type vector struct {
	ID          string          `json:"id"`
	SLO         vectorSLO       `json:"slo"`
	Series      []vectorSeries  `json:"series"`
	Corrections []vectorCorrect `json:"corrections"`
	Questions   []question      `json:"questions"`
}

type vectorSLO struct {
	SLI      string `json:"sli"`
	Target   string `json:"target"`
	Versions []struct {
		From   int64  `json:"from"`
		Target string `json:"target"`
	} `json:"versions"`
	Start  int64 `json:"start"`
	Window struct {
		RollingS int64 `json:"rolling_s"`
		Calendar *struct {
			Unit, Zone, Anchor string
			Count              int
		}
	} `json:"window"`
	Tier        *int            `json:"tier"`
	NoData      string          `json:"no_data"`
	StalenessS  int64           `json:"staleness_s"`
	Method      string          `json:"method"`
	SliceS      int64           `json:"slice_s"`
	SliceTarget string          `json:"slice_target"`
	Threshold   any             `json:"threshold"`
	Op          string          `json:"op"`
	GroupBy     []string        `json:"group_by"`
	Composite   string          `json:"composite"`
	Components  json.RawMessage `json:"components"`
}

type vectorSeries struct {
	Role      string            `json:"role"`
	Le        any               `json:"le"`
	Target    string            `json:"target"`
	Labels    map[string]string `json:"labels"`
	Component string            `json:"component"`
	Delta     bool              `json:"delta"`
	Samples   []json.RawMessage `json:"samples"`
}

type vectorCorrect struct {
	ID       string
	From, To int64
	Effect   string
	Seen     int64
	Revoked  int64
}

type question struct {
	Ask       string
	From, To  int64
	At, Known int64
	Group     string
	Expect    json.RawMessage
}

func vectors(t testing.TB, file string) []vector {
	t.Helper()
	f, err := os.Open(kittest.Fixtures(t, "slo/vectors/"+file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var v vector
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return out
}

// objective is the case's objective over series named after their roles; ok is false for shapes this test leaves to the
// arithmetic's own.
func (v vector) objective() (o slo.Objective, ok bool) {
	s := v.SLO
	if s.Composite != "" || s.Target == "" && len(s.Versions) == 0 {
		return o, false
	}
	q := func(role string) slo.Query { return slo.Query{Terms: []slo.Term{{Selector: role, Factor: 1}}} }
	o = slo.Objective{Name: v.ID, Service: "shop", Tier: 1, Window: slo.Window{Rolling: time.Duration(s.Window.RollingS) * time.Second},
		NoData: slo.NoData(s.NoData), Staleness: time.Duration(s.StalenessS) * time.Second, Method: slo.Method(s.Method),
		Slice: time.Duration(s.SliceS) * time.Second, GroupBy: s.GroupBy, Start: time.UnixMilli(s.Start)}
	if c := s.Window.Calendar; c != nil {
		o.Window = slo.Window{Unit: c.Unit, Count: c.Count, Zone: c.Zone, Anchor: c.Anchor}
	}
	if s.Tier != nil {
		o.Tier = *s.Tier
	}
	if s.SliceTarget != "" {
		o.SliceTarget = slo.MustDecimal(s.SliceTarget)
	}
	if s.Target != "" {
		o.Target = slo.MustDecimal(s.Target)
	} else {
		o.Target = slo.MustDecimal(s.Versions[0].Target)
	}
	o.Indicator = slo.Indicator{Kind: slo.IndicatorKind(s.SLI), Op: s.Op}
	o.Indicator.Threshold, _ = strconv.ParseFloat(fmt.Sprint(s.Threshold), 64)
	switch s.SLI {
	case "bad_total":
		o.Indicator.Total, o.Indicator.Bad = q("total"), q("bad")
	case "good_total":
		o.Indicator.Total, o.Indicator.Good = q("total"), q("good")
	case "gauge":
		o.Indicator.Total = q("gauge")
	case "histogram":
		o.Indicator.Total = q("bucket")
	case "native":
		o.Indicator.Total = q("hist")
	}
	for _, x := range v.Series {
		o.Indicator.Delta = o.Indicator.Delta || x.Delta
	}
	return o, true
}

// arrival is a sample on its way.
type arrival struct {
	seen   int64
	series *fakeSeries
	point  metric.Point
}

// arrivals is the samples a metric store would accept, in order of arrival.
func (v vector) arrivals(t testing.TB, src *fakeSource) []arrival {
	var out []arrival
	for i, s := range v.Series {
		b := labels.NewBuilder(labels.EmptyLabels()).Set("__name__", s.Role)
		for k, val := range s.Labels {
			b.Set(k, val)
		}
		if s.Target != "" {
			b.Set("job", "shop").Set("instance", s.Target)
		}
		if s.Le != nil {
			b.Set("le", fmt.Sprint(s.Le))
		} else {
			b.Set("series", strconv.Itoa(i))
		}
		to := src.add(b.Labels())
		for _, raw := range s.Samples {
			for _, a := range parseSamples(t, raw) {
				gauge := s.Role == "gauge"
				if early, late := a.point.T-a.seen, a.seen-a.point.T; early > 600_000 || late > 86_400_000 {
					continue
				}
				isStale := math.Float64bits(a.point.V) == math.Float64bits(stale)
				if !isStale && (math.IsNaN(a.point.V) || math.IsInf(a.point.V, 0) || !gauge && a.point.V < 0) {
					continue
				}
				a.series = to
				out = append(out, a)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b arrival) int { return cmp.Compare(a.seen, b.seen) })
	return out
}

// latest is how late the latest sample comes, in ms.
func (v vector) latest(t testing.TB) int64 {
	var out int64
	for _, a := range v.arrivals(t, new(fakeSource)) {
		out = max(out, a.seen-a.point.T)
	}
	return out
}

func parseSamples(t testing.TB, raw json.RawMessage) []arrival {
	if raw[0] == '{' {
		var run struct {
			At, Every int64
			V0        float64
			Inc       [][2]float64
		}
		if err := json.Unmarshal(raw, &run); err != nil {
			t.Fatal(err)
		}
		out := []arrival{{seen: run.At, point: metric.Point{T: run.At, V: run.V0}}}
		at, v := run.At, run.V0
		for _, inc := range run.Inc {
			for range int(inc[0]) {
				at += run.Every
				v += inc[1]
				out = append(out, arrival{seen: at, point: metric.Point{T: at, V: v}})
			}
		}
		return out
	}
	var x []json.RawMessage
	if err := json.Unmarshal(raw, &x); err != nil {
		t.Fatal(err)
	}
	var a arrival
	_ = json.Unmarshal(x[0], &a.point.T)
	a.seen = a.point.T
	switch s := string(x[1]); {
	case s == "null":
		a.point.V = stale
	case s[0] == '"':
		a.point.V, _ = strconv.ParseFloat(strings.Trim(s, `"`), 64)
	case s[0] == '{':
		a.point.H = parseHistogram(t, x[1])
	default:
		a.point.V, _ = strconv.ParseFloat(s, 64)
	}
	if len(x) > 2 && string(x[2]) != "null" {
		_ = json.Unmarshal(x[2], &a.seen)
	}
	if len(x) > 3 && string(x[3]) != "null" {
		_ = json.Unmarshal(x[3], &a.point.ST)
	}
	return []arrival{a}
}

func parseHistogram(t testing.TB, raw json.RawMessage) *histogram.FloatHistogram {
	var h struct {
		Schema        int32
		Count, Zt, Zc float64
		Pos, Neg      map[string]float64
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	out := &histogram.FloatHistogram{Schema: h.Schema, Count: h.Count, ZeroThreshold: h.Zt, ZeroCount: h.Zc}
	side := func(m map[string]float64) (spans []histogram.Span, counts []float64) {
		var keys []int
		for k := range m {
			n, _ := strconv.Atoi(k)
			keys = append(keys, n)
		}
		slices.Sort(keys)
		next := 0
		for _, k := range keys {
			spans = append(spans, histogram.Span{Offset: int32(k - next), Length: 1})
			counts = append(counts, m[strconv.Itoa(k)])
			next = k + 1
		}
		return spans, counts
	}
	out.PositiveSpans, out.PositiveBuckets = side(h.Pos)
	out.NegativeSpans, out.NegativeBuckets = side(h.Neg)
	return out
}

// TestLiveAlertsAreThoseOfTheVectors drives whole cases minute by minute through the metric source, the count store and
// the meter, with a restart in the middle of some, and compares the recorded facts with the exact answers.
func TestLiveAlertsAreThoseOfTheVectors(t *testing.T) {
	for _, mode := range []string{"embedded", "restarted", "remote"} {
		t.Run(mode, func(t *testing.T) {
			for i, v := range vectors(t, "live.jsonl.gz") {
				if mode != "embedded" && i%3 != 0 || mode == "remote" && v.latest(t) > 600_000 {
					continue // what comes more than ten minutes late to a remote source is found by the daily count, too late for alerts
				}
				t.Run(v.ID, func(t *testing.T) { live(t, v, mode) })
			}
		})
	}
}

func live(t *testing.T, v vector, mode string) {
	o, ok := v.objective()
	if !ok {
		t.Skip("a composite")
	}
	r := newRig(t, dbtest.Open(t, dbtest.SQLite(t)), o)
	r.remote = mode == "remote"
	queue := v.arrivals(t, r.src)
	r.start()
	q := v.Questions[0]
	for at := q.From; at <= q.To; at += 60_000 {
		n := 0
		for ; n < len(queue) && queue[n].seen <= at; n++ {
			r.src.arrive(queue[n].series, queue[n].point)
		}
		queue = queue[n:]
		v.correct(t, r, at)
		if mode == "restarted" && (at/60_000)%97 == 5 {
			r.start()
		}
		r.round(time.UnixMilli(at))
		if (at/60_000)%11 == 0 {
			r.round(time.UnixMilli(at + 3000)) // a duplicate round adds nothing
		}
	}
	var want struct {
		Rules map[string][][]*int64
	}
	var flat map[string]json.RawMessage
	if err := json.Unmarshal(q.Expect, &flat); err != nil {
		t.Fatal(err)
	}
	if raw, ok := flat["rules"]; ok {
		if err := json.Unmarshal(raw, &want.Rules); err != nil {
			t.Fatal(err)
		}
	} else {
		want.Rules = map[string][][]*int64{}
		for k, raw := range flat {
			var x [][]*int64
			if k != "pages" && k != "tickets" && json.Unmarshal(raw, &x) == nil {
				want.Rules[k] = x
			}
		}
	}
	if got := intervals(r.facts); got != spell(want.Rules) {
		t.Errorf("got\n%s\nwant\n%s", got, spell(want.Rules))
	}
}

// correct records the corrections that became known in the minute before an instant.
func (v vector) correct(t *testing.T, r *rig, at int64) {
	for _, c := range v.Corrections {
		if c.Seen > at-60_000 && c.Seen <= at {
			r.facts.record(t, &event.BudgetCorrected{CorrectionID: c.ID, SLO: v.ID, From: time.UnixMilli(c.From), To: time.UnixMilli(c.To),
				Effect: c.Effect}, time.UnixMilli(c.Seen))
		}
		if c.Revoked > at-60_000 && c.Revoked <= at {
			r.facts.record(t, &event.BudgetCorrected{CorrectionID: c.ID, SLO: v.ID, Revoked: true}, time.UnixMilli(c.Revoked))
		}
	}
}

// intervals spells the recorded alerts.
func intervals(f *fakeLedger) string {
	rules := map[string][][]*int64{}
	for _, e := range f.of("alert.fired") {
		a := e.Fact.(*event.AlertFired)
		from := a.StartsAt.UnixMilli()
		x := []*int64{&from, nil}
		for _, d := range f.of("alert.ended") {
			if b := d.Fact.(*event.AlertEnded); b.AlertID == a.AlertID {
				to := b.EndsAt.UnixMilli()
				x[1] = &to
			}
		}
		rules[a.Rule] = append(rules[a.Rule], x)
	}
	return spell(rules)
}

func spell(rules map[string][][]*int64) string {
	var out []string
	for rule, xs := range rules {
		for _, x := range xs {
			end := "open"
			if x[1] != nil {
				end = strconv.FormatInt(*x[1], 10)
			}
			out = append(out, fmt.Sprintf("%s %d %s", rule, *x[0], end))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// TestBudgetsOfMessySamplesAreThoseOfTheVectors brings samples in order of arrival through the whole path and compares
// budgets and counts, at the moment a question asks for, with the exact answers.
func TestBudgetsOfMessySamplesAreThoseOfTheVectors(t *testing.T) {
	asked := 0
	for _, file := range []string{"samples.jsonl.gz", "edge.jsonl.gz", "shapes.jsonl.gz"} {
		for i, v := range vectors(t, file) {
			if file == "samples.jsonl.gz" && i%4 != 0 { // a quarter of them: each is a database of its own
				continue
			}
			if len(v.Series) == 0 || len(v.SLO.Versions) > 0 {
				continue
			}
			o, ok := v.objective()
			if !ok {
				continue
			}
			t.Run(v.ID, func(t *testing.T) { asked += messy(t, v, o) })
		}
	}
	if asked < 100 {
		t.Fatalf("only %d questions were asked", asked)
	}
}

func messy(t *testing.T, v vector, o slo.Objective) (asked int) {
	qs := slices.Clone(v.Questions)
	qs = slices.DeleteFunc(qs, func(q question) bool { return q.Ask != "budget" || q.Known != 0 && q.Known != q.At })
	slices.SortStableFunc(qs, func(a, b question) int { return cmp.Compare(a.At, b.At) })
	if len(qs) == 0 {
		return 0
	}
	r := newRig(t, dbtest.Open(t, dbtest.SQLite(t)), o)
	queue := v.arrivals(t, r.src)
	r.start()
	const step = 7 * 60_000
	begin := v.SLO.Start - v.SLO.Start%60_000 + 60_000
	q := 0
	for at := begin; q < len(qs); {
		n := 0
		for ; n < len(queue) && queue[n].seen <= at; n++ {
			r.src.arrive(queue[n].series, queue[n].point)
		}
		queue = queue[n:]
		for _, c := range v.Corrections {
			if c.Seen <= at && c.Seen > at-2*step {
				r.facts.recordOnce(t, "made "+c.ID, &event.BudgetCorrected{CorrectionID: c.ID, SLO: v.ID, From: time.UnixMilli(c.From), To: time.UnixMilli(c.To), Effect: c.Effect}, time.UnixMilli(c.Seen))
			}
			if c.Revoked != 0 && c.Revoked <= at && c.Revoked > at-2*step {
				r.facts.recordOnce(t, "revoked "+c.ID, &event.BudgetCorrected{CorrectionID: c.ID, SLO: v.ID, Revoked: true}, time.UnixMilli(c.Revoked))
			}
		}
		r.round(time.UnixMilli(at))
		for q < len(qs) && qs[q].At-qs[q].At%60_000 == at-at%60_000 {
			ask(t, r, qs[q])
			asked++
			q++
		}
		if q == len(qs) {
			break
		}
		next := at + step
		if len(queue) == 0 { // nothing more comes
			next = at + 24*3_600_000
		}
		at = min(next, max(at+60_000, qs[q].At))
		for q < len(qs) && qs[q].At < begin {
			q++
		}
	}
	return asked
}

func ask(t *testing.T, r *rig, q question) {
	t.Helper()
	var want struct {
		Bad, Total, Valid_s, Consumed, Remaining json.RawMessage
		Sli                                      json.RawMessage
	}
	if err := json.Unmarshal(q.Expect, &want); err != nil {
		t.Fatal(err)
	}
	s := r.engine.Now().Objectives[0]
	var g *slo.Budget
	for i := range s.Groups {
		key := slo.GroupName(values(s.Groups[i].Labels, s.Objective.GroupBy))
		if key == q.Group {
			g = &s.Groups[i].Budget
		}
	}
	if g == nil {
		return // a group that has no sample yet
	}
	for name, pair := range map[string]struct {
		got  float64
		want json.RawMessage
	}{"bad": {g.Bad, want.Bad}, "total": {g.Total, want.Total}, "valid_s": {g.ValidS, want.Valid_s}, "consumed": {g.Consumed, want.Consumed}, "remaining": {g.Remaining, want.Remaining}} {
		if w, ok := number(pair.want); ok && math.Abs(pair.got-w) > 1e-9*math.Max(1, math.Abs(w)) {
			t.Errorf("at %d group %q: %s is %v, want %v", q.At, q.Group, name, pair.got, w)
		}
	}
}

func values(ls map[string]string, names []string) []string {
	var out []string
	for _, n := range names {
		out = append(out, ls[n])
	}
	return out
}

// number reads a vector's number: plain, or {"q": "a/b", "f": 0.1}.
func number(raw json.RawMessage) (float64, bool) {
	var f float64
	if raw == nil || string(raw) == "null" {
		return 0, false
	}
	if json.Unmarshal(raw, &f) == nil {
		return f, true
	}
	var q struct{ F float64 }
	return q.F, json.Unmarshal(raw, &q) == nil
}
