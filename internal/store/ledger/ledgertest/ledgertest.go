// Package ledgertest holds what tests of projections share.
package ledgertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Now is the clock of ledgers opened by Open.
var Now = time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)

// Open opens a ledger on d and closes it with the test.
func Open(t testing.TB, d *db.DB, ps ...ledger.Projection) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), d, ledger.Options{Projections: ps, Now: func() time.Time { return Now }, MinFree: -1})
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

// Append records events and returns the seq of the last.
func Append(t testing.TB, l *ledger.Ledger, es ...event.Event) int64 {
	t.Helper()
	r, err := l.Append(t.Context(), ledger.Batch{Events: es})
	if err != nil {
		t.Fatal(err)
	}
	return r.Last
}

// LiveEqualsRebuilt fails the test unless each projection's tables hold the same rows after they were made anew from the
// facts as they hold now, written fact by fact.
func LiveEqualsRebuilt(t testing.TB, l *ledger.Ledger, ps ...ledger.Projection) {
	t.Helper()
	for _, p := range ps {
		live := Dump(t, l.DB().Read(), p)
		if err := l.Rebuild(t.Context(), p.Name); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(live, Dump(t, l.DB().Read(), p)); diff != "" {
			t.Errorf("projection %s: rebuilt rows differ from live ones (-live +rebuilt):\n%s", p.Name, diff)
		}
	}
}

// Dump prints the rows of a projection's tables, sorted, one string a row.
func Dump(t testing.TB, q db.Q, p ledger.Projection) (out []string) {
	t.Helper()
	for _, table := range p.Tables() {
		rows, err := dumpTable(t.Context(), q, table)
		if err != nil {
			t.Fatalf("dump %s: %v", table, err)
		}
		slices.Sort(rows)
		for _, r := range rows {
			out = append(out, table+": "+r)
		}
	}
	return out
}

func dumpTable(ctx context.Context, q db.Q, table string) (out []string, err error) {
	rows, err := q.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		vs, into := make([]any, len(names)), make([]any, len(names))
		for i := range vs {
			into[i] = &vs[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		var b strings.Builder
		for i, v := range vs {
			if s, ok := v.([]byte); ok {
				v = string(s)
			}
			fmt.Fprintf(&b, " %s=%v", names[i], v)
		}
		out = append(out, b.String())
	}
	return out, rows.Err()
}
