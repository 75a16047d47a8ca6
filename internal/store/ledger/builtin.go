package ledger

import (
	"context"
	"sort"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// builtin are the projections that the ledger's own questions need: Chain reads causes, Stats reads counts.
func builtin() []Projection { return []Projection{causes, counts} }

// causes turns a fact's causes around: which facts follow from one.
var causes = Projection{
	Name:    "causes",
	Version: 1,
	Schema: `CREATE TABLE causes_edge (
		cause BIGINT NOT NULL,
		effect BIGINT NOT NULL,
		PRIMARY KEY (cause, effect))`,
	Apply: func(ctx context.Context, q db.Q, e event.Event) error {
		for _, c := range e.Cause {
			if _, err := q.ExecContext(ctx, "INSERT INTO causes_edge (cause, effect) VALUES ($1, $2)", c, e.Seq); err != nil {
				return err
			}
		}
		return nil
	},
}

// counts holds how many facts of a kind were recorded a day (UTC, by Seen), and the first and last of them.
var counts = Projection{
	Name:    "counts",
	Version: 1,
	Schema: `CREATE TABLE counts_day (
		day BIGINT NOT NULL,
		kind TEXT NOT NULL,
		facts BIGINT NOT NULL,
		first_seq BIGINT NOT NULL,
		last_seq BIGINT NOT NULL,
		first_at_us BIGINT NOT NULL,
		last_at_us BIGINT NOT NULL,
		PRIMARY KEY (day, kind))`,
	ApplyAll: applyCounts,
}

const dayUS = 24 * 60 * 60 * 1_000_000

type dayKind struct {
	day  int64
	kind event.Kind
}

func applyCounts(ctx context.Context, q db.Q, es []event.Event) error {
	type row struct{ facts, firstSeq, lastSeq, firstAt, lastAt int64 }
	sums := map[dayKind]*row{}
	for _, e := range es {
		at := e.At.UnixMicro()
		k := dayKind{e.Seen.UnixMicro() / dayUS, e.Kind}
		r := sums[k]
		if r == nil {
			r = &row{firstSeq: e.Seq, firstAt: at, lastAt: at}
			sums[k] = r
		}
		r.facts++
		r.lastSeq, r.firstAt, r.lastAt = e.Seq, min(r.firstAt, at), max(r.lastAt, at)
	}
	keys := make([]dayKind, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { // one order for all writers: no deadlock
		return keys[i].day < keys[j].day || keys[i].day == keys[j].day && keys[i].kind < keys[j].kind
	})
	for _, k := range keys {
		r := sums[k]
		_, err := q.ExecContext(ctx, `INSERT INTO counts_day (day, kind, facts, first_seq, last_seq, first_at_us, last_at_us)
			VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (day, kind) DO UPDATE SET facts = counts_day.facts + excluded.facts, last_seq = excluded.last_seq,
				first_at_us = CASE WHEN excluded.first_at_us < counts_day.first_at_us THEN excluded.first_at_us ELSE counts_day.first_at_us END,
				last_at_us = CASE WHEN excluded.last_at_us > counts_day.last_at_us THEN excluded.last_at_us ELSE counts_day.last_at_us END`,
			k.day, string(k.kind), r.facts, r.firstSeq, r.lastSeq, r.firstAt, r.lastAt)
		if err != nil {
			return err
		}
	}
	return nil
}
