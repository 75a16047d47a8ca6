package slo

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

const benchStart = Instant(1_772_409_600_000)

// month is 31 days of slots of a busy service that fails a little, with two bursts.
func month(seed uint64) *Slots {
	r := rand.New(rand.NewPCG(seed, 1))
	n := 31 * 1440
	slots := make([]Slot, n)
	for i := range slots {
		s := Slot{Total: float64(80 + r.IntN(40)), ValidS: SlotS, Sampled: true}
		if r.IntN(20) == 0 {
			s.Bad = 1
		}
		if at := i % (n / 2); at > 9000 && at < 9030 {
			s.Bad = s.Total / 2
		}
		slots[i] = s
	}
	return &Slots{First: benchStart.Slot(), Parts: [][]Slot{slots}}
}

func benchPlan(tb testing.TB, pairs []Pair) *Plan {
	tb.Helper()
	p, err := NewPlan(Objective{Name: "bench", Target: MustDecimal("0.999"), Tier: 1, Window: Window{Rolling: 30 * 24 * time.Hour}, Pairs: pairs}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// BenchmarkTick1000 is one minute of 1,000 objectives: all windows, the budget, all rules. It reports the memory that a
// meter holds, and the slots it reads.
func BenchmarkTick1000(b *testing.B) {
	var before, after runtime.MemStats
	slots := month(1)
	plan := benchPlan(b, nil)
	at := benchStart + 30*dayMS
	meters := make([]*Meter, 1000)
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range meters {
		meters[i] = NewMeter(plan, benchStart, slots, nil)
		if err := meters[i].Start(at, nil); err != nil {
			b.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ResetTimer()
	for n := range b.N {
		at += SlotMS
		if n%1000 == 999 { // the month is over: begin again
			b.StopTimer()
			at = benchStart + 30*dayMS
			for _, m := range meters {
				if err := m.Start(at, nil); err != nil {
					b.Fatal(err)
				}
			}
			at += SlotMS
			b.StartTimer()
		}
		for _, m := range meters {
			if _, err := m.Advance(at); err != nil {
				b.Fatal(err)
			}
			if _, err := m.Budget(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1000, "B/slo")
}

// BenchmarkStart is what a meter costs to start: one reading of its budget window.
func BenchmarkStart(b *testing.B) {
	slots := month(1)
	plan := benchPlan(b, nil)
	m := NewMeter(plan, benchStart, slots, nil)
	for range b.N {
		if err := m.Start(benchStart+30*dayMS, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBacktest is one objective over 30 days: 1 policy, and a grid of 50. A thousand objectives take a thousand
// times as long.
func BenchmarkBacktest(b *testing.B) {
	slots := month(2)
	ask := BacktestQuestion{From: benchStart, To: benchStart + 30*dayMS, Incidents: []Incident{{From: benchStart + 9000*SlotMS, To: benchStart + 9030*SlotMS}}}.DefaultGrace()
	for _, policies := range []int{1, 50} {
		plans := make([]*Plan, policies)
		for i := range plans {
			plans[i] = benchPlan(b, nil)
			if i > 0 {
				plans[i] = benchPlan(b, gridPairs(i))
			}
		}
		b.Run(fmt.Sprintf("policies=%d", policies), func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				if _, err := RunBacktest(Track{Plan: plans[0], First: benchStart, Slots: slots}, ask, plans...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func gridPairs(i int) []Pair {
	pairs := DefaultPairs(1)
	for j := range pairs {
		pairs[j].Spend *= 0.5 + float64(i%10)/5
		pairs[j].Long *= time.Duration(1 + i/10%3)
		pairs[j].Short *= time.Duration(1 + i/10%2)
	}
	return pairs
}
