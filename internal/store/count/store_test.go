package count_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
)

const origin = 29_000_160 // a multiple of 360

func open(t interface {
	Fatal(...any)
	Context() context.Context
}, d *db.DB) *count.Store {
	s, err := count.Open(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// model is the plain answer: every row in a map.
type model map[count.ID]map[int64]count.Row

func (m model) rows(id count.ID, from, to int64) []count.Row {
	var out []count.Row
	for _, slot := range slices.Sorted(maps.Keys(m[id])) {
		if slot >= from && slot < to {
			out = append(out, m[id][slot])
		}
	}
	return out
}

func (m model) sum(id count.ID, from, to int64) count.Sum {
	var s count.Sum
	for _, r := range m.rows(id, from, to) {
		s.Add(r)
	}
	return s
}

func TestTheStoreAnswersLikeAPlainMap(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		n := 0
		rapid.Check(t, func(t *rapid.T) {
			s := open(t, d)
			n++
			name := string(rune('a'+n%26)) + rapid.StringMatching(`[a-z]{8}`).Draw(t, "name")
			ids, err := s.Subjects(t.Context(), []count.Key{{SLO: name, Version: n}, {SLO: name, Version: n, Group: "x"}})
			if err != nil {
				t.Fatal(err)
			}
			m := model{ids[0]: {}, ids[1]: {}}
			at := int64(origin)
			row := func(slot int64) count.Row {
				return count.Row{Slot: slot, Len: 1, Bad: float64(rapid.IntRange(-1, 9).Draw(t, "bad")),
					Total: float64(rapid.IntRange(0, 9000).Draw(t, "total")), ValidS: 60, Sampled: rapid.Bool().Draw(t, "sampled")}
			}
			for range rapid.IntRange(1, 40).Draw(t, "steps") {
				id := rapid.SampledFrom(ids).Draw(t, "id")
				switch rapid.IntRange(0, 5).Draw(t, "do") {
				case 0, 1, 2:
					e := []count.Entry{{ID: ids[0], Row: row(at)}, {ID: ids[1], Row: row(at)}}
					if rapid.Bool().Draw(t, "late") {
						e = append(e, count.Entry{ID: id, Row: row(at - int64(rapid.IntRange(0, 900).Draw(t, "ago")))})
					}
					at += int64(rapid.SampledFrom([]int{1, 1, 1, 50}).Draw(t, "step"))
					if err := s.Put(t.Context(), e, nil); err != nil {
						t.Fatal(err)
					}
					for _, e := range e {
						m[e.ID][e.Slot] = e.Row
					}
				case 3:
					if err := s.Fold(t.Context()); err != nil {
						t.Fatal(err)
					}
				case 4:
					var rows []count.Row
					for slot := at - int64(rapid.IntRange(0, 1500).Draw(t, "back")); slot < at; slot++ {
						rows = append(rows, row(slot))
						m[id][slot] = rows[len(rows)-1]
					}
					if err := s.Fill(t.Context(), id, rows); err != nil {
						t.Fatal(err)
					}
				case 5:
					s = open(t, d)
				}
			}
			from := origin + int64(rapid.IntRange(-1500, 1500).Draw(t, "from"))
			to := from + int64(rapid.IntRange(0, 2500).Draw(t, "to"))
			for _, id := range ids {
				var got []count.Row
				if err := s.Rows(t.Context(), id, from, to, func(r count.Row) error { got = append(got, r); return nil }); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(m.rows(id, from, to), got); d != "" {
					t.Fatal(d)
				}
				sum, err := s.Sum(t.Context(), id, from, to)
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(m.sum(id, from, to), sum); d != "" {
					t.Fatal(d)
				}
				c := s.Cursor(id)
				for i := range int64(100) {
					for _, edge := range []int64{from, from + 70, to} {
						want, there := m[id][edge+i]
						r, ok, err := c.At(t.Context(), edge+i)
						if err != nil || ok != there || ok && r != want {
							t.Fatal(edge+i, r, ok, err, want)
						}
					}
				}
				all := m.rows(id, origin-9999, origin+99999)
				low, high, ok, err := s.Extent(t.Context(), id)
				if err != nil || ok != (len(all) > 0) {
					t.Fatal(ok, err)
				}
				if ok && (low != all[0].Slot || high != all[len(all)-1].End()) {
					t.Fatalf("extent %d..%d, want %d..%d", low, high, all[0].Slot, all[len(all)-1].End())
				}
			}
		})
	})
}

func TestSettlingChangesNoAnswerOnQuarterHours(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := open(t, d)
		ids, err := s.Subjects(t.Context(), []count.Key{{SLO: "a", Version: 1}})
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 1))
		var rows []count.Row
		for slot := int64(origin + 7); slot < origin+3000; slot++ {
			if slot%701 == 0 {
				continue // a hole
			}
			rows = append(rows, count.Row{Slot: slot, Len: 1, Bad: float64(r.IntN(3)), Total: float64(500 + r.IntN(100)), ValidS: 60, Sampled: true})
		}
		if err := s.Fill(t.Context(), ids[0], rows); err != nil {
			t.Fatal(err)
		}
		edge := int64(origin + 1003)
		sums := func() (out []count.Sum) {
			for from := int64(origin); from < origin+3000; from += 15 * 7 {
				for to := from; to <= origin+3000; to += 15 * 11 {
					v, err := s.Sum(t.Context(), ids[0], from, to)
					if err != nil {
						t.Fatal(err)
					}
					out = append(out, v)
				}
				v, err := s.Sum(t.Context(), ids[0], min(from, edge), edge)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, v)
			}
			return out
		}
		before := sums()
		big, _, err := s.Size(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Settle(t.Context(), ids[0], origin+2000, []int64{edge}, func(rows []count.Row) ([]count.Row, error) { return rows, nil }); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(before, sums()); d != "" {
			t.Fatal(d)
		}
		small, slots, err := s.Size(t.Context())
		if err != nil || small > big*2/3 || slots != int64(len(rows)) {
			t.Fatalf("%d bytes before, %d after, %d slots of %d, %v", big, small, slots, len(rows), err)
		}
	})
}

func TestAReaderBesideTheWriterSeesItAfterRefresh(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w, r := open(t, d), open(t, d)
		var id count.ID
		for i := range int64(50) {
			ids, err := w.Subjects(t.Context(), []count.Key{{SLO: "a", Version: 1}})
			if err != nil {
				t.Fatal(err)
			}
			id = ids[0]
			if err := w.Put(t.Context(), []count.Entry{{ID: id, Row: count.Row{Slot: origin + i, Len: 1, Total: 1}}}, nil); err != nil {
				t.Fatal(err)
			}
			if i%7 == 3 {
				if err := w.Fold(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			sum, err := r.Sum(t.Context(), id, origin, origin+100)
			if err != nil || sum.Total != float64(i+1) || len(r.Groups("a", 1)) != 1 {
				t.Fatal(sum, err)
			}
		}
	})
}

func TestACursorSeesAmendedRows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := open(t, d)
		ids, err := s.Subjects(t.Context(), []count.Key{{SLO: "a", Version: 1}})
		if err != nil {
			t.Fatal(err)
		}
		put := func(slot int64, total float64) {
			if err := s.Put(t.Context(), []count.Entry{{ID: ids[0], Row: count.Row{Slot: slot, Len: 1, Total: total}}}, nil); err != nil {
				t.Fatal(err)
			}
		}
		c := s.Cursor(ids[0])
		for i := range int64(600) {
			put(origin+i, float64(i))
			if i%15 == 0 {
				if err := s.Fold(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if i%50 == 10 {
				put(origin+i-1, -1)
			}
			if i == 0 {
				continue
			}
			for _, back := range []int64{1, 2, 30, 400} {
				at := i - back
				want := float64(at)
				if (at+1)%50 == 10 {
					want = -1
				}
				r, ok, err := c.At(t.Context(), origin+at)
				if err != nil || ok != (at >= 0) || ok && r.Total != want {
					t.Fatal(i, back, r, ok, want, err)
				}
			}
		}
	})
}
