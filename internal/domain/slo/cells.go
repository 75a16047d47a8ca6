package slo

import (
	"math"
	"slices"
	"time"
)

// begin makes sure the group has a first slot: a group starts at the slot of its first sample.
func (g *Group) begin(t Instant) {
	g.started = true
	if len(g.c.groupBy) == 0 {
		return
	}
	n := max(g.c.first, t.Slot())
	if n >= g.first {
		return
	}
	if g.first == math.MaxInt64 {
		g.base, g.whole = n, n
		g.first = n
		return
	}
	// An earlier sample arrived late. What earlier placements gave to slots before the old begin was dropped, so all is
	// counted anew.
	g.refound(n)
}

// refound moves the group's begin back and counts everything that is known again.
func (g *Group) refound(n int64) {
	var mine []*Series
	for s := range g.c.series {
		if s.group == g {
			mine = append(mine, s)
		}
	}
	each := func(sign float64) {
		for _, s := range mine {
			for i := range s.records {
				s.cover(i, int32(sign))
				if !s.records[i].marker() {
					s.count(i, sign)
				}
			}
		}
	}
	each(-1)
	g.first, g.whole = n, min(g.whole, n)
	each(1)
}

// at is the cell of slot n, which is at or after the first, marked as changed.
func (g *Group) at(n int64) *cell {
	if len(g.cells) == 0 && g.c.keep > 0 && n > g.base {
		g.base = n
	}
	if n < g.base {
		g.cells = slices.Insert(g.cells, 0, make([]cell, g.base-n)...)
		g.base = n
	}
	for n >= g.base+int64(len(g.cells)) {
		g.cells = append(g.cells, cell{})
	}
	c := &g.cells[n-g.base]
	if !c.dirty {
		c.dirty = true
		g.dirty = append(g.dirty, n)
	}
	return c
}

// cover adds reasons why slots from..to are covered, and samples to the first.
func (g *Group) cover(from, to int64, reasons, samples int32) {
	for n := max(from, g.first); n <= to; n++ {
		c := g.at(n)
		c.covers += reasons
		if n == from {
			c.samples += samples
		}
	}
}

func (c *cell) slot() Slot {
	s := Slot{Bad: c.bad.value(), Total: c.total.value(), Sampled: c.samples > 0}
	if c.covers > 0 {
		s.ValidS = SlotS
	}
	return s
}

// Counted is a slot that changed.
type Counted struct {
	N             int64 // slot number
	Before, After Slot
	// Patch: the slot is older than what the counter has seen. After minus Before is to be added to what is stored, and
	// the slot is covered if After is.
	Patch bool
}

// Drain gives the slots that changed since the last call, oldest first.
func (g *Group) Drain() []Counted {
	slices.Sort(g.dirty)
	out := make([]Counted, 0, len(g.dirty))
	for _, n := range g.dirty {
		if n < g.base {
			continue
		}
		c := &g.cells[n-g.base]
		c.dirty = false
		if after := c.slot(); after != c.told {
			out = append(out, Counted{n, c.told, after, n < g.whole})
			c.told = after
		}
	}
	g.dirty = g.dirty[:0]
	return out
}

// ReadSlots makes a group a SlotReader over what it holds; the part is ignored.
func (g *Group) ReadSlots(_ int, from int64, into []Slot) error {
	clear(into)
	for i := range into {
		if n := from + int64(i); n >= g.first && n >= g.base && n < g.base+int64(len(g.cells)) {
			into[i] = g.cells[n-g.base].slot()
		}
	}
	return nil
}

// Resume says that the slots before t are stored already: what was added so far only served to know where the series
// stand. Changes of those slots will come as patches.
func (c *Counter) Resume(t Instant) {
	for _, g := range c.groups {
		g.whole = max(g.whole, t.Slot())
		g.Drain()
		for i := range g.cells {
			if g.base+int64(i) >= g.whole {
				g.cells[i].told = Slot{}
				g.at(g.base + int64(i))
			}
		}
	}
}

// Prune forgets samples and slots that are older than what the counter keeps, measured from now. Drain first.
func (c *Counter) Prune(now Instant) {
	if c.keep == 0 {
		return
	}
	old := now - Instant(c.keep)
	c.old = max(c.old, old)
	for s := range c.series {
		s.prune(old)
	}
	for _, g := range c.groups {
		if cut := old.Slot() - g.base; cut > 0 && len(g.dirty) == 0 {
			g.cells = slices.Delete(g.cells, 0, int(min(cut, int64(len(g.cells)))))
			g.base += cut
			g.whole = max(g.whole, g.base)
		}
	}
}

// Compact gives back the room that a long stretch of samples took, after it has been pruned.
func (c *Counter) Compact() {
	for s := range c.series {
		s.records = slices.Clone(s.records)
	}
	for _, g := range c.groups {
		g.cells, g.dirty = slices.Clone(g.cells), slices.Clone(g.dirty)
	}
}

// prune keeps the last sample before `old` and what comes after it.
func (s *Series) prune(old Instant) {
	keep := -1
	for i := range s.records {
		if s.records[i].t >= old {
			break
		}
		if !s.records[i].marker() {
			keep = i
		}
	}
	if keep > 0 || keep == 0 && !s.pruned {
		s.records = append(s.records[:0], s.records[keep:]...)
		s.pruned = true
	}
}

// Last is the time of a series' latest record; 0 where it has none.
func (s *Series) Last() Instant {
	if len(s.records) == 0 {
		return 0
	}
	return s.records[len(s.records)-1].t
}

// Kept is the records that a series holds, oldest first, to be given to Add again after a restart, before Resume.
func (s *Series) Kept() []Sample {
	out := make([]Sample, len(s.records))
	for i, r := range s.records {
		out[i] = Sample{T: r.t, Start: r.start(), V: r.v, Hist: r.hist(), Stale: r.marker(), Seen: r.t}
	}
	return out
}

// Keep is how long samples are kept when nothing else is asked for: a scrape interval, staleness and some lateness.
const Keep = 15 * time.Minute

// Apply is the slot to store in place of the stored one.
func (c Counted) Apply(stored Slot) Slot {
	if !c.Patch {
		return c.After
	}
	stored.Bad += c.After.Bad - c.Before.Bad
	stored.Total += c.After.Total - c.Before.Total
	stored.ValidS = max(stored.ValidS, c.After.ValidS)
	stored.Sampled = stored.Sampled || c.After.Sampled
	return stored
}
