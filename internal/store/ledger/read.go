package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// pageSize is how many facts one statement reads.
const pageSize = 1000

// Read runs through the facts after the given seq in order, of the given kinds or all, as far as they were recorded when
// it reached them: it ends at the head, Wait tells when there is more. Free texts come by digest only. Pages are read as
// they are needed, so the loop's body may take its time and may append.
func (l *Ledger) Read(ctx context.Context, after int64, kinds ...event.Kind) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		q := l.db.Read()
		row, err := readHead(ctx, q, "")
		for err == nil && after < row.Seq {
			var es []event.Event
			es, after, err = readPage(ctx, q, after, row.Seq, kinds, pageSize)
			for _, e := range es {
				if !yield(e, nil) {
					return
				}
			}
			if err == nil && after >= row.Seq {
				row, err = readHead(ctx, q, "")
			}
		}
		if err != nil {
			yield(event.Event{}, fmt.Errorf("read facts after %d: %w", after, err))
		}
	}
}

// readPage reads at most n facts in (after, to]. last is where the next page goes on: to once all are read.
func readPage(ctx context.Context, q db.Q, after, to int64, kinds []event.Kind, n int) (es []event.Event, last int64, err error) {
	args := []any{after, to, n}
	where := "seq > $1 AND seq <= $2"
	if len(kinds) > 0 {
		where += " AND kind IN (" + db.In(4, len(kinds)) + ")"
		for _, k := range kinds {
			args = append(args, string(k))
		}
	}
	records, err := readRecords(ctx, q, where+" ORDER BY seq LIMIT $3", args...)
	if err != nil {
		return nil, after, err
	}
	es = make([]event.Event, len(records))
	for i, r := range records {
		if es[i], err = r.decode(); err != nil {
			return nil, after, err
		}
	}
	if len(es) < n {
		return es, to, nil
	}
	return es, es[n-1].Seq, nil
}

// readRecords reads the facts that a condition selects.
func readRecords(ctx context.Context, q db.Q, where string, args ...any) ([]*record, error) {
	rows, err := q.QueryContext(ctx, "SELECT "+columns+" FROM fact WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*record
	for rows.Next() {
		r := new(record)
		if err := r.scan(rows.Scan); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Get is one fact with its free texts, as far as they were not erased. kit.NotFound when there is none.
func (l *Ledger) Get(ctx context.Context, seq int64) (event.Event, error) {
	r := new(record)
	err := r.scan(l.db.Read().QueryRowContext(ctx, "SELECT "+columns+" FROM fact WHERE seq = $1", seq).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return event.Event{}, kit.Errorf(kit.NotFound, "no fact %d; the newest is %d", seq, l.Head().Seq)
	}
	if err != nil {
		return event.Event{}, fmt.Errorf("read fact %d: %w", seq, err)
	}
	e, err := r.decode()
	if err != nil {
		return event.Event{}, err
	}
	return e, resolve(ctx, l.db.Read(), []event.Event{e})
}
