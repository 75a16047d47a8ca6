package budget_test

import (
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
)

// BenchmarkWindow charges rounds of objectives with 95 days of stored counts, alerted on by one pair of 1 h, whose budget
// windows are 1 h and 90 d long: what a round costs must not grow with the window.
func BenchmarkWindow(b *testing.B) {
	const n = 100
	for _, window := range []time.Duration{time.Hour, 90 * 24 * time.Hour} {
		b.Run(window.String(), func(b *testing.B) { windowRounds(b, n, window) })
	}
}

func windowRounds(b *testing.B, n int, window time.Duration) {
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	first := at.Add(-95 * 24 * time.Hour)
	objectives := fleetObjectives(n, window, first)
	for i := range objectives {
		objectives[i].Pairs = []slo.Pair{{Name: "page", Severity: slo.Page, Factor: 10, Long: time.Hour, Short: 5 * time.Minute}}
	}
	var engine *budget.Engine
	f := newFleet(b, n, nil)
	counts, err := count.Open(b.Context(), dbtest.Open(b, dbtest.SQLite(b)))
	if err != nil {
		b.Fatal(err)
	}
	start := func() {
		engine, err = budget.New(b.Context(), budget.Options{Counts: counts, Facts: &fakeLedger{}, Now: time.Now, Spare: time.Hour,
			Sources: map[string]budget.Source{"": {Source: f.store, Advance: f.store.Advance}}})
		if err != nil {
			b.Fatal(err)
		}
		engine.Apply(objectives, nil)
	}
	round := func() time.Duration {
		f.scrape(b, at.Add(-7*time.Second))
		begun := cpu()
		if err := engine.Round(b.Context(), at, nil); err != nil {
			b.Fatal(err)
		}
		at = at.Add(time.Minute)
		return cpu() - begun
	}
	start()
	round()
	if err := engine.Store(b.Context()); err != nil {
		b.Fatal(err)
	}
	rows := make([]count.Row, 0, 95*1440)
	for slot := slo.At(first).Slot(); slot < slo.At(at).Slot()-1; slot++ {
		rows = append(rows, count.Row{Slot: slot, Len: 1, Bad: float64(slot % 7 / 6), Total: 500 + float64(slot*31%97), ValidS: 60, Sampled: true})
	}
	for _, o := range objectives {
		ids, err := counts.Subjects(b.Context(), []count.Key{{SLO: o.Name, Version: 1}})
		if err != nil {
			b.Fatal(err)
		}
		if err := counts.Fill(b.Context(), ids[0], rows); err != nil {
			b.Fatal(err)
		}
	}
	start()
	for range 40 { // also over the first fold, which all edges of windows notice
		round()
	}
	spent := time.Duration(0)
	for b.Loop() {
		spent += round()
	}
	for _, o := range engine.Now().Objectives {
		if got := o.Groups[0].Budget.Total; window > time.Hour && got < 90*1440*500 {
			b.Fatalf("%v events in the window: the history is not counted", got)
		}
	}
	b.ReportMetric(spent.Seconds()/float64(b.N)*1000/float64(n), "cpu-s/round")
}
