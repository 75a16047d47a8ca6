package slo

import "math"

// follow takes a sample that simply goes on: it comes next, within the staleness of the one before, of a counter that
// did not fall, and no series of its target can be born by it. That is nearly every sample there is, and what place
// does comes down to one increment and the end of what is covered. false says that nothing was done.
func (s *Series) follow(x *Sample) bool {
	n := len(s.records)
	if n == 0 || s.Delta || s.Role == RoleNative || x.Stale || x.Seen != 0 && x.Seen != x.T {
		return false
	}
	last, g := &s.records[n-1], s.group
	gap := int64(x.T - last.t)
	switch {
	case last.marker, gap <= 0, gap > g.c.staleness, x.T < g.c.old:
		return false
	case x.Start > last.t && x.Start < x.T: // a reset
		return false
	case s.target != nil && x.T < s.target.maxFirst:
		return false
	case s.Role == RoleGauge:
		if math.IsNaN(x.V) || math.IsInf(x.V, 0) {
			return false
		}
	case !(x.V >= last.v && x.V <= math.MaxFloat64):
		return false
	}
	slot := x.T.Slot()
	if slot < g.first {
		return false
	}
	s.followIn(last, x, slot)
	s.records = append(s.records, record{t: x.T, start: x.Start, v: x.V})
	return true
}

// followIn counts a sample in its slot, and covers what it reaches beyond the one before (§3).
func (s *Series) followIn(last *record, x *Sample, slot int64) {
	g := s.group
	d := x.V - last.v
	if s.Role == RoleBucket && !s.totalSide && !s.chosen {
		d = 0
	}
	if s.totalSide {
		reach := Instant(g.c.staleness)
		for n := (last.t + reach).Slot() + 1; n <= (x.T + reach).Slot(); n++ {
			g.at(n).covers++
		}
	} else if d == 0 {
		return
	}
	c := g.at(slot)
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
