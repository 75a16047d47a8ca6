package metric

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Long stretches are read chunk by chunk. What comes must be what short readings, sample by sample, put together.
func TestALongReadingGivesWhatShortOnesGive(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	var blocks []Series
	for i, name := range []string{"a", "b", "h"} {
		s := Series{Labels: labels.FromStrings("__name__", name, "job", "shop")}
		for at := base.Add(-5 * day); at.Before(base.Add(-3 * time.Hour)); at = at.Add(time.Minute + time.Duration(rnd.IntN(20_000))*time.Millisecond) {
			p := Point{T: at.UnixMilli(), V: float64(len(s.Points))}
			if i == 1 {
				p.ST = base.Add(-6 * day).UnixMilli()
			}
			if i == 2 {
				n := float64(1 + len(s.Points))
				p.H = &histogram.FloatHistogram{Count: n, Sum: n, PositiveSpans: []histogram.Span{{Offset: 0, Length: 1}}, PositiveBuckets: []float64{n}}
				p.V = n
			}
			s.Points = append(s.Points, p)
		}
		blocks = append(blocks, s)
	}
	if _, err := BackfillBlocks(t.Context(), dir, slices.Values(blocks)); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, func(o *Options) { o.Dir = dir })
	for m := range 170 {
		appendAll(t, s, sample("a{job=shop}", time.Duration(m)*time.Minute-2*time.Hour-50*time.Minute, float64(10_000+m)))
		if m%13 == 5 { // late ones, between those that are there
			appendAll(t, s, sample("a{job=shop}", time.Duration(m-5)*time.Minute-2*time.Hour-50*time.Minute-20*time.Second, float64(10_000+m-5)))
		}
		if m == 90 {
			appendAll(t, s, kit.Sample{Labels: sample("a{job=shop}", 0, 0).Labels, TimeMS: base.Add(-2*time.Hour + 40*time.Minute + time.Second).UnixMilli(), Value: math.Float64frombits(value.StaleNaN)})
		}
	}
	for _, r := range [][2]time.Duration{{-5 * day, 0}, {-5*day + 7*time.Minute, -3 * day}, {-4 * time.Hour, 0}, {-30*time.Hour + 11*time.Millisecond, -7*time.Hour - 3*time.Second}} {
		from, to := base.Add(r[0]), base.Add(r[1])
		got := read(t, s, `{job="shop"}`, from, to)
		want := map[string][]Point{}
		for at := from; at.Before(to); at = at.Add(2 * time.Hour) {
			for name, ps := range read(t, s, `{job="shop"}`, at, minTime(at.Add(2*time.Hour), to)) {
				want[name] = append(want[name], ps...)
			}
		}
		if len(want) == 0 || len(got) != len(want) {
			t.Fatalf("%v: %d series, want %d", r, len(got), len(want))
		}
		for name := range want {
			if !slices.EqualFunc(got[name], want[name], samePoint) {
				t.Errorf("%v: %s differs: %d points, want %d", r, name, len(got[name]), len(want[name]))
			}
		}
	}
}

func samePoint(a, b Point) bool {
	if (a.H == nil) != (b.H == nil) || a.H != nil && !a.H.Equals(b.H) {
		return false
	}
	return a.T == b.T && a.ST == b.ST && math.Float64bits(a.V) == math.Float64bits(b.V)
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
