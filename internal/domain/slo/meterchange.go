package slo

import (
	"slices"
)

// Changed tells the meter that slots it may have summed differ from what they were. The SlotReader must give the new
// ones already.
func (m *Meter) Changed(changes []Change) error {
	if m.stale || m.now == 0 {
		return nil
	}
	begin := m.budget.begin
	for _, w := range m.windows {
		begin = min(begin, w.begin)
	}
	m.thinly.ready = false
	local := len(changes) <= 64 && !m.plan.holds()
	for _, c := range changes {
		if c.N >= m.end && !m.plan.looksBack() {
			continue
		}
		if !local || m.plan.looksBack() && m.missed > c.N || c.N >= m.end {
			m.stale = true
			return nil
		}
	}
	return m.exchange(changes, begin)
}

// holds says that a unit may repeat the result of an earlier slice.
func (p *Plan) holds() bool { return p.sliced && p.looksBack() }

// exchange replaces the units of changed slots in every window.
func (m *Meter) exchange(changes []Change, begin int64) error {
	lanes := m.plan.lanes()
	units := map[int64]bool{}
	for _, c := range changes {
		u := floorTo(c.N, m.plan.unitLen)
		if u < begin || u >= m.end || u < m.first || units[u] {
			continue
		}
		units[u] = true
		before, after := make([]Unit, lanes), make([]Unit, lanes)
		old := m.newest.again(u)
		old.slots = overlay{m.slots, changes}
		if err := old.read(before); err != nil {
			return err
		}
		if err := m.newest.again(u).read(after); err != nil {
			return err
		}
		m.budget.replace(m.plan, u, before, after)
		for i := range m.windows {
			m.windows[i].replace(m.plan, u, before, after)
		}
	}
	if !m.plan.looksBack() {
		return nil
	}
	// What the streams know about the slots behind them may have changed as well.
	m.newest = m.newest.again(m.end)
	m.budget.unread()
	for i := range m.windows {
		m.windows[i].unread()
	}
	for _, c := range changes {
		if !c.After.Sampled {
			m.missed = max(m.missed, c.N)
		}
	}
	return nil
}

// overlay is a SlotReader as it was before changes.
type overlay struct {
	SlotReader
	changes []Change
}

func (o overlay) ReadSlots(part int, from int64, into []Slot) error {
	if err := o.SlotReader.ReadSlots(part, from, into); err != nil {
		return err
	}
	// Backwards, so that of several changes of a slot the first one's Before stands.
	for _, c := range slices.Backward(o.changes) {
		if i := c.N - from; c.Part == part && i >= 0 && i < int64(len(into)) {
			into[i] = c.Before
		}
	}
	return nil
}
