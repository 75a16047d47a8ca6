package count

import (
	"context"
	"fmt"
	"slices"

	"evenkeel.dev/evenkeel/internal/store/db"
)

// pending is a copy of the rows that begin in [from, to) and lie in no chunk yet.
func (s *Store) pending(id ID, from, to int64) []Row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(within(s.tail[id], from, to))
}

// recent is the row of a slot where it lies in no chunk yet, and the subject's generation.
func (s *Store) recent(id ID, slot int64) (Row, bool, uint32) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	tail := s.tail[id]
	if len(tail) == 0 || slot < tail[0].Slot || slot > tail[len(tail)-1].Slot {
		return Row{}, false, s.gens[id]
	}
	at := within(tail, slot, slot+1)
	if len(at) == 0 {
		return Row{}, false, s.gens[id]
	}
	return at[0], true, s.gens[id]
}

// Generations tells by subject whether rows changed that were there before: while its number stays, all that a reader
// found still holds, and rows only come after them.
func (s *Store) Generations(ids []ID) []uint32 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]uint32, len(ids))
	for i, id := range ids {
		out[i] = s.gens[id]
	}
	return out
}

// chunk is one stored piece of a subject.
type chunk struct {
	first, until int64
	sum          Sum
	body         []byte
}

// chunks reads the pieces that touch [from, to), in order.
func chunks(ctx context.Context, q db.Q, id ID, from, to int64, visit func(chunk) error) error {
	rows, err := q.QueryContext(ctx, `SELECT first, until, bad, total, valid_s, slots, body FROM count_chunk
		WHERE subject = $1 AND first < $2 AND first > $3 AND until > $4 ORDER BY first`,
		int64(id), to, from-chunkSlots, from)
	if err != nil {
		return fmt.Errorf("read counts of subject %d: %w", id, err)
	}
	defer rows.Close()
	for rows.Next() {
		var c chunk
		if err := rows.Scan(&c.first, &c.until, &c.sum.Bad, &c.sum.Total, &c.sum.ValidS, &c.sum.Slots, &c.body); err != nil {
			return fmt.Errorf("read counts of subject %d: %w", id, err)
		}
		if err := visit(c); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Rows visits the rows of a subject that begin in [from, to), in order; slots without a row are not visited. Settled
// rows come as they are: a range whose edges are multiples of fifteen slots cuts none of them.
func (s *Store) Rows(ctx context.Context, id ID, from, to int64, visit func(Row) error) error {
	tail := s.pending(id, from, to)
	emit := func(rows []Row) error {
		for _, r := range rows {
			if err := visit(r); err != nil {
				return err
			}
		}
		return nil
	}
	err := chunks(ctx, s.db.Read(), id, from, to, func(c chunk) error {
		n := len(within(tail, from, c.until))
		over := tail[:n]
		if tail = tail[n:]; n == 0 {
			return eachRow(id, c, from, to, visit)
		}
		rows, err := unpack(c.first, c.body)
		if err != nil {
			return fmt.Errorf("read counts of subject %d from slot %d: %w", id, c.first, err)
		}
		return emit(within(overlay(rows, over), from, to))
	})
	if err != nil {
		return err
	}
	return emit(tail)
}

// eachRow visits the rows of a chunk that begin in [from, to).
func eachRow(id ID, c chunk, from, to int64, visit func(Row) error) error {
	it, err := decode(c.first, c.body)
	for err == nil {
		var r Row
		var ok bool
		if r, ok, err = it.next(); err != nil || !ok || r.Slot >= to {
			break
		}
		if r.Slot < from {
			continue
		}
		if err := visit(r); err != nil {
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("read counts of subject %d from slot %d: %w", id, c.first, err)
	}
	return nil
}

// Sum adds up the rows that begin in [from, to): whole chunks by their stored sums, the rest row by row.
func (s *Store) Sum(ctx context.Context, id ID, from, to int64) (Sum, error) {
	tail := s.pending(id, from, to)
	var out Sum
	err := chunks(ctx, s.db.Read(), id, from, to, func(c chunk) error {
		n := len(within(tail, from, c.until))
		over := tail[:n]
		tail = tail[n:]
		if len(over) == 0 && c.first >= from && c.until <= to {
			out.merge(c.sum)
			return nil
		}
		rows, err := unpack(c.first, c.body)
		if err != nil {
			return fmt.Errorf("read counts of subject %d from slot %d: %w", id, c.first, err)
		}
		for _, r := range within(overlay(rows, over), from, to) {
			out.Add(r)
		}
		return nil
	})
	for _, r := range tail {
		out.Add(r)
	}
	return out, err
}

// Extent is the first slot of a subject and the slot after its last; ok is false where it has no rows.
func (s *Store) Extent(ctx context.Context, id ID) (from, to int64, ok bool, err error) {
	s.mu.RLock()
	tail := s.tail[id]
	if len(tail) > 0 {
		from, to, ok = tail[0].Slot, tail[len(tail)-1].End(), true
	}
	s.mu.RUnlock()
	rows, err := s.db.Read().QueryContext(ctx, `SELECT MIN(first), MAX(first) FROM count_chunk WHERE subject = $1 HAVING COUNT(*) > 0`, int64(id))
	if err != nil {
		return 0, 0, false, fmt.Errorf("read extent of subject %d: %w", id, err)
	}
	var low, high int64
	stored := rows.Next()
	if stored {
		err = rows.Scan(&low, &high)
	}
	if err = firstOf(err, rows.Err(), rows.Close()); err != nil || !stored {
		return from, to, ok, err
	}
	for _, at := range []int64{low, high} {
		err := chunks(ctx, s.db.Read(), id, at, at+1, func(c chunk) error {
			rows, err := unpack(c.first, c.body)
			if err != nil || len(rows) == 0 {
				return err
			}
			if first, last := rows[0].Slot, rows[len(rows)-1].End(); !ok {
				from, to, ok = first, last, true
			} else {
				from, to = min(from, first), max(to, last)
			}
			return nil
		})
		if err != nil {
			return 0, 0, false, err
		}
	}
	return from, to, ok, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
