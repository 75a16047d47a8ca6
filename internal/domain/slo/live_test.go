package slo

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestLiveEvaluationEqualsHistoryAtEveryTick walks a meter minute by minute over random slots that change behind its
// back, and asks a fresh history the same questions.
func TestLiveEvaluationEqualsHistoryAtEveryTick(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t)
		first := benchStart + Instant(rapid.IntRange(0, 120).Draw(t, "first"))*SlotMS
		n := rapid.IntRange(30, 400).Draw(t, "slots")
		store := &Slots{First: first.Slot()}
		for range p.Parts() {
			store.Parts = append(store.Parts, drawSlots(t, n))
		}
		corrections := drawCorrections(t, first, n)
		live := &Slots{First: store.First}
		for _, part := range store.Parts {
			live.Parts = append(live.Parts, append([]Slot(nil), part...))
		}
		begin := rapid.IntRange(0, n/2).Draw(t, "begin")
		m := NewMeter(p, first, live, corrections)
		if err := m.Start(first+Instant(begin)*SlotMS, nil); err != nil {
			t.Fatal(err)
		}
		states := make([]AlertState, len(p.Rules))
		for tick := first + Instant(begin+1)*SlotMS; tick <= first+Instant(n)*SlotMS; tick += SlotMS {
			if rapid.IntRange(0, 9).Draw(t, "late") == 0 {
				changes := change(t, live, tick)
				if err := m.Changed(changes); err != nil {
					t.Fatal(err)
				}
			}
			got, err := m.Advance(tick)
			if err != nil {
				t.Fatal(err)
			}
			h, err := NewHistory(p, first, tick, live, corrections, tick)
			if err != nil {
				t.Fatal(err)
			}
			compareTick(t, m, h, tick)
			var want []Transition
			h.run(p.Rules, states, tick, tick, func(_ int, tr Transition) { want = append(want, tr) })
			if len(got) != len(want) {
				t.Fatalf("tick %d: %d transitions live, %d in history: %v, %v", tick, len(got), len(want), got, want)
			}
			for i := range got {
				if got[i].Rule.Name != want[i].Rule.Name || got[i].Fired != want[i].Fired || got[i].At != want[i].At {
					t.Fatalf("transition %d: live %v, history %v", i, got[i], want[i])
				}
			}
		}
	})
}

func compareTick(t *rapid.T, m *Meter, h *History, tick Instant) {
	live, err := m.Budget()
	if err != nil {
		t.Fatal(err)
	}
	past := h.Budget(tick, Projection, DefaultBurns...)
	a, b := budgetText(live), budgetText(past)
	if a != b {
		t.Fatalf("budget at %d:\nlive    %s\nhistory %s", tick, a, b)
	}
}

// budgetText is a budget to ten digits.
func budgetText(b Budget) string {
	num := func(p *float64) string {
		if p == nil {
			return "none"
		}
		return fmt.Sprintf("%.9g", math.Round(*p*1e10)/1e10)
	}
	var s strings.Builder
	s.WriteString(fmt.Sprintf("%d-%d-%d bad %s total %s allowed %s valid %v consumed %s remaining %s now %s sli %s left %s exhausts %s", b.From, b.To, b.PeriodEnd, num(&b.Bad), num(&b.Total), num(&b.Allowed), b.ValidS,
		num(&b.Consumed), num(&b.Remaining), num(&b.RemainingCurrent), num(b.SLI), num(b.Left), num(b.ExhaustsInS)))
	for _, r := range b.Burns {
		s.WriteString(fmt.Sprintf(" %v %s", r.Window, num(&r.Burn)))
	}
	return s.String()
}

var (
	policies = []NoData{Excluded, GoodData, BadData, HoldData}
	targets  = []string{"0", "0.5", "0.9", "0.95", "0.99", "0.999"}
)

func drawPlan(t *rapid.T) *Plan {
	o := Objective{Name: "drawn", Tier: rapid.IntRange(0, 3).Draw(t, "tier"), NoData: rapid.SampledFrom(policies).Draw(t, "no data"), Target: MustDecimal(rapid.SampledFrom(targets).Draw(t, "target"))}
	o.Window = Window{Rolling: time.Duration(rapid.SampledFrom([]int{10, 60, 90, 300, 4000}).Draw(t, "window")) * time.Minute}
	if rapid.IntRange(0, 3).Draw(t, "calendar") == 0 {
		o.Window = Window{Unit: "day", Count: 1, Zone: rapid.SampledFrom([]string{"Europe/Berlin", "Asia/Kathmandu"}).Draw(t, "zone"), Anchor: rapid.SampledFrom([]string{"", "1970-01-01T02:30"}).Draw(t, "anchor")}
	}
	o.Method = rapid.SampledFrom([]Method{Occurrences, Occurrences, Timeslices, RatioTimeslices}).Draw(t, "method")
	if o.sliced() {
		o.Slice = time.Duration(rapid.SampledFrom([]int{1, 5, 20}).Draw(t, "slice")) * time.Minute
		o.SliceTarget = MustDecimal("0.9")
	}
	if rapid.Bool().Draw(t, "grouped") {
		o.GroupBy = []string{"region"}
	}
	o.Pairs = []Pair{
		{Name: "fast", Severity: Page, Factor: 1.5, Long: 20 * time.Minute, Short: 2 * time.Minute},
		{Name: "slow", Severity: Ticket, Factor: 1, Long: 60 * time.Minute, Short: 6 * time.Minute},
	}
	kind := rapid.SampledFrom([]string{"", "", Pooled, OpenSLO, AnySlice}).Draw(t, "composite")
	if kind == AnySlice && o.Method != Timeslices {
		kind = Pooled
	}
	if kind != "" {
		o.Composite = &Composite{Kind: kind}
		for _, name := range []string{"a", "b"} {
			part := Part{Name: name, Weight: 1, Objective: Objective{NoData: rapid.SampledFrom(policies).Draw(t, "part's no data")}}
			if kind != AnySlice {
				part.Weight = rapid.SampledFrom([]float64{0.5, 1, 2}).Draw(t, "weight")
			}
			if kind == OpenSLO {
				part.Objective.Target = MustDecimal(rapid.SampledFrom(targets).Draw(t, "part's target"))
			}
			o.Composite.Parts = append(o.Composite.Parts, part)
		}
	}
	var versions []Version
	if rapid.Bool().Draw(t, "edited") {
		versions = []Version{{0, o.Target}, {benchStart + 150*SlotMS + 1, MustDecimal("0.9")}, {benchStart + 200*SlotMS, MustDecimal("0.99")}}
	}
	p, err := NewPlan(o, versions)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func drawSlot(t *rapid.T) Slot {
	if rapid.IntRange(0, 4).Draw(t, "missing") == 0 {
		return Slot{}
	}
	s := Slot{ValidS: SlotS, Sampled: rapid.IntRange(0, 3).Draw(t, "sampled") > 0, Total: float64(rapid.SampledFrom([]int{0, 0, 1, 2, 10, 100}).Draw(t, "total"))}
	s.Bad = float64(rapid.IntRange(-1, int(s.Total)+1).Draw(t, "bad"))
	if rapid.IntRange(0, 9).Draw(t, "fraction") == 0 {
		s.Total += 0.1
	}
	return s
}

func drawSlots(t *rapid.T, n int) []Slot {
	out := make([]Slot, 0, n)
	for len(out) < n {
		s := drawSlot(t)
		for range rapid.IntRange(1, 40).Draw(t, "run") {
			if len(out) < n {
				out = append(out, s)
			}
		}
	}
	return out
}

func drawCorrections(t *rapid.T, first Instant, n int) []Correction {
	var out []Correction
	for range rapid.IntRange(0, 3).Draw(t, "corrections") {
		at := func(name string) Instant { return first + Instant(rapid.IntRange(-10, n+10).Draw(t, name))*SlotMS + 7 }
		c := Correction{From: at("from"), Effect: rapid.SampledFrom([]Effect{Exclude, Forgive}).Draw(t, "effect"), Seen: at("seen")}
		c.To = c.From + Instant(rapid.IntRange(1, 100).Draw(t, "length"))*SlotMS
		if rapid.Bool().Draw(t, "revoked") {
			c.Revoked = max(c.Seen, at("revoked at"))
		}
		out = append(out, c)
	}
	return out
}

// change gives a few slots other counts, as late samples do.
func change(t *rapid.T, s *Slots, tick Instant) []Change {
	var out []Change
	for range rapid.IntRange(1, 5).Draw(t, "changes") {
		part := rapid.IntRange(0, len(s.Parts)-1).Draw(t, "part")
		i := rapid.IntRange(max(0, int(tick.Slot()-s.First)-90), min(len(s.Parts[part])-1, int(tick.Slot()-s.First)+3)).Draw(t, "slot")
		c := Change{Part: part, N: s.First + int64(i), Before: s.Parts[part][i], After: drawSlot(t)}
		s.Parts[part][i] = c.After
		out = append(out, c)
	}
	return out
}
