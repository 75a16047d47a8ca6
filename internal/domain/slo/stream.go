package slo

import (
	"math"
	"sync"
)

// stream turns stored slots into units, in order from any place: no-data policy (§4), corrections and slices (§5),
// parts of a composite (§7). Live evaluation, previews and back-tests all read counts through it.
type stream struct {
	plan  *Plan
	first int64 // first slot of the objective or group
	slots SlotReader
	fx    effects
	next  int64 // first slot of the next unit
	gaps  []gap // per part
	held  []heldSlice
}

// gap is what a missing slot of one part is taken for.
type gap struct {
	last       int64 // last sampled slot before the place; unknown where nobody has looked, never where there is none
	assumed    int64 // the `last` that total and bad were computed for
	total, bad float64
}

// heldSlice is the result of the latest slice that was judged on data.
type heldSlice struct {
	known bool
	bad   float64
}

const (
	unknown = math.MinInt64
	never   = math.MinInt64 + 1
	// endedAfter is the silence in slots after which a group has ended.
	endedAfter = dayMS / SlotMS
)

// newStream is a stream whose next unit begins at slot `from`, which must be a unit's begin.
func newStream(p *Plan, first int64, r SlotReader, fx effects, from int64) *stream {
	s := &stream{plan: p, first: first, slots: r, fx: fx, next: from}
	if p.looksBack() {
		s.gaps = make([]gap, len(p.parts))
		for i := range s.gaps {
			s.gaps[i] = gap{last: unknown, assumed: unknown}
		}
		s.held = make([]heldSlice, len(p.parts)+1)
	}
	return s
}

// looksBack says that what a slot counts as may depend on earlier ones.
func (p *Plan) looksBack() bool {
	if p.own.noData != Excluded {
		return true
	}
	for _, c := range p.parts {
		if c.noData != Excluded {
			return true
		}
	}
	return false
}

// lanes is how many rows of units a plan is summed in: one, or each part of an openslo composite.
func (p *Plan) lanes() int {
	if p.kind == OpenSLO {
		return len(p.parts)
	}
	return 1
}

var slotBuffers = sync.Pool{New: func() any { return new([]Slot) }}

// read fills into with the next units, lanes side by side: into[i*lanes+lane].
func (s *stream) read(into []Unit) error {
	p := s.plan
	lanes := p.lanes()
	n := int64(len(into)/lanes) * p.unitLen
	buf := slotBuffers.Get().(*[]Slot)
	defer slotBuffers.Put(buf)
	if int64(cap(*buf)) < n {
		*buf = make([]Slot, n)
	}
	raw := (*buf)[:n]
	clear(into)
	corrected := s.fx.touch(s.next, s.next+n)
	if p.kind == Pooled && p.sliced {
		if err := s.readPooledSlices(raw, into, corrected); err != nil {
			return err
		}
		s.next += n
		return nil
	}
	for c := range p.parts {
		if err := s.slots.ReadSlots(c, s.next, raw); err != nil {
			return err
		}
		lane := 0
		if lanes > 1 {
			lane = c
		}
		var err error
		if !p.sliced {
			err = s.slotUnits(c, raw, into[lane:], lanes, corrected)
		} else {
			err = s.sliceUnits(c, raw, into[lane:], lanes, corrected)
		}
		if err != nil {
			return err
		}
	}
	s.next += n
	return nil
}

// slotUnits adds a part's slots to units of one slot each.
func (s *stream) slotUnits(c int, raw []Slot, into []Unit, lanes int, corrected bool) error {
	weight := s.plan.parts[c].weight
	if s.plan.kind != Pooled {
		weight = 1
	}
	plain := s.gaps == nil && !corrected && s.next >= s.first
	for i := range raw {
		slot := &raw[i]
		n := s.next + int64(i)
		if plain && slot.ValidS > 0 && s.plan.kind == "" {
			into[i*lanes] = Unit{slot.Bad, slot.Total, float64(slot.ValidS)}
			continue
		}
		u, err := s.value(c, n, *slot)
		if err != nil {
			return err
		}
		if corrected {
			u = s.correct(n, u)
		}
		o := &into[i*lanes]
		o.Bad += weight * u.Bad
		o.Total += weight * u.Total
		o.ValidS = max(o.ValidS, u.ValidS)
	}
	return nil
}

func (s *stream) correct(n int64, u Unit) Unit {
	exclude, forgive := s.fx.on(n)
	switch {
	case exclude:
		return Unit{}
	case forgive:
		u.Bad = 0
	}
	return u
}

// value is what slot n of a part counts as, before corrections.
func (s *stream) value(c int, n int64, slot Slot) (Unit, error) {
	if n < s.first {
		return Unit{}, nil
	}
	if s.gaps != nil && slot.Sampled {
		s.gaps[c].last = n
	}
	if slot.Covered() {
		return Unit{slot.Bad, slot.Total, float64(slot.ValidS)}, nil
	}
	policy := s.plan.parts[c].noData
	if policy == Excluded {
		return Unit{}, nil
	}
	if err := s.assume(c, n); err != nil {
		return Unit{}, err
	}
	g := &s.gaps[c]
	if s.ended(c, n) {
		return Unit{}, nil
	}
	switch policy {
	case GoodData:
		return Unit{0, g.total, SlotS}, nil
	case BadData:
		return Unit{g.total, g.total, SlotS}, nil
	}
	return Unit{g.bad, g.total, SlotS}, nil
}

// ended says that a group has been silent for more than a day at slot n. Its gap must be known.
func (s *stream) ended(c int, n int64) bool {
	last := s.gaps[c].last
	return s.plan.parts[c].grouped && (last == never || n-last > endedAfter)
}

// assume makes sure that the gap of a part holds what missing slot n stands for (§4): means per covered slot over the
// 60 slots up to the last sampled one, or over 1,440 when these held fewer than 60 events.
func (s *stream) assume(c int, n int64) error {
	g := &s.gaps[c]
	if g.last == unknown {
		last, err := s.lastSampled(c, n)
		if err != nil {
			return err
		}
		g.last = last
	}
	if g.assumed == g.last {
		return nil
	}
	g.assumed, g.total, g.bad = g.last, 0, 0
	if g.last == never {
		return nil
	}
	for _, length := range []int64{60, endedAfter} {
		total, bad, events, err := s.mean(c, max(s.first, g.last-length+1), g.last+1)
		if err != nil {
			return err
		}
		g.total, g.bad = total, clamp(bad, total)
		if events >= 60-same {
			break
		}
	}
	return nil
}

// mean is the mean total and bad per covered slot over slots [from, to), and all events in them.
func (s *stream) mean(c int, from, to int64) (total, bad, events float64, err error) {
	if from >= to {
		return 0, 0, 0, nil
	}
	raw := make([]Slot, to-from)
	if err := s.slots.ReadSlots(c, from, raw); err != nil {
		return 0, 0, 0, err
	}
	var totals, bads exactSum
	covered := 0.0
	for _, slot := range raw {
		if slot.Covered() {
			covered += float64(slot.ValidS) / SlotS
			totals.add(slot.Total)
			bads.add(slot.Bad)
		}
	}
	if covered == 0 {
		return 0, 0, 0, nil
	}
	return totals.value() / covered, bads.value() / covered, totals.value(), nil
}

// lastSampled looks back from slot n for a sampled one.
func (s *stream) lastSampled(c int, n int64) (int64, error) {
	raw := make([]Slot, 256)
	for n > s.first {
		from := max(s.first, n-int64(len(raw)))
		part := raw[:n-from]
		if err := s.slots.ReadSlots(c, from, part); err != nil {
			return 0, err
		}
		for i := len(part) - 1; i >= 0; i-- {
			if part[i].Sampled {
				return from + int64(i), nil
			}
		}
		n = from
	}
	return never, nil
}
