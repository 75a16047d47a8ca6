// Package count keeps what objectives counted: bad and total events and valid seconds, per objective, group and slot of
// 60 s, for more than a year, small. It knows nothing of targets, policies or alerts; those are arithmetic over it.
//
// A round of the evaluator is one small row for all objectives together; Fold moves rounds into chunks of six hours per
// subject, compressed by columns; Settle replaces minutes that grew old by sums of fifteen.
package count

import (
	"cmp"
	"slices"
)

// Key names what is counted.
type Key struct {
	SLO     string // the objective's name
	Version int    // of its indicator, from 1: a changed indicator counts anew, what was before stays
	Part    string // member of a composite; "" otherwise
	Group   string // canonical text of the group's labels; "" otherwise
}

// ID is a subject's number in the store, from 1.
type ID int64

// Row is what one slot, or once settled fifteen of them, counted.
type Row struct {
	Slot    int64   // first slot: minutes since the Unix epoch
	Len     int     // slots in it, 1 or 15; 0 is read as 1
	Bad     float64 // events; negative where a good counter was read ahead of its total
	Total   float64 // events, >= 0
	ValidS  int     // seconds that count, 0..60 Len; of a row that is not settled 0 says that nobody knows
	Sampled bool    // a series that counts towards Total had a sample in it
	Settled bool    // the no-data policy has been applied for good; the row no longer changes
}

// End is the slot after the row.
func (r Row) End() int64 { return r.Slot + int64(max(r.Len, 1)) }

// state packs the two flags for the codecs.
func (r Row) state() uint64 {
	var n uint64
	if r.Sampled {
		n |= 1
	}
	if r.Settled {
		n |= 2
	}
	return n
}

// Sum is the sum of rows.
type Sum struct {
	Bad, Total float64
	ValidS     int64
	Slots      int64 // slots that have a row at all
}

// Add adds a row.
func (s *Sum) Add(r Row) {
	s.Bad += r.Bad
	s.Total += r.Total
	s.ValidS += int64(r.ValidS)
	s.Slots += r.End() - r.Slot
}

func (s *Sum) merge(o Sum) {
	s.Bad += o.Bad
	s.Total += o.Total
	s.ValidS += o.ValidS
	s.Slots += o.Slots
}

// Entry is one row of one subject.
type Entry struct {
	ID ID
	Row
}

// chunkSlots is how many slots a chunk of minutes spans, aligned to the epoch: six hours.
const chunkSlots = 360

// Coarse is how many slots a row of old counts sums.
const Coarse = 15

func floorTo(n, step int64) int64 {
	r := n % step
	if r < 0 {
		r += step
	}
	return n - r
}

// overlay puts rows over base, both sorted and free of overlaps within themselves: a row of over replaces the row of base
// that begins at the same slot. A row laid over a settled one is dropped, unless it is settled itself.
func overlay(base, over []Row) []Row {
	if len(over) == 0 {
		return base
	}
	out := make([]Row, 0, len(base)+len(over))
	i := 0
	for _, r := range over {
		for i < len(base) && base[i].End() <= r.Slot {
			out = append(out, base[i])
			i++
		}
		switch {
		case i < len(base) && base[i].Slot <= r.Slot && base[i].Settled && !r.Settled:
			continue
		case i < len(base) && base[i].Slot == r.Slot:
			i++
		}
		out = append(out, r)
	}
	return append(out, base[i:]...)
}

// put inserts or replaces one row in a sorted slice.
func put(rows []Row, r Row) []Row {
	if n := len(rows); n == 0 || rows[n-1].Slot < r.Slot {
		return append(rows, r)
	}
	i, found := slices.BinarySearchFunc(rows, r.Slot, func(x Row, slot int64) int { return cmp.Compare(x.Slot, slot) })
	if found {
		rows[i] = r
		return rows
	}
	return slices.Insert(rows, i, r)
}

// within cuts sorted rows to those that begin in [from, to).
func within(rows []Row, from, to int64) []Row {
	at := func(slot int64) int {
		i, _ := slices.BinarySearchFunc(rows, slot, func(x Row, slot int64) int { return cmp.Compare(x.Slot, slot) })
		return i
	}
	return rows[at(from):max(at(from), at(to))]
}
