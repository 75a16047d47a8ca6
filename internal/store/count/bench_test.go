package count_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
)

// BenchmarkRoundsOfAThousandObjectives is what storing a minute of 1,000 objectives costs, folding each quarter of an
// hour included, and how many bytes a day one takes.
func BenchmarkRoundsOfAThousandObjectives(b *testing.B) {
	d := dbtest.Open(b, dbtest.SQLite(b))
	s, err := count.Open(b.Context(), d)
	if err != nil {
		b.Fatal(err)
	}
	var keys []count.Key
	for i := range 1000 {
		keys = append(keys, count.Key{SLO: fmt.Sprintf("slo-%d", i), Version: 1})
	}
	ids, err := s.Subjects(b.Context(), keys)
	if err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	entries := make([]count.Entry, len(ids))
	slot := int64(origin)
	for b.Loop() {
		for i, id := range ids {
			total := float64(500 + r.IntN(200))
			entries[i] = count.Entry{ID: id, Row: count.Row{Slot: slot, Len: 1, Bad: float64(r.IntN(3)), Total: total, ValidS: 60, Sampled: true}}
		}
		slot++
		if err := s.Put(b.Context(), entries, nil); err != nil {
			b.Fatal(err)
		}
		if slot%15 == 0 {
			if err := s.Fold(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := s.Fold(b.Context()); err != nil {
		b.Fatal(err)
	}
	bytes, slots, err := s.Size(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(bytes)/float64(slots)*1440, "B/day")
}
