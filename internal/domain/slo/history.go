package slo

import (
	"math"
	"slices"
	"time"
)

// History is an objective's units over a stretch of time as known at one moment, with running sums: any window, budget
// or burn rate within it costs the same few operations. It serves questions about the past, charts, previews, proofs
// and back-tests; live evaluation keeps the same sums in a Meter.
type History struct {
	plan   *Plan
	known  Instant
	fx     effects
	origin int64 // first slot of the objective's or group's first unit
	first  int64 // first slot of the first unit held
	n      int   // units
	rows   []row // per lane
	peaks  map[int]*peak
}

// row is the running sums of one lane.
type row struct {
	bad, total prefix
	valid      []int32   // running seconds
	versions   []version // from is a unit's index
}

// historyChunk is how many units are read at a time.
const historyChunk = 4096

// NewHistory reads all complete units of an objective or group from its first slot (the first that begins at or after
// first) up to the instant `to`, as known at `known`. It takes about 20 bytes a unit.
func NewHistory(p *Plan, first, to Instant, r SlotReader, corrections []Correction, known Instant) (*History, error) {
	return NewHistorySince(p, first, first, to, r, corrections, known)
}

// NewHistorySince is NewHistory without the units that begin before an instant: windows that reach back beyond it are not
// to be asked for.
func NewHistorySince(p *Plan, first, since, to Instant, r SlotReader, corrections []Correction, known Instant) (*History, error) {
	origin := ceilTo(first.SlotUp(), p.unitLen)
	h := &History{plan: p, known: known, fx: effectsAt(corrections, known), origin: origin, first: max(origin, floorTo(since.Slot(), p.unitLen))}
	n := h.unitsTo(to)
	for l := range p.lanes() {
		h.rows = append(h.rows, newRow(n, h.unitVersions(p.laneVersions(l))))
	}
	if err := h.extend(n, newStream(p, first.SlotUp(), r, h.fx, h.first)); err != nil {
		return nil, err
	}
	return h, nil
}

// Extended is the history as known at a later moment, up to a later instant: the units so far and the new ones. The slots
// read before must be as they were; nil says that the corrections are not. h stays as it is, and shares its memory with
// the result; it may be extended once.
func (h *History) Extended(first, to Instant, r SlotReader, corrections []Correction, known Instant) (*History, error) {
	fx := effectsAt(corrections, known)
	if !slices.Equal(fx.spans, h.fx.spans) {
		return nil, nil
	}
	out := &History{plan: h.plan, known: known, fx: fx, origin: h.origin, first: h.first, n: h.n, rows: slices.Clone(h.rows)}
	if err := out.extend(h.unitsTo(to), newStream(h.plan, first.SlotUp(), r, fx, h.first+int64(h.n)*h.plan.unitLen)); err != nil {
		return nil, err
	}
	return out, nil
}

// unitsTo is how many units from the first one held have ended at an instant.
func (h *History) unitsTo(to Instant) int {
	return int(max(0, floorDiv(floorDiv(int64(to), SlotMS)-h.first, h.plan.unitLen)))
}

// extend reads units up to the n-th.
func (h *History) extend(n int, s *stream) error {
	lanes := len(h.rows)
	buf := make([]Unit, max(0, min(n-h.n, historyChunk))*lanes)
	for h.n < n {
		units := buf[:min(n-h.n, historyChunk)*lanes]
		if err := s.read(units); err != nil {
			return err
		}
		for l := range h.rows {
			h.rows[l].push(units[l:], lanes)
		}
		h.n += len(units) / lanes
	}
	return nil
}

func newRow(n int, versions []version) row {
	return row{newPrefix(n), newPrefix(n), append(make([]int32, 0, n+1), 0), versions}
}

// push appends every stride-th unit.
func (r *row) push(units []Unit, stride int) {
	for i := 0; i < len(units); i += stride {
		u := &units[i]
		r.bad.push(u.Bad)
		r.total.push(u.Total)
		r.valid = append(r.valid, r.valid[len(r.valid)-1]+int32(u.ValidS))
	}
}

func (p *Plan) laneVersions(lane int) []version {
	if p.kind == OpenSLO {
		return p.parts[lane].versions
	}
	return p.versions
}

// unitVersions is versions by the index of the first unit that begins at or after them.
func (h *History) unitVersions(vs []version) []version {
	out := make([]version, len(vs))
	for i, v := range vs {
		out[i] = version{-floorDiv(-(v.from - h.first), h.plan.unitLen), v.cost}
	}
	return out
}

// First is when the objective's or group's first unit begins; End when the last one held ends.
func (h *History) First() Instant { return SlotStart(h.origin) }
func (h *History) End() Instant   { return SlotStart(h.first + int64(h.n)*h.plan.unitLen) }

// Known is the moment whose knowledge the history holds.
func (h *History) Known() Instant { return h.known }

// index is the unit that begins at or after t, as an index 0..n.
func (h *History) index(t Instant) int {
	i := -floorDiv(-(int64(t) - h.first*SlotMS), h.plan.unit)
	return int(max(0, min(int64(h.n), i)))
}

// endIndex is the number of units that have ended at t.
func (h *History) endIndex(t Instant) int {
	i := floorDiv(int64(t)-h.first*SlotMS, h.plan.unit)
	return int(max(0, min(int64(h.n), i)))
}

// Between is the sums over the whole units inside [from, to).
func (h *History) Between(from, to Instant) Sums {
	return h.sums(h.index(from), h.endIndex(to))
}

// Raw is the sums over the whole units inside [from, to) as they are: bad is not clamped.
func (h *History) Raw(from, to Instant) (bad, total, allowed, validS float64) {
	i, j := h.index(from), h.endIndex(to)
	if i >= j {
		return 0, 0, 0, 0
	}
	for l := range h.rows {
		b, t, a, v := h.rows[l].between(i, j)
		bad, total, allowed, validS = bad+b, total+t, allowed+a, max(validS, v)
	}
	return bad, total, allowed, validS
}

// Burn is the sums of the window of length w, rounded up to whole units, that ends at t.
func (h *History) Burn(t Instant, w time.Duration) Sums {
	j := h.endIndex(t)
	return h.sums(j-int(unitsUp(w, h.plan.unit)), j)
}

// unitsUp is a length in whole units, rounded up.
func unitsUp(w time.Duration, unit int64) int64 { return ceilTo(w.Milliseconds(), unit) / unit }

func (h *History) sums(i, j int) Sums {
	i = max(0, i)
	if i >= j {
		return Sums{composed: h.plan.kind == OpenSLO}
	}
	if len(h.rows) == 1 {
		return newSums(h.rows[0].between(i, j))
	}
	lanes := make([]Sums, len(h.rows))
	for l := range h.rows {
		lanes[l] = newSums(h.rows[l].between(i, j))
	}
	return h.plan.join(lanes)
}

func (r *row) between(i, j int) (bad, total, allowed, valid float64) {
	bad, valid = r.bad.between(i, j), float64(r.valid[j]-r.valid[i])
	if len(r.versions) == 1 {
		total = r.total.between(i, j)
		return bad, total, total * r.versions[0].cost, valid
	}
	for k, v := range r.versions {
		a, b := i, j
		if k > 0 {
			a = int(max(int64(i), v.from))
		}
		if k+1 < len(r.versions) {
			b = int(min(int64(j), r.versions[k+1].from))
		}
		if a < b {
			t := r.total.between(a, b)
			total += t
			allowed += t * v.cost
		}
	}
	return bad, total, allowed, valid
}

// Budget is the budget at t (§6), from the units the history holds. projection is the window that tells how fast it
// burns now, 6 h by default; burns are the rates to report.
func (h *History) Budget(t Instant, projection time.Duration, burns ...time.Duration) Budget {
	p := h.plan
	s := p.span(t, h.First())
	lanes := make([]laneBudget, len(h.rows))
	i, j := h.index(s.from), h.endIndex(s.to)
	k := h.endIndex(t)
	back := k - int(unitsUp(projection, p.unit))
	for l := range h.rows {
		if i < j {
			lanes[l].sums = newSums(h.rows[l].between(i, j))
		}
		if a := max(0, back); a < k {
			lanes[l].burn = newSums(h.rows[l].between(a, k)).Burn
		}
	}
	b := p.budget(t, h.known, s, lanes)
	for _, w := range burns {
		b.Burns = append(b.Burns, Burn{w, h.Burn(t, w)})
	}
	return b
}

// laneBudget is what a lane brings to a budget: its window, and how fast it burns now.
type laneBudget struct {
	sums Sums
	burn float64
}

// budget makes a budget of the sums of all lanes.
func (p *Plan) budget(t, known Instant, s span, lanes []laneBudget) Budget {
	last := int64(s.to)/SlotMS - 1
	var all []Sums
	var parts []Budget
	for l, lane := range lanes {
		vs := p.laneVersions(l)
		cost := vs[versionAt(vs, last)].cost
		parts = append(parts, budgetOf(t, known, s, lane.sums, lane.sums.Total*cost, lane.burn))
		all = append(all, lane.sums)
	}
	if p.kind != OpenSLO {
		return parts[0]
	}
	b := Budget{At: t, Known: known, From: s.from, To: s.to, PeriodEnd: parts[0].PeriodEnd, Elapsed: s.elapsed(), Sums: p.join(all), Parts: parts}
	burn := 0.0
	for l, part := range parts {
		b.Consumed += p.parts[l].weight * part.Consumed
		burn += p.parts[l].weight * lanes[l].burn
	}
	b.Remaining, b.RemainingCurrent = 1-b.Consumed, 1-b.Consumed
	if b.Total > 0 {
		sli := 1 - b.Bad/b.Total
		b.SLI = &sli
	}
	b.ExhaustsInS = exhausts(s, b.Consumed, burn)
	return b
}

// UnitAt is the counts of the i-th unit, for charts: Bad is not clamped.
func (h *History) UnitAt(i int) (t Instant, u Unit) {
	for l := range h.rows {
		b, n, _, v := h.rows[l].between(i, i+1)
		u.Bad, u.Total, u.ValidS = u.Bad+b, u.Total+n, math.Max(u.ValidS, v)
	}
	return SlotStart(h.first + int64(i)*h.plan.unitLen), u
}

// Units is how many units the history holds.
func (h *History) Units() int { return h.n }
