package slo

import (
	"slices"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Meter is the live evaluation of one objective, or of one of its groups: running sums of every window it needs and
// the states of its rules. A tick costs the newest unit, and one leaving unit a window, whatever the windows' lengths;
// slots stay with the SlotReader. It holds some 8 kB. Not safe for concurrent use.
type Meter struct {
	plan        *Plan
	first       int64 // first slot
	slots       SlotReader
	corrections []Correction

	now     Instant // last tick; 0 = not started
	end     int64   // slot up to which units are summed
	newest  *stream
	budget  trailing
	windows []trailing // one for each length, rising
	longs   []int      // windows of each rule
	shorts  []int
	thinly  thinly
	states  []AlertState
	missed  int64 // the latest slot read that nobody looked at
	stale   bool  // sums must be rebuilt before they are used
}

// DefaultBurns are the windows whose burn rates every objective keeps: those of the default pairs.
var DefaultBurns = []time.Duration{5 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 24 * time.Hour, 72 * time.Hour}

// Projection is the window whose burn rate tells when a budget will be exhausted (§6).
const Projection = 6 * time.Hour

// startChunk is how many units a starting meter reads at a time.
const startChunk = 512

// MaxCatchUp is how many ticks one Advance evaluates at most; older ones are passed over, as if nobody had looked.
const MaxCatchUp = 3 * 24 * 60

// NewMeter is the meter of an objective or group whose first slot is the first that begins at or after first.
func NewMeter(p *Plan, first Instant, r SlotReader, corrections []Correction) *Meter {
	m := &Meter{plan: p, first: first.SlotUp(), slots: r, corrections: corrections, states: make([]AlertState, len(p.Rules)), stale: true}
	var lengths []int64
	add := func(d time.Duration) { lengths = append(lengths, unitsUp(d, p.unit)) }
	for _, d := range DefaultBurns {
		add(d)
	}
	for _, r := range p.Rules {
		if !r.Trickle {
			add(r.Long)
		}
		add(r.Short)
	}
	slices.Sort(lengths)
	for _, n := range slices.Compact(lengths) {
		m.windows = append(m.windows, trailing{length: n})
	}
	for _, r := range p.Rules {
		m.longs = append(m.longs, m.window(r.Long))
		m.shorts = append(m.shorts, m.window(r.Short))
	}
	return m
}

// window is the index of the window of a length, -1 where it is not kept.
func (m *Meter) window(d time.Duration) int {
	n := unitsUp(d, m.plan.unit)
	return slices.IndexFunc(m.windows, func(w trailing) bool { return w.length == n })
}

// Start makes the meter ready at an instant, reading the slots of its windows once. States are those of its rules,
// by name, at that instant; rules without one are inactive.
func (m *Meter) Start(at Instant, states map[string]AlertState) error {
	m.now = Instant(floorTo(int64(at), SlotMS))
	for i, r := range m.plan.Rules {
		m.states[i] = states[r.Name]
	}
	return m.rebuild()
}

// Now is the last tick.
func (m *Meter) Now() Instant { return m.now }

// States is the states of the rules by name, to be kept over a restart.
func (m *Meter) States() map[string]AlertState {
	out := make(map[string]AlertState, len(m.states))
	for i, s := range m.states {
		if s.Firing {
			out[m.plan.Rules[i].Name] = s
		}
	}
	return out
}

// Firing says whether any rule of a severity fires.
func (m *Meter) Firing(severity string) bool {
	for i, s := range m.states {
		if s.Firing && m.plan.Rules[i].Severity == severity {
			return true
		}
	}
	return false
}

// Correct replaces the corrections; those in force now take effect at the next question or tick.
func (m *Meter) Correct(corrections []Correction) {
	m.corrections, m.stale = corrections, true
}

// Advance evaluates every tick after the last up to now and returns what changed, in order. The slots up to each tick
// must be in the SlotReader.
func (m *Meter) Advance(now Instant) ([]Transition, error) {
	if m.now == 0 {
		return nil, kit.Errorf(kit.Internal, "advance meter of %s: it was not started", m.plan.Objective.Name)
	}
	now = Instant(floorTo(int64(now), SlotMS))
	if behind := int64(now-m.now) / SlotMS; behind > MaxCatchUp {
		m.now, m.stale = now-MaxCatchUp*SlotMS, true
	}
	var out []Transition
	for tick := m.now + SlotMS; tick <= now; tick += SlotMS {
		if err := m.move(tick); err != nil {
			return out, err
		}
		view := &meterView{m: m}
		for i := range m.plan.Rules {
			if t, changed := step(&m.plan.Rules[i], i, &m.states[i], tick, view); changed {
				out = append(out, t)
			}
		}
		if view.err != nil {
			return out, view.err
		}
	}
	return out, nil
}

// move brings all sums to a tick.
func (m *Meter) move(tick Instant) error {
	if m.stale || m.knowledgeChanged(m.now, tick) {
		m.now = tick
		return m.rebuild()
	}
	m.now = tick
	p := m.plan
	unit := make([]Unit, p.lanes())
	end := floorTo(tick.Slot(), p.unitLen)
	for ; m.end+p.unitLen <= end; m.end += p.unitLen {
		m.newest.next = m.end
		if err := m.newest.read(unit); err != nil {
			m.stale = true
			return err
		}
		m.note(unit)
		m.budget.take(p, m.end, unit)
		for i := range m.windows {
			m.windows[i].take(p, m.end, unit)
		}
		if err := m.thinly.take(p, m.end, m.end+p.unitLen, unit); err != nil {
			m.stale = true
			return err
		}
	}
	return m.trim()
}

// note remembers where the latest slot is that may stand for a gap.
func (m *Meter) note(unit []Unit) {
	if m.newest.gaps == nil {
		return
	}
	for _, g := range m.newest.gaps {
		if g.last < m.end+m.plan.unitLen-1 {
			m.missed = m.end + m.plan.unitLen - 1
		}
	}
}

// trim drops what has left the windows.
func (m *Meter) trim() error {
	first := ceilTo(m.first, m.plan.unitLen)
	if err := m.trimTo(&m.budget, max(first, m.budgetBegin())); err != nil {
		return err
	}
	for i := range m.windows {
		w := &m.windows[i]
		if err := m.trimTo(w, max(first, m.end-w.length*m.plan.unitLen)); err != nil {
			return err
		}
	}
	return nil
}

func (m *Meter) trimTo(w *trailing, begin int64) error {
	if begin >= m.end { // a new period: nothing is left
		if w.begin != begin {
			w.reset(m.plan, begin, m.newest.again(begin))
		}
		return nil
	}
	if err := w.drop(m.plan, begin, m.end); err != nil {
		m.stale = true
		return err
	}
	return nil
}

func (m *Meter) budgetBegin() int64 {
	s := m.plan.span(m.now, SlotStart(m.first))
	return ceilTo(s.from.SlotUp(), m.plan.unitLen)
}

// knowledgeChanged says that a correction came into force or went in (from, to].
func (m *Meter) knowledgeChanged(from, to Instant) bool {
	for _, c := range m.corrections {
		if c.Seen > from && c.Seen <= to || c.Revoked > from && c.Revoked <= to {
			return true
		}
	}
	return false
}

// rebuild sums all windows anew from the slots, exactly as if every unit had been added and dropped.
func (m *Meter) rebuild() error {
	p := m.plan
	first := ceilTo(m.first, p.unitLen)
	m.end = max(first, floorTo(m.now.Slot(), p.unitLen))
	fx := effectsAt(m.corrections, m.now)
	base := newStream(p, m.first, m.slots, fx, first)
	begin := m.end
	place := func(w *trailing, from int64) {
		from = max(first, from)
		w.reset(p, from, base.again(from))
		begin = min(begin, from)
	}
	place(&m.budget, m.budgetBegin())
	for i := range m.windows {
		place(&m.windows[i], m.end-m.windows[i].length*p.unitLen)
	}
	m.thinly = thinly{}
	m.missed = unknown
	m.newest = base.again(begin)
	m.stale = true
	lanes := p.lanes()
	buf := make([]Unit, startChunk*lanes)
	for at := begin; at < m.end; {
		n := int(min(startChunk, (m.end-at)/p.unitLen))
		if err := m.newest.read(buf[:n*lanes]); err != nil {
			return err
		}
		m.budget.takeAll(p, at, buf[:n*lanes])
		for j := range m.windows {
			m.windows[j].takeAll(p, at, buf[:n*lanes])
		}
		at += int64(n) * p.unitLen
	}
	if m.newest.gaps != nil {
		m.missed = m.end // on the safe side: a change before it rebuilds
	}
	m.stale = false
	return nil
}

// Budget is the budget at the last tick (§6). The error is a SlotReader's.
func (m *Meter) Budget() (Budget, error) {
	if m.stale {
		if err := m.rebuild(); err != nil {
			return Budget{}, err
		}
	}
	p := m.plan
	lanes := make([]laneBudget, p.lanes())
	projection := &m.windows[m.window(Projection)]
	for l := range lanes {
		vs := p.laneVersions(l)
		lanes[l] = laneBudget{newSums(m.budget.lanes[l].sums(vs)), newSums(projection.lanes[l].sums(vs)).Burn}
	}
	b := p.budget(m.now, m.now, p.span(m.now, SlotStart(m.first)), lanes)
	for _, w := range DefaultBurns {
		b.Burns = append(b.Burns, Burn{w, m.windows[m.window(w)].sums(p)})
	}
	return b, nil
}

// Window is the sums of a trailing window that ends at the last tick; ok is false for a length that is neither one of
// DefaultBurns nor a rule's.
func (m *Meter) Window(w time.Duration) (s Sums, ok bool) {
	i := m.window(w)
	if i < 0 || m.stale {
		return Sums{}, false
	}
	return m.windows[i].sums(m.plan), true
}
