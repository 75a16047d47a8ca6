package slo

// sliceUnits judges a part's slices (§5) and joins them into units: of a composite of slices a unit is bad when any
// part's is and counts when any part's does.
func (s *stream) sliceUnits(c int, raw []Slot, into []Unit, lanes int, corrected bool) error {
	length := int(s.plan.unitLen)
	for i := 0; i*length < len(raw); i++ {
		begin := s.next + int64(i*length)
		if begin < s.first {
			continue
		}
		u, err := s.judge(c, s.plan.parts[c], begin, raw[i*length:(i+1)*length], corrected)
		if err != nil {
			return err
		}
		o := &into[i*lanes]
		o.Bad = max(o.Bad, u.Bad)
		o.Total = max(o.Total, u.Total)
		o.ValidS = max(o.ValidS, u.ValidS)
	}
	return nil
}

// readPooledSlices judges slices of events that were pooled slot by slot.
func (s *stream) readPooledSlices(raw []Slot, into []Unit, corrected bool) error {
	pooled := make([]Unit, len(raw))
	for c := range s.plan.parts {
		if err := s.slots.ReadSlots(c, s.next, raw); err != nil {
			return err
		}
		if err := s.slotUnits(c, raw, pooled, 1, false); err != nil {
			return err
		}
	}
	for i, u := range pooled {
		raw[i] = Slot{Bad: u.Bad, Total: u.Total, ValidS: int32(u.ValidS), Sampled: u.ValidS > 0}
	}
	length := int(s.plan.unitLen)
	for i := range into {
		begin := s.next + int64(i*length)
		if begin < s.first {
			continue
		}
		var err error
		into[i], err = s.judge(len(s.plan.parts), s.plan.own, begin, raw[i*length:(i+1)*length], corrected)
		if err != nil {
			return err
		}
	}
	return nil
}

// judge makes a unit of the slots of one slice: masked, judged on data, or what the no-data policy says.
func (s *stream) judge(c int, p part, begin int64, raw []Slot, corrected bool) (Unit, error) {
	slice := s.weigh(c, begin, raw, corrected)
	valid := float64(s.plan.unit) / 1000
	switch {
	case slice.settled:
		return slice.Unit, nil
	case slice.kept == 0:
		return Unit{}, nil
	case slice.covered > 0:
		bad := s.plan.verdict(p, clamp(slice.Bad, slice.Total), slice.Total)
		if s.held != nil {
			s.held[c] = heldSlice{true, bad}
		}
		return Unit{bad, 1, valid}, nil
	case p.noData == Excluded:
		return Unit{}, nil
	}
	if c < len(s.plan.parts) && p.grouped {
		if err := s.assume(c, begin); err != nil || s.ended(c, begin) {
			return Unit{}, err
		}
	}
	switch p.noData {
	case GoodData:
		return Unit{0, 1, valid}, nil
	case BadData:
		return Unit{1, 1, valid}, nil
	}
	if err := s.findHeld(c, p, begin); err != nil {
		return Unit{}, err
	}
	return Unit{s.held[c].bad, 1, valid}, nil
}

// verdict is how bad a slice with bad of total events is: 0 or 1, or their ratio.
func (p *Plan) verdict(c part, bad, total float64) float64 {
	switch {
	case total == 0:
		return 0
	case p.Objective.Method == RatioTimeslices:
		return bad / total
	case above(bad, c.slack*total):
		return 1
	}
	return 0
}

// slice is the sums over the slots of one slice.
type slice struct {
	Unit
	kept    int // slots that no correction excludes
	covered int // kept ones with knowledge
	settled bool
}

func (s *stream) weigh(c int, begin int64, raw []Slot, corrected bool) slice {
	var out slice
	var bad, total exactSum
	for i, slot := range raw {
		n := begin + int64(i)
		if slot.Sampled && s.gaps != nil && c < len(s.gaps) {
			s.gaps[c].last = n
		}
		exclude, forgive := false, false
		if corrected {
			exclude, forgive = s.fx.on(n)
		}
		out.settled = out.settled || slot.Settled
		if exclude {
			continue
		}
		out.kept++
		if !slot.Covered() {
			continue
		}
		out.covered++
		total.add(slot.Total)
		out.ValidS += float64(slot.ValidS)
		if !forgive {
			bad.add(slot.Bad)
		}
	}
	out.Bad, out.Total = bad.value(), total.value()
	return out
}

// findHeld looks back for the latest slice before begin that was judged on data.
func (s *stream) findHeld(c int, p part, begin int64) error {
	if s.held[c].known {
		return nil
	}
	s.held[c].known = true
	back := &stream{plan: s.plan, first: s.first, slots: s.slots, fx: s.fx, gaps: nil, held: nil}
	length := s.plan.unitLen
	raw := make([]Slot, length)
	first := ceilTo(s.first, length)
	for begin -= length; begin >= first; begin -= length {
		if err := back.fillSlice(c, begin, raw); err != nil {
			return err
		}
		slice := back.weigh(c, begin, raw, s.fx.touch(begin, begin+length))
		if slice.covered > 0 && !slice.settled {
			s.held[c].bad = s.plan.verdict(p, clamp(slice.Bad, slice.Total), slice.Total)
			return nil
		}
	}
	return nil
}

// fillSlice reads the slots of one slice of a part, or of the pool of all parts.
func (s *stream) fillSlice(c int, begin int64, raw []Slot) error {
	if c < len(s.plan.parts) {
		return s.slots.ReadSlots(c, begin, raw)
	}
	pooled := make([]Slot, len(raw))
	for i, p := range s.plan.parts {
		if err := s.slots.ReadSlots(i, begin, raw); err != nil {
			return err
		}
		for j, slot := range raw {
			pooled[j].Bad += p.weight * slot.Bad
			pooled[j].Total += p.weight * slot.Total
			pooled[j].ValidS = max(pooled[j].ValidS, slot.ValidS)
		}
	}
	copy(raw, pooled)
	return nil
}
