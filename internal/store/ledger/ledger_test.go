package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// noon is the clock of tests.
var noon = time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

func open(t testing.TB, d *db.DB, o ledger.Options) *ledger.Ledger {
	t.Helper()
	if o.Now == nil {
		o.Now = clock
	}
	l, err := ledger.Open(t.Context(), d, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close ledger: %v", err)
		}
	})
	return l
}

// gap is a fact with a key.
func gap(key string) event.Event {
	return event.Event{At: noon.Add(-time.Minute), By: "test:", About: "source:prom", Key: key,
		Fact: &event.SourceGap{Source: "prom", From: noon.Add(-time.Hour), To: noon, Reason: "unreachable <" + key + ">"}}
}

func add(t testing.TB, l *ledger.Ledger, es ...event.Event) ledger.Receipt {
	t.Helper()
	r, err := l.Append(t.Context(), ledger.Batch{Events: es})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func all(t testing.TB, l *ledger.Ledger, kinds ...event.Kind) (es []event.Event) {
	t.Helper()
	for e, err := range l.Read(t.Context(), 0, kinds...) {
		if err != nil {
			t.Fatal(err)
		}
		es = append(es, e)
	}
	return es
}

func TestAFactComesBackAsItWasGiven(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{})
		r := add(t, l, gap("a"), gap("b"))
		if diff := cmp.Diff(ledger.Receipt{Seqs: []int64{1, 2}, Fresh: []bool{true, true}, Last: 2}, r); diff != "" {
			t.Fatal(diff)
		}
		e := gap("c")
		e.Cause = []int64{1, 2}
		add(t, l, e)
		got, err := l.Get(t.Context(), 3)
		if err != nil {
			t.Fatal(err)
		}
		e.Seq, e.Kind, e.Seen = 3, "source.gap", noon
		if diff := cmp.Diff(e, got); diff != "" {
			t.Fatal(diff)
		}
		if _, err := l.Get(t.Context(), 4); kit.CodeOf(err) != kit.NotFound {
			t.Fatalf("got %v", err)
		}
	})
}

func TestAKeyIsRecordedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{})
		r := add(t, l, gap("a"), gap("b"), gap("a"))
		if diff := cmp.Diff([]int64{1, 2, 1}, r.Seqs); diff != "" {
			t.Fatal(diff)
		}
		r = add(t, l, gap("b"), gap("c"))
		if diff := cmp.Diff(ledger.Receipt{Seqs: []int64{2, 3}, Fresh: []bool{false, true}, Last: 3}, r); diff != "" {
			t.Fatal(diff)
		}
		keyless := gap("")
		first, second := add(t, l, keyless), add(t, l, keyless)
		if first.Last != 4 || second.Last != 4 {
			t.Fatalf("the same content without a key: %v %v", first, second)
		}
		if n := len(all(t, l)); n != 4 {
			t.Fatalf("%d facts", n)
		}
	})
}

func TestABatchIsAllOrNothingAndNamesItsFault(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{})
		bad := gap("x")
		bad.Fact = &event.SourceGap{From: noon}
		_, err := l.Append(t.Context(), ledger.Batch{Events: []event.Event{gap("a"), bad}})
		if kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), "event 2 of 2") || !strings.Contains(err.Error(), "/source: is required") {
			t.Fatalf("got %v", err)
		}
		orphan := gap("y")
		orphan.Cause = []int64{7}
		_, err = l.Append(t.Context(), ledger.Batch{Events: []event.Event{gap("a"), orphan}})
		if kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), "names the cause 7") {
			t.Fatalf("got %v", err)
		}
		if n := len(all(t, l)); n != 0 {
			t.Fatalf("%d facts of refused batches", n)
		}
		add(t, l, gap("b"))
		if h := l.Head(); h.Seq != 1 {
			t.Fatalf("a refused batch left a gap: head %d", h.Seq)
		}
	})
}

func TestOneBadCallerDoesNotSinkItsNeighbours(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{})
		sorry := errors.New("sorry")
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				b := ledger.Batch{Events: []event.Event{gap(fmt.Sprint(i))}}
				if i%8 == 3 {
					b.With = func(context.Context, db.Q) error { return sorry }
				}
				_, err := l.Append(context.Background(), b)
				if want := i%8 == 3; errors.Is(err, sorry) != want || !want && err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		es := all(t, l)
		if len(es) != 56 {
			t.Fatalf("%d facts of 56", len(es))
		}
		for i, e := range es {
			if e.Seq != int64(i+1) {
				t.Fatalf("fact %d has seq %d", i, e.Seq)
			}
		}
	})
}

func TestACallersOwnRowsShareTheFate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{})
		if err := d.Write(t.Context(), func(ctx context.Context, q db.Q) error {
			_, err := q.ExecContext(ctx, "CREATE TABLE mine (a TEXT NOT NULL)")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		with := func(ctx context.Context, q db.Q) error {
			_, err := q.ExecContext(ctx, "INSERT INTO mine (a) VALUES ($1)", "row")
			return err
		}
		for range 2 { // the second time the fact is known and With is skipped
			if _, err := l.Append(t.Context(), ledger.Batch{Events: []event.Event{gap("a")}, With: with}); err != nil {
				t.Fatal(err)
			}
		}
		panics := func(ctx context.Context, q db.Q) error { panic(fmt.Sprint(with(ctx, q))) }
		if _, err := l.Append(t.Context(), ledger.Batch{Events: []event.Event{gap("b")}, With: panics}); err == nil {
			t.Fatal("a panic went through")
		}
		var n int
		if err := d.Read().QueryRowContext(t.Context(), "SELECT count(*) FROM mine").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n != 1 || l.Head().Seq != 1 {
			t.Fatalf("%d rows, head %d", n, l.Head().Seq)
		}
	})
}

func TestALostLeaseRecordsNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{})
		old, _, err := d.Lease(t.Context(), "burn", "a", time.Second, noon)
		if err != nil {
			t.Fatal(err)
		}
		b := ledger.Batch{Events: []event.Event{gap("a")}, Fence: &ledger.Fence{Lease: "burn", Token: old}}
		if _, err := l.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := d.Lease(t.Context(), "burn", "b", time.Second, noon.Add(2*time.Second)); err != nil || !ok {
			t.Fatal(ok, err)
		}
		b.Events = []event.Event{gap("b")}
		if _, err := l.Append(t.Context(), b); kit.CodeOf(err) != kit.Conflict {
			t.Fatalf("got %v", err)
		}
		if l.Head().Seq != 1 {
			t.Fatalf("head %d", l.Head().Seq)
		}
	})
}

func TestReadGoesOnOverPagesAndPicksKinds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{})
		var es []event.Event
		for i := range 2500 {
			e := gap(fmt.Sprint(i))
			if i%500 == 7 {
				e = event.Event{By: "evaluator:burn", Key: fmt.Sprint(i), Fact: &event.EvaluatorBeat{Evaluator: "burn"}}
			}
			es = append(es, e)
		}
		add(t, l, es...)
		if got := all(t, l); len(got) != 2500 || got[2499].Seq != 2500 {
			t.Fatalf("%d facts", len(got))
		}
		var seqs []int64
		for _, e := range all(t, l, "evaluator.beat") {
			seqs = append(seqs, e.Seq)
		}
		if diff := cmp.Diff([]int64{8, 508, 1008, 1508, 2008}, seqs); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestWaitReturnsWithTheNextFactAlsoFromAnotherReplica(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{})
		other := l
		if d.Engine() == db.Postgres {
			other = open(t, d, ledger.Options{})
		}
		done := make(chan error, 1)
		go func() { done <- l.Wait(context.Background(), 1) }()
		add(t, other, gap("a"))
		add(t, other, gap("b"))
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		add(t, l, gap("c"))
		if es := all(t, l); len(es) != 3 {
			t.Fatalf("%d facts", len(es))
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Wait(ctx, 99); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	})
}

func TestSeenNeverRunsBackwards(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := noon
		l := open(t, d, ledger.Options{Now: func() time.Time { return now }})
		add(t, l, gap("a"))
		now = noon.Add(-time.Hour)
		add(t, l, gap("b"))
		if es := all(t, l); !es[1].Seen.Equal(noon) {
			t.Fatalf("seen %v after %v", es[1].Seen, es[0].Seen)
		}
	})
}

func TestAReopenedLedgerGoesOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for i := range 5 {
			l := open(t, d, ledger.Options{})
			var es []event.Event
			for j := range 100 + i*37 {
				es = append(es, gap(fmt.Sprint(i, j)))
			}
			before := l.Head()
			add(t, l, es...)
			if l.Head().Seq != before.Seq+int64(len(es)) {
				t.Fatalf("head %d after %d", l.Head().Seq, before.Seq)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
