package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
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
	"evenkeel.dev/evenkeel/internal/store/ledger/ledgertest"
)

// tally counts gaps by source; its second version keeps the last fact too.
func tally(version int) ledger.Projection {
	p := ledger.Projection{
		Name: "tally", Version: version, Kinds: []event.Kind{"source.gap"},
		Schema: `CREATE TABLE tally_source (source TEXT PRIMARY KEY, n BIGINT NOT NULL); CREATE INDEX tally_n ON tally_source (n)`,
		Apply: func(ctx context.Context, q db.Q, e event.Event) error {
			_, err := q.ExecContext(ctx, `INSERT INTO tally_source (source, n) VALUES ($1, 1) ON CONFLICT (source) DO UPDATE SET n = tally_source.n + 1`,
				e.Fact.(*event.SourceGap).Source)
			return err
		},
	}
	if version == 2 {
		p.Schema = `CREATE TABLE tally_source (source TEXT PRIMARY KEY, n BIGINT NOT NULL, last BIGINT NOT NULL); CREATE INDEX tally_n ON tally_source (n)`
		p.Apply = func(ctx context.Context, q db.Q, e event.Event) error {
			_, err := q.ExecContext(ctx, `INSERT INTO tally_source (source, n, last) VALUES ($1, 1, $2)
				ON CONFLICT (source) DO UPDATE SET n = tally_source.n + 1, last = excluded.last`, e.Fact.(*event.SourceGap).Source, e.Seq)
			return err
		}
	}
	return p
}

func rows(t *testing.T, d *db.DB, p ledger.Projection) []string {
	t.Helper()
	return ledgertest.Dump(t, d.Read(), p)
}

func many(prefix string, n int) (es []event.Event) {
	for i := range n {
		es = append(es, gap(fmt.Sprint(prefix, i)))
	}
	return es
}

func TestARaisedVersionIsRebuiltFromTheFirstFact(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{Projections: []ledger.Projection{tally(1)}})
		add(t, l, many("a", 2300)...)
		if diff := cmp.Diff([]string{"tally_source:  source=prom n=2300"}, rows(t, d, tally(1))); diff != "" {
			t.Fatal(diff)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time there is nothing to rebuild
			l = open(t, d, ledger.Options{Projections: []ledger.Projection{tally(2)}})
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		l = open(t, d, ledger.Options{Projections: []ledger.Projection{tally(2)}})
		add(t, l, gap("b"))
		if diff := cmp.Diff([]string{"tally_source:  source=prom n=2301 last=2301"}, rows(t, d, tally(2))); diff != "" {
			t.Fatal(diff)
		}
		if err := l.Rebuild(t.Context(), "none"); kit.CodeOf(err) != kit.NotFound {
			t.Fatalf("got %v", err)
		}
	})
}

func TestARebuildBeforeOpeningSaysWhatItDoesAndHowFarItIs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{Projections: []ledger.Projection{tally(1)}})
		add(t, l, many("a", 2300)...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		at := noon
		slow := func() time.Time { at = at.Add(3 * time.Second); return at }
		l = open(t, d, ledger.Options{Projections: []ledger.Projection{tally(2)}, Now: slow, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"made anew before the ledger opens", "projections=tally facts=2300", "of=2300", `msg="projection rebuilt" projection=tally version=2`, "took="} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, &log)
			}
		}
	})
}

func TestANewProjectionIsFilledFromOldFacts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{})
		add(t, l, many("a", 10)...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		open(t, d, ledger.Options{Projections: []ledger.Projection{tally(1)}})
		if diff := cmp.Diff([]string{"tally_source:  source=prom n=10"}, rows(t, d, tally(1))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestFactsAppendedWithoutAProjectionReachItLater(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		with := open(t, d, ledger.Options{Projections: []ledger.Projection{tally(1)}})
		without := open(t, d, ledger.Options{})
		add(t, with, gap("a"))
		add(t, without, many("b", 20)...)
		add(t, with, gap("c"))
		if diff := cmp.Diff([]string{"tally_source:  source=prom n=22"}, rows(t, d, tally(1))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestARebuildGoesOnUnderLoad(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{Projections: []ledger.Projection{tally(2)}})
		add(t, l, many("a", 3000)...)
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() {
				for i := range 50 {
					if _, err := l.Append(context.Background(), ledger.Batch{Events: []event.Event{gap(fmt.Sprint("b", w, i))}}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 3 {
			if err := l.Rebuild(t.Context(), "tally"); err != nil {
				t.Error(err)
			}
		}
		wg.Wait()
		got := strings.Join(rows(t, d, tally(2)), "\n")
		if want := fmt.Sprintf("tally_source:  source=prom n=3200 last=%d", 3200); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
		ledgertest.LiveEqualsRebuilt(t, l, tally(2))
	})
}

func TestAnOldProgramLeavesNewerTablesAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		old := open(t, d, ledger.Options{Projections: []ledger.Projection{tally(1)}})
		add(t, old, gap("a"))
		young := open(t, d, ledger.Options{Projections: []ledger.Projection{tally(2)}})
		add(t, old, gap("b"), gap("c"))
		add(t, young, gap("d"))
		if diff := cmp.Diff([]string{"tally_source:  source=prom n=4 last=4"}, rows(t, d, tally(2))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAnInterruptedRebuildIsBegunAnew(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{Projections: []ledger.Projection{tally(1)}})
		add(t, l, many("a", 30)...)
		ctx, cancel := context.WithCancel(t.Context())
		bad := tally(2)
		apply := bad.Apply
		bad.Apply = func(c context.Context, q db.Q, e event.Event) error {
			if e.Seq == 20 {
				cancel()
				return context.Canceled
			}
			return apply(c, q, e)
		}
		if _, err := ledger.Open(ctx, d, ledger.Options{Projections: []ledger.Projection{bad}, Now: clock}); err == nil {
			t.Fatal("opened")
		}
		open(t, d, ledger.Options{Projections: []ledger.Projection{tally(2)}})
		if diff := cmp.Diff([]string{"tally_source:  source=prom n=30 last=30"}, rows(t, d, tally(2))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestAProjectionWithForeignNamesIsRefused(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t))
	for name, change := range map[string]func(*ledger.Projection){
		"no such prefix": func(p *ledger.Projection) { p.Schema = "CREATE TABLE other (a BIGINT)" },
		"foreign index":  func(p *ledger.Projection) { p.Schema += "; CREATE INDEX other ON tally_source (n)" },
		"no table":       func(p *ledger.Projection) { p.Schema = "" },
		"no version":     func(p *ledger.Projection) { p.Version = 0 },
		"own name":       func(p *ledger.Projection) { p.Name = "ledger" },
		"built in":       func(p *ledger.Projection) { p.Name = "causes"; p.Schema = "CREATE TABLE causes_x (a BIGINT)" },
	} {
		p := tally(1)
		change(&p)
		if _, err := ledger.Open(t.Context(), d, ledger.Options{Projections: []ledger.Projection{p}, Now: clock}); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}
