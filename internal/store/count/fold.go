package count

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"evenkeel.dev/evenkeel/internal/store/db"
)

// foldBatch is how many subjects one transaction of Fold writes: short enough that a fact never waits behind it for long.
const foldBatch = 200

// Fold moves the rounds so far into chunks. It may be killed at any point and called again: writing a row twice changes
// nothing, and the rounds go last.
func (s *Store) Fold(ctx context.Context) error {
	s.mu.RLock()
	through := s.seq
	ids := make([]ID, 0, len(s.tail))
	for id := range s.tail {
		ids = append(ids, id)
	}
	s.mu.RUnlock()
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	for batch := range slices.Chunk(ids, foldBatch) {
		err := s.db.Write(ctx, func(ctx context.Context, q db.Q) error {
			for _, id := range batch {
				s.mu.RLock()
				rows := slices.Clone(s.tail[id])
				s.mu.RUnlock()
				if err := merge(ctx, q, id, rows); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("fold counts: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seq != through {
		return nil // a round came in between; the next fold takes both
	}
	err := s.db.Write(ctx, func(ctx context.Context, q db.Q) error {
		_, err := q.ExecContext(ctx, `DELETE FROM count_round WHERE seq <= $1`, through)
		return err
	})
	if err != nil {
		return fmt.Errorf("fold counts: %w", err)
	}
	for id := range s.amended {
		s.gens[id]++
	}
	clear(s.amended)
	clear(s.tail)
	s.folded = through
	return nil
}

// Fill stores any number of rows of one subject at once, sorted by slot: what a back-fill found. It replaces rows that are
// there. Rows reach the disk chunk by chunk, so a killed fill leaves a prefix.
func (s *Store) Fill(ctx context.Context, id ID, rows []Row) error {
	if len(s.pending(id, minSlot, maxSlot)) > 0 {
		if err := s.Fold(ctx); err != nil {
			return err
		}
	}
	const most = 30 * 1440
	for part := range slices.Chunk(rows, most) {
		err := s.db.Write(ctx, func(ctx context.Context, q db.Q) error { return merge(ctx, q, id, part) })
		s.mu.Lock()
		s.gens[id]++
		s.mu.Unlock()
		if err != nil {
			return fmt.Errorf("fill counts: %w", err)
		}
	}
	return nil
}

const (
	minSlot = -1 << 40
	maxSlot = 1 << 40
)

// merge lays rows over the chunks that hold their slots and writes those back.
func merge(ctx context.Context, q db.Q, id ID, rows []Row) error {
	for len(rows) > 0 {
		first := floorTo(rows[0].Slot, chunkSlots)
		n := len(within(rows, first, first+chunkSlots))
		stored, err := load(ctx, q, id, first)
		if err != nil {
			return err
		}
		if err := write(ctx, q, id, first, overlay(stored, rows[:n])); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// load is the rows of the chunk that begins at first, none where it does not exist.
func load(ctx context.Context, q db.Q, id ID, first int64) ([]Row, error) {
	var body []byte
	err := q.QueryRowContext(ctx, `SELECT body FROM count_chunk WHERE subject = $1 AND first = $2`, int64(id), first).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read counts of subject %d: %w", id, err)
	}
	rows, err := unpack(first, body)
	if err != nil {
		return nil, fmt.Errorf("read counts of subject %d from slot %d: %w", id, first, err)
	}
	return rows, nil
}

func write(ctx context.Context, q db.Q, id ID, first int64, rows []Row) error {
	var sum Sum
	for _, r := range rows {
		sum.Add(r)
	}
	_, err := q.ExecContext(ctx, `INSERT INTO count_chunk (subject, first, until, bad, total, valid_s, slots, body)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (subject, first) DO UPDATE SET until = excluded.until,
		bad = excluded.bad, total = excluded.total, valid_s = excluded.valid_s, slots = excluded.slots,
		body = excluded.body`, int64(id), first, rows[len(rows)-1].End(), sum.Bad, sum.Total, sum.ValidS, sum.Slots,
		encode(first, rows))
	return err
}
