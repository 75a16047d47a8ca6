package count

import (
	"context"
	"fmt"

	"evenkeel.dev/evenkeel/internal/store/db"
)

// MinuteDays is for how long minutes are kept, Days for how long anything is.
const (
	MinuteDays = 95
	Days       = 400
)

// Settle sums the minutes of a subject that ended before a slot into rows of fifteen, and settles the rest. policy is
// called with a chunk's rows, minutes that are not settled yet, and returns them with the no-data policy applied: what
// telemetry can say about them, it has said. A quarter of an hour stays in minutes where one of edges lies inside it (a
// new target, a correction's end) or where it has a hole, so that every window that begins and ends on a quarter hour
// has the same answer before and after.
func (s *Store) Settle(ctx context.Context, id ID, before int64, edges []int64, policy func([]Row) ([]Row, error)) error {
	kept := map[int64]bool{}
	for _, e := range edges {
		if block := floorTo(e, Coarse); block != e {
			kept[block] = true
		}
	}
	var firsts []int64
	err := chunks(ctx, s.db.Read(), id, minSlot, floorTo(before, chunkSlots), func(c chunk) error {
		it, err := decode(c.first, c.body)
		if err != nil {
			return fmt.Errorf("read counts of subject %d from slot %d: %w", id, c.first, err)
		}
		if r, ok, _ := it.next(); ok && !r.Settled {
			firsts = append(firsts, c.first)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, first := range firsts {
		rows, err := load(ctx, s.db.Read(), id, first)
		if err != nil {
			return err
		}
		if rows, err = policy(rows); err != nil {
			return err
		}
		err = s.db.Write(ctx, func(ctx context.Context, q db.Q) error { return write(ctx, q, id, first, coarsen(rows, kept)) })
		if err != nil {
			return fmt.Errorf("settle counts of subject %d: %w", id, err)
		}
	}
	s.mu.Lock()
	s.gens[id]++
	s.mu.Unlock()
	return nil
}

func coarsen(rows []Row, kept map[int64]bool) []Row {
	out := make([]Row, 0, len(rows)/Coarse+Coarse)
	for i := 0; i < len(rows); {
		block := floorTo(rows[i].Slot, Coarse)
		n := len(within(rows[i:], block, block+Coarse))
		sum := Row{Slot: block, Len: Coarse, Settled: true}
		for _, r := range rows[i : i+n] {
			if n != Coarse || kept[block] {
				r.Settled = true
				out = append(out, r)
			}
			sum.Bad += r.Bad
			sum.Total += r.Total
			sum.ValidS += r.ValidS
		}
		if n == Coarse && !kept[block] {
			out = append(out, sum)
		}
		i += n
	}
	return out
}

// Expire deletes what ended before a slot, for all subjects.
func (s *Store) Expire(ctx context.Context, before int64) error {
	err := s.db.Write(ctx, func(ctx context.Context, q db.Q) error {
		_, err := q.ExecContext(ctx, `DELETE FROM count_chunk WHERE first < $1 AND until <= $2`, before, before)
		return err
	})
	if err != nil {
		return fmt.Errorf("expire counts: %w", err)
	}
	return nil
}

// Size is what the counts take on disk: bytes of chunks and of rounds not folded yet, and slots they hold.
func (s *Store) Size(ctx context.Context) (bytes, slots int64, err error) {
	err = s.db.Read().QueryRowContext(ctx, `SELECT (SELECT COALESCE(SUM(LENGTH(body)), 0) FROM count_chunk) +
		(SELECT COALESCE(SUM(LENGTH(body)), 0) FROM count_round), (SELECT COALESCE(SUM(slots), 0) FROM count_chunk)`).Scan(&bytes, &slots)
	if err != nil {
		return 0, 0, fmt.Errorf("measure counts: %w", err)
	}
	return bytes, slots, nil
}
