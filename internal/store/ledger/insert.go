package ledger

import (
	"context"
	"fmt"

	"evenkeel.dev/evenkeel/internal/store/db"
)

// Key look-ups take this many keys a statement, so that few texts are prepared and kept.
var lookups = [...]int{64, 8, 1}

var selectKeys = func() map[int]string {
	out := map[int]string{}
	for _, n := range lookups {
		out[n] = "SELECT key, seq FROM fact WHERE key IN (" + db.In(1, n) + ")"
	}
	return out
}()

// known finds the keys that are recorded already.
func (c *commit) known(ctx context.Context, all []*record) (map[string]int64, error) {
	out := make(map[string]int64, len(all))
	args := make([]any, 0, lookups[0])
	for rest := all; len(rest) > 0; rest = rest[len(args):] {
		n := 1
		for _, l := range lookups {
			if l <= len(rest) {
				n = l
				break
			}
		}
		args = args[:0]
		for _, r := range rest[:n] {
			args = append(args, r.key)
		}
		if err := c.lookUp(ctx, selectKeys[n], args, out); err != nil {
			return nil, &shared{fmt.Errorf("look up keys: %w", err)}
		}
	}
	return out, nil
}

func (c *commit) lookUp(ctx context.Context, query string, keys []any, into map[string]int64) error {
	rows, err := c.q.QueryContext(ctx, query, keys...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var seq int64
		if err := rows.Scan(&key, &seq); err != nil {
			return err
		}
		into[key] = seq
	}
	return rows.Err()
}

func (c *commit) insert(ctx context.Context, fresh []*record) error {
	if err := insert(ctx, c.l.db, c.q, fresh); err != nil {
		return &shared{err}
	}
	return nil
}

// insert writes the rows of facts and of their free texts.
func insert(ctx context.Context, d *db.DB, q db.Q, rs []*record) error {
	args := make([]any, 0, len(rs)*9)
	var texts []any
	for _, r := range rs {
		args = append(args, r.seq, r.kind, r.atUS, r.seenUS, r.by, r.about, r.key, r.cause, r.body)
		for _, t := range r.texts {
			texts = append(texts, r.seq, t.place, t.salt, t.plain)
		}
	}
	if err := d.Bulk(ctx, q, "fact", columns, 9, args); err != nil {
		return err
	}
	return d.Bulk(ctx, q, "ledger_text", "seq, place, salt, plain", 4, texts)
}
