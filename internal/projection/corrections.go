package projection

import (
	"context"
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Corrections holds the corrections of budgets, revoked ones included.
var Corrections = ledger.Projection{
	Name:    "corrections",
	Version: 1,
	Schema: `CREATE TABLE corrections_correction (
			slo TEXT NOT NULL,
			id TEXT NOT NULL,
			seq BIGINT NOT NULL,
			by_whom TEXT NOT NULL,
			from_us BIGINT NOT NULL,
			to_us BIGINT NOT NULL,
			effect TEXT NOT NULL,
			seen_us BIGINT NOT NULL,
			revoked_us BIGINT NOT NULL,
			revoked_seq BIGINT NOT NULL,
			PRIMARY KEY (slo, id))`,
	Kinds: []event.Kind{"budget.corrected"},
	Apply: func(ctx context.Context, q db.Q, e event.Event) error {
		f, ok := e.Fact.(*event.BudgetCorrected)
		if !ok {
			return nil
		}
		if f.Revoked {
			_, err := q.ExecContext(ctx, "UPDATE corrections_correction SET revoked_us = $1, revoked_seq = $2 WHERE slo = $3 AND id = $4 AND revoked_seq = 0",
				e.Seen.UnixMicro(), e.Seq, f.SLO, f.CorrectionID)
			return err
		}
		_, err := q.ExecContext(ctx, `INSERT INTO corrections_correction (slo, id, seq, by_whom, from_us, to_us, effect, seen_us, revoked_us, revoked_seq)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0) ON CONFLICT (slo, id) DO NOTHING`,
			f.SLO, f.CorrectionID, e.Seq, e.By, f.From.UnixMicro(), f.To.UnixMicro(), f.Effect, e.Seen.UnixMicro())
		return err
	},
}

// Correction is one correction; its reason is a text of the fact, Ledger.Get(Seq) resolves it.
type Correction struct {
	SLO, ID    string
	Seq        int64  // the fact that made it
	By         string // who made it
	From, To   time.Time
	Effect     string // exclude or good
	Seen       time.Time
	Revoked    time.Time // zero = in force
	RevokedSeq int64
}

// CorrectionsOf is the corrections of an objective, the newest first.
func CorrectionsOf(ctx context.Context, q db.Q, slo string) ([]Correction, error) {
	rows, err := q.QueryContext(ctx, `SELECT slo, id, seq, by_whom, from_us, to_us, effect, seen_us, revoked_us, revoked_seq
		FROM corrections_correction WHERE slo = $1 ORDER BY seq DESC`, slo)
	if err != nil {
		return nil, fmt.Errorf("read corrections of %s: %w", slo, err)
	}
	defer rows.Close()
	var out []Correction
	for rows.Next() {
		var c Correction
		var from, to, seen, revoked int64
		if err := rows.Scan(&c.SLO, &c.ID, &c.Seq, &c.By, &from, &to, &c.Effect, &seen, &revoked, &c.RevokedSeq); err != nil {
			return nil, fmt.Errorf("read corrections of %s: %w", slo, err)
		}
		c.From, c.To, c.Seen = time.UnixMicro(from).UTC(), time.UnixMicro(to).UTC(), time.UnixMicro(seen).UTC()
		if revoked != 0 {
			c.Revoked = time.UnixMicro(revoked).UTC()
		}
		out = append(out, c)
	}
	return out, rows.Err()
}
