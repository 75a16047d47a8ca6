package ledger

import (
	"context"
	"fmt"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// resolve fills in the free texts of the events that have some.
func resolve(ctx context.Context, q db.Q, es []event.Event) error {
	with := map[int64][]*event.Text{}
	args := []any{}
	for _, e := range es {
		if t, ok := e.Fact.(event.Texts); ok {
			with[e.Seq] = t.Texts()
			args = append(args, e.Seq)
		}
	}
	for len(args) > 0 {
		n := min(len(args), 500)
		if err := resolveSome(ctx, q, with, args[:n]); err != nil {
			return fmt.Errorf("read texts: %w", err)
		}
		args = args[n:]
	}
	return nil
}

func resolveSome(ctx context.Context, q db.Q, with map[int64][]*event.Text, seqs []any) error {
	rows, err := q.QueryContext(ctx, "SELECT seq, place, plain FROM ledger_text WHERE seq IN ("+db.In(1, len(seqs))+")", seqs...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq, place int64
		var plain string
		if err := rows.Scan(&seq, &place, &plain); err != nil {
			return err
		}
		if texts := with[seq]; place >= 0 && place < int64(len(texts)) {
			*texts[place] = texts[place].Resolve(plain)
		}
	}
	return rows.Err()
}
