package slo

import "math"

// follow takes samples off the head of a run that simply go on: each comes next, within the staleness of the one before,
// of a counter that did not fall, and no series of its target can be born by it. That is nearly every sample there is,
// and what place does comes down to one increment and the end of what is covered. It returns how many it took; the one
// after them, if any, is for place.
func (s *Series) follow(run []Sample) int {
	n := len(s.records)
	if n == 0 || s.Delta || s.Role == RoleNative || s.records[n-1].marker() {
		return 0
	}
	g, last := s.group, s.records[n-1]
	oldest := g.c.old
	if s.target != nil {
		oldest = max(oldest, s.target.maxFirst)
	}
	oldest = max(oldest, SlotStart(g.first))
	for i := range run {
		x := &run[i]
		gap := int64(x.T - last.t)
		switch {
		case gap <= 0 || gap > g.c.staleness || x.T < oldest || x.Stale || x.Seen != 0 && x.Seen != x.T:
			return i
		case x.Start > last.t && x.Start < x.T: // a reset
			return i
		case s.Role == RoleGauge:
			if math.IsNaN(x.V) || math.IsInf(x.V, 0) {
				return i
			}
		case !(x.V >= last.v && x.V <= math.MaxFloat64):
			return i
		}
		s.followIn(&last, x)
		r := record{t: x.T, v: x.V}
		if x.Start != 0 {
			if r.more = last.more; r.more == nil || r.more.start != x.Start || r.more.hist != nil {
				r.more = &extra{start: x.Start}
			}
		}
		s.records = append(s.records, r)
		last = r
	}
	return len(run)
}

// followIn counts a sample in its slot, and covers what it reaches beyond the one before (§3).
func (s *Series) followIn(last *record, x *Sample) {
	g := s.group
	d := x.V - last.v
	if s.Role == RoleBucket && !s.totalSide && !s.chosen {
		d = 0
	}
	if s.totalSide {
		reach := Instant(g.c.staleness)
		for n := (last.t + reach).Slot() + 1; SlotStart(n) <= x.T+reach; n++ {
			g.at(n).covers++
		}
	} else if d == 0 {
		return
	}
	c := g.at(x.T.Slot())
	if s.totalSide {
		c.covers++
		c.samples++
	}
	switch {
	case s.Role == RoleGauge:
		s.judge(c, x.V, 1)
	case d != 0:
		s.bookIn(c, s.Role, s.Factor*d)
		if s.Also != 0 {
			s.bookIn(c, s.Also, s.AlsoFactor*d)
		}
	}
}
