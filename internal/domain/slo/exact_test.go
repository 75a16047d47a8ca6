package slo

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestBudgetsAreExactFromSamplesOn compares the engine with the oracle over random counters with resets, gaps, start
// times, markers, repeated, late and refused samples, corrections and edits.
func TestBudgetsAreExactFromSamplesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, p := drawCase(t)
		counter := NewCounter(p, 0, SlotStart(o.first), 0)
		feed := arrivalsOf(t, counter, o)
		last := benchStart
		for _, a := range feed {
			last = max(last, a.Seen, a.T)
		}
		for range 3 {
			known := benchStart + Instant(rapid.Int64Range(0, int64(last-benchStart)+10*SlotMS).Draw(t, "known"))
			at := benchStart + Instant(rapid.Int64Range(0, int64(known-benchStart)).Draw(t, "at"))
			fresh := NewCounter(p, 0, SlotStart(o.first), 0)
			for _, a := range arrivalsOf(t, fresh, o) {
				if a.Seen <= known {
					a.to.Add(a.Sample)
				}
			}
			compareWithOracle(t, o, p, fresh, at, known)
		}
	})
}

func compareWithOracle(t *rapid.T, o *oracle, p *Plan, c *Counter, at, known Instant) {
	refused := o.learn(known)
	g := c.Group("")
	if g.Refused() != refused {
		t.Fatalf("refused %d samples, want %d", g.Refused(), refused)
	}
	h, err := NewHistory(p, SlotStart(o.first), at, g, o.fixes, known)
	if err != nil {
		t.Fatal(err)
	}
	for i := range h.Units() {
		begin, u := h.UnitAt(i)
		var want oracleUnit
		if o.slice == 0 {
			want = o.slot(begin.Slot(), known)
		} else {
			want = o.sliceAt(begin.Slot(), known)
		}
		if !near(u.Bad, want.bad) || !near(u.Total, want.total) || u.ValidS != float64(want.valid) {
			t.Fatalf("unit at %d: %+v, want bad %v total %v valid %d", begin, u, want.bad.RatString(), want.total.RatString(), want.valid)
		}
	}
	b := h.Budget(at, Projection)
	consumed, bad, total, allowed, valid := o.consumed(at, known)
	if !near(b.Consumed, consumed) || !near(b.Bad, bad) || !near(b.Total, total) || !near(b.Allowed, allowed) || b.ValidS != float64(valid) {
		t.Fatalf("budget at %d: %+v, want consumed %v bad %v total %v allowed %v valid %d", at, b, consumed.RatString(), bad.RatString(), total.RatString(), allowed.RatString(), valid)
	}
}

func near(got float64, want *big.Rat) bool {
	w, _ := want.Float64()
	return math.Abs(got-w) <= 1e-9*math.Max(1, math.Abs(w))
}

// TestSlotsDoNotDependOnTheOrderOfLateSamples feeds the same samples in two orders.
func TestSlotsDoNotDependOnTheOrderOfLateSamples(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, p := drawCase(t)
		for i := range o.series {
			once := map[Instant]bool{}
			o.series[i].arrived = slices.DeleteFunc(o.series[i].arrived, func(x Sample) bool {
				again := once[x.T]
				once[x.T] = true
				return again
			})
		}
		var texts []string
		for range 2 {
			c := NewCounter(p, 0, SlotStart(o.first), 0)
			feed := rapid.Permutation(arrivalsOf(t, c, o)).Draw(t, "order")
			for _, a := range feed {
				a.Seen = a.T
				a.to.Add(a.Sample)
			}
			slots := make([]Slot, 600)
			_ = c.Group("").ReadSlots(0, o.first, slots)
			texts = append(texts, fmt.Sprint(slots))
		}
		if texts[0] != texts[1] {
			t.Fatalf("slots differ:\n%s\n%s", texts[0], texts[1])
		}
	})
}

// TestCounterThatForgetsStoresTheSameSlots runs a counter as live evaluation does, storing what it drains, beside one
// that keeps everything.
func TestCounterThatForgetsStoresTheSameSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o, p := drawCase(t)
		all, live := NewCounter(p, 0, SlotStart(o.first), 0), NewCounter(p, 0, SlotStart(o.first), Keep)
		feedAll, feedLive := arrivalsOf(t, all, o), arrivalsOf(t, live, o)
		stored := map[int64]Slot{}
		late := false
		for i, a := range feedLive {
			v := a.to.Add(a.Sample)
			late = late || v == Late
			if v != Late {
				feedAll[i].to.Add(feedAll[i].Sample)
			}
			if rapid.IntRange(0, 5).Draw(t, "tick") == 0 {
				store(stored, live.Group(""))
				live.Prune(a.Seen)
			}
		}
		store(stored, live.Group(""))
		want := make([]Slot, 2000)
		_ = all.Group("").ReadSlots(0, o.first, want)
		for i, w := range want {
			got := stored[o.first+int64(i)]
			// A first sample that a pruned neighbour would have watched, and a late marker, need the day's recount.
			if got.Total != w.Total || got.Bad != w.Bad || got.ValidS != w.ValidS || got.Sampled != w.Sampled {
				t.Fatalf("slot %d: stored %+v, want %+v", i, got, w)
			}
		}
	})
}

func store(stored map[int64]Slot, g *Group) {
	for _, c := range g.Drain() {
		stored[c.N] = c.Apply(stored[c.N])
	}
}

func arrivalsOf(t *rapid.T, c *Counter, o *oracle) []arrival {
	var feed []arrival
	for _, s := range o.series {
		to, err := c.Series(SeriesKey{Role: s.role, Target: s.target})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range s.arrived {
			feed = append(feed, arrival{to, x})
		}
	}
	slices.SortStableFunc(feed, func(a, b arrival) int { return int(a.Seen - b.Seen) })
	return feed
}

func drawCase(t *rapid.T) (*oracle, *Plan) {
	o := &oracle{first: benchStart.Slot() + rapid.Int64Range(0, 20).Draw(t, "first"), staleness: 300_000, policy: rapid.SampledFrom(policies).Draw(t, "no data")}
	plan := Objective{Name: "drawn", Tier: 1, NoData: o.policy, Target: MustDecimal("0.9")}
	plan.Window.Rolling = time.Duration(rapid.SampledFrom([]int{7, 60, 300}).Draw(t, "window")) * time.Minute
	o.rolling = plan.Window.Rolling.Milliseconds()
	o.good = rapid.Bool().Draw(t, "good")
	plan.Indicator.Kind = BadTotal
	other := RoleBad
	if o.good {
		plan.Indicator.Kind, other = GoodTotal, RoleGood
	}
	if slice := rapid.SampledFrom([]int64{0, 0, 1, 5}).Draw(t, "slice"); slice > 0 {
		o.slice, o.ratio, o.sliceMost = slice, rapid.Bool().Draw(t, "ratio"), big.NewRat(1, 10)
		plan.Method, plan.Slice, plan.SliceTarget = Timeslices, time.Duration(slice)*time.Minute, MustDecimal("0.9")
		if o.ratio {
			plan.Method = RatioTimeslices
		}
	}
	o.versions = []Version{{0, plan.Target}}
	if rapid.Bool().Draw(t, "edited") {
		o.versions = append(o.versions, Version{benchStart + 70*SlotMS + 5, MustDecimal("0.999")})
	}
	for _, target := range []string{"a", "b"} {
		for _, role := range []Role{RoleTotal, other} {
			s := oracleSeries{role: role, target: target}
			s.arrived = drawSamples(t)
			o.series = append(o.series, s)
		}
	}
	o.fixes = drawCorrections(t, SlotStart(o.first), 150)
	p, err := NewPlan(plan, o.versions)
	if err != nil {
		t.Fatal(err)
	}
	return o, p
}

func drawSamples(t *rapid.T) []Sample {
	at := benchStart + Instant(rapid.Int64Range(-10, 40).Draw(t, "begin"))*SlotMS + Instant(rapid.IntRange(0, 3).Draw(t, "phase"))*15_000
	v := float64(rapid.IntRange(0, 50).Draw(t, "value"))
	start := Instant(0)
	var out []Sample
	for range rapid.IntRange(0, 25).Draw(t, "samples") {
		x := Sample{T: at, Seen: at, V: v, Start: start}
		switch rapid.IntRange(0, 20).Draw(t, "what") {
		case 0:
			x.Stale, x.V = true, 0
		case 1:
			x.Seen += Instant(rapid.SampledFrom([]int64{60_000, 400_000, 3_600_000}).Draw(t, "late"))
		case 2:
			out = append(out, Sample{T: at, Seen: at, V: v + 1})
		case 3:
			v, start = float64(rapid.IntRange(0, 9).Draw(t, "after reset")), at-Instant(rapid.SampledFrom([]int64{-1, 1000, 30_000, 600_000}).Draw(t, "start"))
		case 4:
			v = 0
		case 5:
			at += Instant(rapid.Int64Range(5, 60).Draw(t, "gap"))*SlotMS - 1
		case 6:
			x.V = -1
		}
		out = append(out, x)
		v += float64(rapid.IntRange(0, 20).Draw(t, "more")) / float64(rapid.SampledFrom([]int{1, 1, 1, 4}).Draw(t, "fraction"))
		at += SlotMS
	}
	return out
}
