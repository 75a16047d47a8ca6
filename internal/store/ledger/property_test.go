package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/ledger/ledgertest"
)

// model is what a ledger of keys should hold.
type model struct {
	keys []string
	seq  map[string]int64
}

// expect says what a batch of keys gives and records it.
func (m *model) expect(keys []string) (r ledger.Receipt) {
	r.Seqs, r.Fresh = []int64{}, []bool{}
	for _, k := range keys {
		seq, known := m.seq[k]
		if !known {
			m.keys = append(m.keys, k)
			seq = int64(len(m.keys))
			m.seq[k] = seq
		}
		r.Seqs, r.Fresh, r.Last = append(r.Seqs, seq), append(r.Fresh, !known), max(r.Last, seq)
	}
	return r
}

func TestAnyRunOfBatchesGivesTheModelsLedger(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := key(t)
		o := ledger.Options{Key: k, Projections: []ledger.Projection{tally(2)}, Now: clock, MinFree: -1}
		l := open(t, d, o)
		m := &model{seq: map[string]int64{}}
		sorry := errors.New("sorry")
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(1, 4).Draw(rt, "batches") {
				keys := rapid.SliceOfN(rapid.StringMatching(`k[a-f]{1,3}`), 0, 300).Draw(rt, "keys")
				b := ledger.Batch{Lane: rapid.SampledFrom([]ledger.Lane{ledger.Commands, ledger.Pages, ledger.Alerts, ledger.Bulk}).Draw(rt, "lane")}
				for _, key := range keys {
					b.Events = append(b.Events, gap(key))
				}
				fails := rapid.Bool().Draw(rt, "fails")
				if fails {
					b.With = func(context.Context, db.Q) error { return sorry }
				}
				r, err := l.Append(context.Background(), b)
				// With is not run for facts that are all known, so such a batch cannot fail.
				isNew := slices.ContainsFunc(keys, func(k string) bool { return m.seq[k] == 0 })
				if fails && (isNew || len(keys) == 0) {
					if !errors.Is(err, sorry) {
						rt.Fatalf("got %v", err)
					}
					continue
				}
				if err != nil {
					rt.Fatal(err)
				}
				want := m.expect(keys)
				if len(keys) == 0 {
					want = ledger.Receipt{}
				}
				if diff := cmp.Diff(want, r); diff != "" {
					rt.Fatal(diff)
				}
			}
			if rapid.IntRange(0, 3).Draw(rt, "reopen") == 0 {
				if err := l.Close(); err != nil {
					rt.Fatal(err)
				}
				var err error
				if l, err = ledger.Open(context.Background(), d, o); err != nil {
					rt.Fatal(err)
				}
			}
			if h := l.Head(); h.Seq != int64(len(m.keys)) {
				rt.Fatalf("head %d of %d", h.Seq, len(m.keys))
			}
		})
		t.Cleanup(func() { _ = l.Close() })
		var keys []string
		for _, e := range all(t, l) {
			keys = append(keys, e.Key)
		}
		if diff := cmp.Diff(m.keys, keys); diff != "" {
			t.Fatal(diff)
		}
		if r := verify(t, d, k); !r.OK() {
			t.Fatal(findings(r))
		}
		ledgertest.LiveEqualsRebuilt(t, l, tally(2))
	})
}

// The root is that of RFC 6962 as another implementation computes it over the published leaves.
func TestTheRootIsThatOfTheStandardForAnySize(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t))
	k := key(t)
	l := open(t, d, ledger.Options{Key: k})
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(idx []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(idx))
		for i, x := range idx {
			out[i] = hashes[x]
		}
		return out, nil
	})
	n := int64(0)
	for _, size := range []int{1, 1, 1, 4, 100, 148, 1, 1, 254, 1, 600} {
		add(t, l, many(fmt.Sprint("run", n, "-"), size)...)
		for range size {
			n++
			p, err := l.Prove(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			hs, err := tlog.StoredHashes(n-1, p.Leaf, reader)
			if err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, hs...)
		}
		want, err := tlog.TreeHash(n, reader)
		if err != nil {
			t.Fatal(err)
		}
		if l.Head().Hash != want {
			t.Fatalf("root over %d facts", n)
		}
	}
}

func TestTwoWritersOnOneServerLeaveNoGapAndNoDouble(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ls := []*ledger.Ledger{open(t, d, ledger.Options{}), open(t, d, ledger.Options{})}
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				for i := range 25 {
					// Each fact is sent through both.
					for _, l := range ls {
						if _, err := l.Append(context.Background(), ledger.Batch{Events: []event.Event{gap(fmt.Sprint(w, "-", i))}}); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		es := all(t, ls[0])
		if len(es) != 200 {
			t.Fatalf("%d facts of 200", len(es))
		}
		for i, e := range es {
			if e.Seq != int64(i+1) {
				t.Fatalf("fact %d has seq %d", i+1, e.Seq)
			}
		}
		if r := verify(t, d, key(t)); !r.OK() {
			t.Fatal(findings(r))
		}
	})
}
