package slo

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evenkeel.dev/evenkeel/internal/kit"
)

// TestARunOfSamplesCountsAsItsSamplesPlacedOneByOne gives the same samples to two counters: one takes runs, the other
// finds each sample's place.
func TestARunOfSamplesCountsAsItsSamplesPlacedOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, keys := drawCounted(t)
		keep := time.Duration(rapid.SampledFrom([]int{0, 10, 15}).Draw(t, "keep")) * time.Minute
		start := benchStart + Instant(rapid.IntRange(0, 20).Draw(t, "start"))*SlotMS
		fast, slow := NewCounter(p, 0, start, keep), NewCounter(p, 0, start, keep)
		var a, b []*Series
		for _, k := range keys {
			for c, list := range map[*Counter]*[]*Series{fast: &a, slow: &b} {
				s, err := c.Series(k)
				if err != nil {
					t.Fatal(err)
				}
				*list = append(*list, s)
			}
		}
		now := benchStart
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			i := rapid.IntRange(0, len(keys)-1).Draw(t, "series")
			run := drawRun(t, keys[i].Role, now)
			late := Instant(0)
			for _, x := range run {
				if b[i].place(x) == Late && (late == 0 || x.T < late) {
					late = x.T
				}
			}
			if got := a[i].AddRun(run); got != late {
				t.Fatalf("late from %d, one by one from %d", got, late)
			}
			now += Instant(rapid.IntRange(0, 10).Draw(t, "on")) * SlotMS
			if rapid.IntRange(0, 3).Draw(t, "prune") == 0 {
				compareCounters(t, fast, slow)
				fast.Prune(now)
				slow.Prune(now)
			}
		}
		compareCounters(t, fast, slow)
		for i := range a {
			if diff := cmp.Diff(a[i].Kept(), b[i].Kept()); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func compareCounters(t *rapid.T, fast, slow *Counter) {
	a, b := fast.Groups(), slow.Groups()
	if len(a) != len(b) {
		t.Fatalf("%d groups, one by one %d", len(a), len(b))
	}
	for i := range a {
		x, y := make([]Slot, 600), make([]Slot, 600)
		_, _ = a[i].ReadSlots(0, benchStart.Slot()-60, x), b[i].ReadSlots(0, benchStart.Slot()-60, y)
		if diff := cmp.Diff(y, x); diff != "" {
			t.Fatal(diff)
		}
		if diff := cmp.Diff(b[i].Drain(), a[i].Drain()); diff != "" || a[i].Refused() != b[i].Refused() || a[i].first != b[i].first {
			t.Fatal(diff, a[i].Refused(), b[i].Refused(), a[i].first, b[i].first)
		}
	}
}

// drawCounted is a plan and a few series of it.
func drawCounted(t *rapid.T) (*Plan, []SeriesKey) {
	kind := rapid.SampledFrom([]IndicatorKind{BadTotal, GoodTotal, Gauge, Histogram}).Draw(t, "kind")
	o := Objective{Name: "drawn", Target: MustDecimal("0.9"), Window: Window{Rolling: time.Hour}, Indicator: Indicator{Kind: kind, Threshold: 1, Op: "lte"}}
	if rapid.Bool().Draw(t, "grouped") {
		o.GroupBy = []string{"region"}
	}
	p, err := NewPlan(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	roles := map[IndicatorKind][]Role{BadTotal: {RoleTotal, RoleBad}, GoodTotal: {RoleTotal, RoleGood}, Gauge: {RoleGauge}, Histogram: {RoleBucket}}[kind]
	var keys []SeriesKey
	for i := range rapid.IntRange(1, 5).Draw(t, "number") {
		k := SeriesKey{Role: rapid.SampledFrom(roles).Draw(t, "role"), Target: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "target"),
			Factor: rapid.SampledFrom([]float64{1, 1, 2, -1}).Draw(t, "factor")}
		k.Labels = []kit.Label{{Name: "region", Value: rapid.SampledFrom([]string{"eu", "us"}).Draw(t, "region")}}
		if kind == Histogram {
			k.Bound = []float64{math.Inf(1), 1, 0.5, 2, 0.25}[i]
		}
		if k.Role == RoleTotal && rapid.Bool().Draw(t, "also") {
			k.Also, k.AlsoFactor = roles[1], 3
		}
		k.Delta = kind == BadTotal && rapid.IntRange(0, 9).Draw(t, "delta") == 0
		keys = append(keys, k)
	}
	return p, keys
}

// drawRun is samples of one series, mostly a counter that goes on.
func drawRun(t *rapid.T, role Role, at Instant) []Sample {
	at += Instant(rapid.IntRange(-20, 5).Draw(t, "begin"))*SlotMS + Instant(rapid.IntRange(0, 59_999).Draw(t, "ms"))
	v := float64(rapid.IntRange(0, 50).Draw(t, "value"))
	var out []Sample
	for range rapid.IntRange(1, 30).Draw(t, "length") {
		x := Sample{T: at, V: v}
		switch rapid.IntRange(0, 24).Draw(t, "odd") {
		case 0:
			x.V = rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), -1, 0}).Draw(t, "odd value")
		case 1:
			x.Stale, x.V = true, 0
		case 2:
			v = 0
		case 3:
			x.Start = at - Instant(rapid.IntRange(-1, 400_000).Draw(t, "age"))
		case 4:
			x.Seen = at + Instant(rapid.SampledFrom([]int64{-mostEarly - 1, -1000, 1000, mostLate + 1}).Draw(t, "seen"))
		}
		out = append(out, x)
		at += Instant(rapid.SampledFrom([]int{0, 1, 15_000, 15_000, 60_000, 60_000, 299_999, 300_000, 300_001, 1_500_000}).Draw(t, "gap"))
		v += float64(rapid.SampledFrom([]int{0, 0, 1, 2, 10}).Draw(t, "grown"))
		if role == RoleGauge {
			v = float64(rapid.IntRange(-2, 2).Draw(t, "gauge"))
		}
	}
	if rapid.IntRange(0, 4).Draw(t, "shuffled") == 0 {
		slices.Reverse(out)
	}
	return out
}

func TestTwoTuplesOfGroupValuesNeverShareAName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOfN(rapid.SampledFrom([]rune(`a/\`)), 0, 4, -1)
		n := rapid.IntRange(1, 3).Draw(t, "labels")
		a, b := rapid.SliceOfN(value, n, n).Draw(t, "a"), rapid.SliceOfN(value, n, n).Draw(t, "b")
		if slices.Equal(a, b) != (GroupName(a) == GroupName(b)) {
			t.Fatalf("%q and %q are %q and %q", a, b, GroupName(a), GroupName(b))
		}
	})
	if got := GroupName([]string{"eu/1", "cart"}); got != `eu\/1/cart` {
		t.Fatal(got)
	}
}

// TestASeriesThatCountsTwiceEqualsTwoSeries keeps one series for the total and the bad events, and one for each.
func TestASeriesThatCountsTwiceEqualsTwoSeries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]IndicatorKind{BadTotal, GoodTotal}).Draw(t, "kind")
		p, err := NewPlan(Objective{Name: "drawn", Target: MustDecimal("0.9"), Window: Window{Rolling: time.Hour}, Indicator: Indicator{Kind: kind}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		role := map[IndicatorKind]Role{BadTotal: RoleBad, GoodTotal: RoleGood}[kind]
		one, two := NewCounter(p, 0, benchStart, 0), NewCounter(p, 0, benchStart, 0)
		other := SeriesKey{Role: RoleTotal, Target: "a"}
		add := func(c *Counter, keys ...SeriesKey) (out []*Series) {
			for _, k := range keys {
				s, err := c.Series(k)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, s)
			}
			return out
		}
		a := add(one, other, SeriesKey{Role: RoleTotal, Target: "a", Also: role, AlsoFactor: 1})
		b := add(two, other, SeriesKey{Role: RoleTotal, Target: "a"}, SeriesKey{Role: role, Target: "a"})
		for range rapid.IntRange(1, 6).Draw(t, "runs") {
			run := drawRun(t, RoleTotal, benchStart+20*SlotMS)
			if rapid.Bool().Draw(t, "other") {
				a[0].AddRun(run)
				b[0].AddRun(run)
				continue
			}
			a[1].AddRun(run)
			b[1].AddRun(run)
			b[2].AddRun(run)
		}
		x, y := make([]Slot, 600), make([]Slot, 600)
		_, _ = one.Group("").ReadSlots(0, benchStart.Slot(), x), two.Group("").ReadSlots(0, benchStart.Slot(), y)
		if diff := cmp.Diff(y, x); diff != "" {
			t.Fatal(diff)
		}
	})
}
