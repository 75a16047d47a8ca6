package ledger

import (
	"context"
	"fmt"

	"evenkeel.dev/evenkeel/internal/store/db"
)

// Statements take rows in these numbers, so that few texts are prepared and kept.
var chunks = []int{64, 8, 1}

// inChunks calls f with consecutive runs of n things, each as long as one of chunks.
func inChunks(n int, f func(from, to int) error) error {
	for from := 0; from < n; {
		for _, c := range chunks {
			if n-from >= c {
				if err := f(from, from+c); err != nil {
					return err
				}
				from += c
				break
			}
		}
	}
	return nil
}

// byRows is one text for each of chunks.
func byRows(text func(n int) string) map[int]string {
	out := map[int]string{}
	for _, n := range chunks {
		out[n] = text(n)
	}
	return out
}

var (
	insertFact = byRows(func(n int) string { return "INSERT INTO fact (" + columns + ") VALUES " + db.Rows(n, 9) })
	insertText = byRows(func(n int) string {
		return "INSERT INTO ledger_text (seq, place, salt, plain) VALUES " + db.Rows(n, 4)
	})
	selectKeys = byRows(func(n int) string { return "SELECT key, seq FROM fact WHERE key IN (" + db.In(1, n) + ")" })
)

// known finds the keys that are recorded already.
func (c *commit) known(ctx context.Context, all []*record) (map[string]int64, error) {
	out := make(map[string]int64, len(all))
	args := make([]any, 0, chunks[0])
	err := inChunks(len(all), func(from, to int) error {
		args = args[:0]
		for _, r := range all[from:to] {
			args = append(args, r.key)
		}
		rows, err := c.q.QueryContext(ctx, selectKeys[to-from], args...)
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
			out[key] = seq
		}
		return rows.Err()
	})
	if err != nil {
		return nil, &shared{fmt.Errorf("look up keys: %w", err)}
	}
	return out, nil
}

func (c *commit) insert(ctx context.Context, fresh []*record) error {
	args := make([]any, 0, chunks[0]*9)
	err := inChunks(len(fresh), func(from, to int) error {
		args = args[:0]
		for _, r := range fresh[from:to] {
			args = append(args, r.seq, r.kind, r.atUS, r.seenUS, r.by, r.about, r.key, r.cause, r.body)
		}
		_, err := c.q.ExecContext(ctx, insertFact[to-from], args...)
		return err
	})
	if err != nil {
		return &shared{fmt.Errorf("insert facts: %w", err)}
	}
	type row struct {
		seq int64
		text
	}
	var texts []row
	for _, r := range fresh {
		for _, t := range r.texts {
			texts = append(texts, row{r.seq, t})
		}
	}
	err = inChunks(len(texts), func(from, to int) error {
		args = args[:0]
		for _, t := range texts[from:to] {
			args = append(args, t.seq, t.place, t.salt, t.plain)
		}
		_, err := c.q.ExecContext(ctx, insertText[to-from], args...)
		return err
	})
	if err != nil {
		return &shared{fmt.Errorf("insert texts: %w", err)}
	}
	return nil
}
