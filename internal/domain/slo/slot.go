package slo

// Slot holds what was counted in one slot of 60 s, before the no-data policy and corrections. Counts are stored, never
// ratios (§1). The zero Slot is a missing one: nobody looked.
type Slot struct {
	Bad   float64 // events; may be negative or above Total where a good counter was read at another moment (§3)
	Total float64 // events, >= 0
	// ValidS is 60 for a covered slot and 0 for a missing one (§3). A settled slot may hold any length.
	ValidS int32
	// Sampled says that a total-side series has a sample in the slot; what a gap assumes is taken from the slots up to
	// the last sampled one (§4).
	Sampled bool
	// Settled marks counts to which the no-data policy has been applied for good: the sums of 15 min that outlive the
	// slots (§1). They stand in the first slot of their quarter, the others are settled and empty. Of a sliced
	// objective they hold units.
	Settled bool
}

// Covered says that the slot's counts are known.
func (s Slot) Covered() bool { return s.ValidS > 0 || s.Settled }

// Unit is what a budget is made of: a slot, or a slice of several (§5), after the no-data policy and corrections.
type Unit struct {
	Bad, Total float64 // events, or 0..1 for a slice
	ValidS     float64 // seconds that count
}

// SlotReader gives the stored slots of one objective and group.
type SlotReader interface {
	// ReadSlots fills into with the slots from, from+1, ... of a part (0 where the objective is no composite; else the
	// index in Composite.Parts). Slots that were never written are the zero Slot.
	ReadSlots(part int, from int64, into []Slot) error
}

// Slots is a SlotReader over memory: slots[part][i] is slot first+i. Slots outside are missing.
type Slots struct {
	First int64
	Parts [][]Slot
}

// ReadSlots fills into; it never fails.
func (s *Slots) ReadSlots(part int, from int64, into []Slot) error {
	clear(into)
	if part >= len(s.Parts) {
		return nil
	}
	have := s.Parts[part]
	lo, hi := max(from, s.First), min(from+int64(len(into)), s.First+int64(len(have)))
	if lo < hi {
		copy(into[lo-from:], have[lo-s.First:hi-s.First])
	}
	return nil
}

// Change says that a stored slot differs from what the budget was computed with: late samples, a bridged gap.
type Change struct {
	Part          int
	N             int64 // slot number
	Before, After Slot
}
