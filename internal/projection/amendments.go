package projection

import (
	"context"
	"encoding/json"
	"fmt"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Amendments holds which facts were corrected by which later ones.
var Amendments = ledger.Projection{
	Name:    "amendments",
	Version: 1,
	Schema: `CREATE TABLE amendments_fact (
		target BIGINT NOT NULL,
		seq BIGINT NOT NULL,
		body TEXT NOT NULL,
		PRIMARY KEY (target, seq))`,
	Kinds: []event.Kind{"event.amended"},
	Apply: func(ctx context.Context, q db.Q, e event.Event) error {
		f, ok := e.Fact.(*event.EventAmended)
		if !ok {
			return nil
		}
		body, err := json.Marshal(f.Set)
		if err != nil {
			return err
		}
		_, err = q.ExecContext(ctx, "INSERT INTO amendments_fact (target, seq, body) VALUES ($1, $2, $3)", f.Target, e.Seq, string(body))
		return err
	},
}

// Amendment is one correction of a fact.
type Amendment struct {
	Seq int64          // the fact that corrects
	Set map[string]any // fields by name, with their corrected values
}

// AmendmentsOf lists the corrections of a fact, oldest first; none is an empty list.
func AmendmentsOf(ctx context.Context, q db.Q, seq int64) ([]Amendment, error) {
	rows, err := q.QueryContext(ctx, "SELECT seq, body FROM amendments_fact WHERE target = $1 ORDER BY seq", seq)
	if err != nil {
		return nil, fmt.Errorf("read amendments of fact %d: %w", seq, err)
	}
	defer rows.Close()
	out := []Amendment{}
	for rows.Next() {
		var a Amendment
		var body string
		if err := rows.Scan(&a.Seq, &body); err != nil {
			return nil, fmt.Errorf("read amendments of fact %d: %w", seq, err)
		}
		if err := json.Unmarshal([]byte(body), &a.Set); err != nil {
			return nil, fmt.Errorf("read amendment %d: %w", a.Seq, err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}
