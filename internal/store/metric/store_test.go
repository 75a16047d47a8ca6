package metric

import (
	"context"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"

	"evenkeel.dev/evenkeel/internal/kit"
)

// base is a round minute not long ago: the receivers refuse the far past and the future.
var base = time.Now().Add(-time.Hour).Truncate(time.Minute)

func openStore(t testing.TB, change ...func(*Options)) *Store {
	t.Helper()
	o := Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler), MinFree: 1}
	for _, c := range change {
		c(&o)
	}
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// sample writes "name{a=b,c=d}" at base + offset.
func sample(series string, offset time.Duration, v float64) kit.Sample {
	name, rest, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
	ls := []kit.Label{{Name: "__name__", Value: name}}
	for pair := range strings.SplitSeq(rest, ",") {
		if k, v, ok := strings.Cut(pair, "="); ok {
			ls = append(ls, kit.Label{Name: k, Value: v})
		}
	}
	return kit.Sample{Labels: ls, TimeMS: base.Add(offset).UnixMilli(), Value: v}
}

func appendAll(t testing.TB, s *Store, samples ...kit.Sample) {
	t.Helper()
	if err := s.Append(context.Background(), samples); err != nil {
		t.Fatal(err)
	}
}

// read collects Raw: series text to points.
func read(t testing.TB, src Source, selector string, from, to time.Time) map[string][]Point {
	t.Helper()
	out := map[string][]Point{}
	err := src.Raw(context.Background(), selector, from, to, func(s Series) error {
		out[s.Labels.String()] = append(out[s.Labels.String()], s.Points...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRawGivesWhatWasAppendedInAHalfOpenRange(t *testing.T) {
	s := openStore(t)
	appendAll(t, s, sample("a{x=1}", 0, 1), sample("a{x=1}", time.Minute, 2), sample("a{x=1}", 2*time.Minute, math.Float64frombits(value.StaleNaN)),
		sample("a{x=2}", time.Minute, 7), sample("b", 0, 9))
	got := read(t, s, `a`, base.Add(time.Minute), base.Add(2*time.Minute))
	want := map[string][]Point{
		`{__name__="a", x="1"}`: {{T: base.Add(time.Minute).UnixMilli(), V: 2}},
		`{__name__="a", x="2"}`: {{T: base.Add(time.Minute).UnixMilli(), V: 7}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = read(t, s, `a{x="1"}`, base.Add(2*time.Minute), base.Add(3*time.Minute))
	if p := got[`{__name__="a", x="1"}`]; len(p) != 1 || !value.IsStaleNaN(p[0].V) {
		t.Errorf("the staleness marker is not read back: %v", p)
	}
}

func TestStartTimesComeBack(t *testing.T) {
	s := openStore(t)
	x := sample("a", time.Minute, 3)
	x.StartMS = base.UnixMilli()
	appendAll(t, s, x)
	got := read(t, s, "a", base, base.Add(time.Hour))
	want := map[string][]Point{`{__name__="a"}`: {{T: x.TimeMS, V: 3, ST: x.StartMS}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestLateSamplesTakeTheirPlaceAndAreReported(t *testing.T) {
	var late []Late
	s := openStore(t, func(o *Options) { o.OnLate = func(l []Late) { late = append(late, l...) } })
	ctx := context.Background()
	appendAll(t, s, sample("a", 0, 1), sample("a", 10*time.Minute, 5), sample("b", 10*time.Minute, 5))
	if len(late) != 0 {
		t.Fatalf("late before anything was read: %v", late)
	}
	if err := s.Advance(ctx, base.Add(10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	appendAll(t, s, sample("a", 4*time.Minute, 3), sample("a", 2*time.Minute, 2), sample("a", 11*time.Minute, 6), sample("b", 11*time.Minute, 6))
	if len(late) != 1 || late[0].Labels.String() != `{__name__="a"}` || late[0].T != base.Add(2*time.Minute).UnixMilli() {
		t.Fatalf("late = %v, want a from minute 2", late)
	}
	var got []float64
	for _, p := range read(t, s, "a", base, base.Add(time.Hour))[`{__name__="a"}`] {
		got = append(got, p.V)
	}
	if d := cmp.Diff([]float64{1, 2, 3, 5, 6}, got); d != "" {
		t.Error(d)
	}
}

func TestALongSeriesComesInPieces(t *testing.T) {
	s := openStore(t)
	var all []kit.Sample
	for i := range 2*PieceLen + 10 {
		x := sample("a", 0, float64(i))
		x.TimeMS += int64(i) * 100
		all = append(all, x)
	}
	appendAll(t, s, all...)
	pieces, next := 0, 0.0
	err := s.Raw(context.Background(), "a", base, base.Add(time.Hour), func(x Series) error {
		pieces++
		for _, p := range x.Points {
			if p.V != next {
				t.Fatalf("point %v came where %v was due", p.V, next)
			}
			next++
		}
		return nil
	})
	if err != nil || pieces != 3 || int(next) != len(all) {
		t.Errorf("%d pieces with %v points, err %v", pieces, next, err)
	}
}

func TestQueriesAndTheirErrors(t *testing.T) {
	s := openStore(t, func(o *Options) { o.Limits.QuerySamples = 50 })
	ctx := context.Background()
	for i := range 60 {
		appendAll(t, s, sample("a{x=1}", time.Duration(i)*time.Second, float64(i)))
	}
	v, _, err := s.Query(ctx, "a * 2", base.Add(time.Minute))
	if vec, ok := v.(promql.Vector); err != nil || !ok || len(vec) != 1 || vec[0].F != 118 {
		t.Errorf("a * 2 = %v, %v", v, err)
	}
	m, err := s.QueryRange(ctx, "a", base, base.Add(20*time.Second), 10*time.Second)
	if err != nil || len(m) != 1 || len(m[0].Floats) != 3 {
		t.Errorf("range = %v, %v", m, err)
	}
	for expr, code := range map[string]kit.Code{"a +": kit.Invalid, "a[1m]": kit.TooLarge} {
		if _, _, err := s.Query(ctx, expr, base.Add(time.Minute)); kit.CodeOf(err) != code {
			t.Errorf("%s: %v, want %s", expr, err, code)
		}
	}
	if _, err := s.QueryRange(ctx, "a", base, base.Add(time.Hour), time.Millisecond); kit.CodeOf(err) != kit.TooLarge {
		t.Errorf("too many steps: %v", err)
	}
	if err := s.Raw(ctx, "a[5m]", base, base, nil); kit.CodeOf(err) != kit.Invalid {
		t.Errorf("a range selector: %v", err)
	}
}

func TestOneBadSampleDoesNotSinkTheOthers(t *testing.T) {
	s := openStore(t, func(o *Options) { o.Limits.Series = 2 })
	appendAll(t, s, sample("a", 0, 1))
	err := s.Append(context.Background(), []kit.Sample{sample("a", 0, 2), sample("a", -48*time.Hour, 1), sample("b", 0, 1), sample("c", 0, 1)})
	if kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), "3 samples were refused") {
		t.Errorf("err = %v", err)
	}
	if got := read(t, s, `{__name__=~".+"}`, base, base.Add(time.Minute)); len(got) != 2 || got[`{__name__="b"}`][0].V != 1 {
		t.Errorf("stored: %v", got)
	}
}

func TestSamplesSurviveReopening(t *testing.T) {
	dir := t.TempDir()
	at := func(o *Options) { o.Dir = dir }
	s := openStore(t, at)
	appendAll(t, s, sample("a", 0, 1), sample("a", 10*time.Minute, 5))
	appendAll(t, s, sample("a", 4*time.Minute, 3))
	want := read(t, s, "a", base, base.Add(time.Hour))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s2, err := Open(context.Background(), Options{Dir: dir, Log: slog.New(slog.DiscardHandler), MinFree: 1, OnRepair: func(r Repair) { t.Errorf("repaired: %v", r) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s2.Close()
	if d := cmp.Diff(want, read(t, s2, "a", base, base.Add(time.Hour))); d != "" {
		t.Error(d)
	}
}
