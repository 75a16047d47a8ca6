package projection

import (
	"context"
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Gaps holds the stretches without knowledge, of sources and of objectives.
var Gaps = ledger.Projection{
	Name:    "gaps",
	Version: 1,
	Schema: `CREATE TABLE gaps_gap (
			about TEXT NOT NULL,
			from_us BIGINT NOT NULL,
			to_us BIGINT NOT NULL,
			seq BIGINT NOT NULL,
			source TEXT NOT NULL,
			reason TEXT NOT NULL,
			PRIMARY KEY (about, from_us));
		CREATE INDEX gaps_gap_to ON gaps_gap (to_us)`,
	Kinds: []event.Kind{"source.gap"},
	Apply: func(ctx context.Context, q db.Q, e event.Event) error {
		f, ok := e.Fact.(*event.SourceGap)
		if !ok {
			return nil
		}
		to := int64(forever)
		if !f.To.IsZero() {
			to = f.To.UnixMicro()
		}
		_, err := q.ExecContext(ctx, `INSERT INTO gaps_gap (about, from_us, to_us, seq, source, reason) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (about, from_us) DO UPDATE SET to_us = excluded.to_us, seq = excluded.seq, reason = excluded.reason`,
			string(e.About), f.From.UnixMicro(), to, e.Seq, f.Source, f.Reason)
		return err
	},
}

// Gap is a stretch without knowledge.
type Gap struct {
	About  event.Ref // "source:metrics", "slo:checkout-availability"
	Source string
	From   time.Time
	To     time.Time // zero while it lasts
	Seq    int64
	Reason string
}

// GapsOf is the gaps that touch [from, to), the newest first, at most limit; an empty ref means all.
func GapsOf(ctx context.Context, q db.Q, about event.Ref, from, to time.Time, limit int) ([]Gap, error) {
	rows, err := q.QueryContext(ctx, `SELECT about, source, from_us, to_us, seq, reason FROM gaps_gap
		WHERE (about = $1 OR $1 = '') AND from_us < $2 AND to_us > $3 ORDER BY from_us DESC, about LIMIT $4`,
		string(about), to.UnixMicro(), from.UnixMicro(), limit)
	if err != nil {
		return nil, fmt.Errorf("read gaps: %w", err)
	}
	defer rows.Close()
	var out []Gap
	for rows.Next() {
		var g Gap
		var ref string
		var from, to int64
		if err := rows.Scan(&ref, &g.Source, &from, &to, &g.Seq, &g.Reason); err != nil {
			return nil, fmt.Errorf("read gaps: %w", err)
		}
		g.About, g.From = event.Ref(ref), time.UnixMicro(from).UTC()
		if to != forever {
			g.To = time.UnixMicro(to).UTC()
		}
		out = append(out, g)
	}
	return out, rows.Err()
}
