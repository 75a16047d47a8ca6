package budget

import (
	"context"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/store/count"
)

// reader gives the arithmetic the stored slots of one group. It lives as long as the group's meter; ctx is that of the
// call the meter is in, set by the one goroutine that evaluates.
type reader struct {
	ctx     context.Context
	store   *count.Store
	cursors []*count.Cursor // one a part
	ids     []count.ID
}

func newReader(ctx context.Context, s *count.Store, ids []count.ID) *reader {
	r := &reader{ctx: ctx, store: s, ids: ids}
	for _, id := range ids {
		r.cursors = append(r.cursors, s.Cursor(id))
	}
	return r
}

// fewSlots is up to how many slots the remembered edges serve a reading; longer ones go through whole chunks.
const fewSlots = 64

// ReadSlots is slo.SlotReader.
func (r *reader) ReadSlots(part int, from int64, into []slo.Slot) error {
	clear(into)
	if part >= len(r.ids) {
		return nil
	}
	if len(into) > fewSlots {
		return r.store.Rows(r.ctx, r.ids[part], from-count.Coarse, from+int64(len(into)), func(row count.Row) error {
			lay(into, from, row)
			return nil
		})
	}
	for i := range into {
		row, ok, err := r.cursors[part].At(r.ctx, from+int64(i))
		if err != nil {
			return err
		}
		if ok {
			lay(into[i:i+1], from+int64(i), row)
		}
	}
	return nil
}

// lay writes a row into the slots that begin at from. A row of several slots stands in its first; the others are settled
// and empty.
func lay(into []slo.Slot, from int64, row count.Row) {
	for n := max(row.Slot, from); n < min(row.End(), from+int64(len(into))); n++ {
		s := &into[n-from]
		*s = slo.Slot{Settled: row.Settled, Sampled: row.Sampled}
		if n == row.Slot {
			s.Bad, s.Total, s.ValidS = row.Bad, row.Total, int32(row.ValidS)
		}
	}
}

// rowOf is a slot as it is stored.
func rowOf(n int64, s slo.Slot) count.Row {
	return count.Row{Slot: n, Len: 1, Bad: s.Bad, Total: s.Total, ValidS: int(s.ValidS), Sampled: s.Sampled, Settled: s.Settled}
}
