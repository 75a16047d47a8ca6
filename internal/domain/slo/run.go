package slo

import "math"

// historyView is the windows of a history that end with unit `end`.
type historyView struct {
	h     *History
	rules []Rule
	end   int
}

func (v *historyView) long(i int) Sums {
	return v.h.sums(v.end-int(unitsUp(v.rules[i].Long, v.h.plan.unit)), v.end)
}

func (v *historyView) short(i int) Sums {
	return v.h.sums(v.end-int(unitsUp(v.rules[i].Short, v.h.plan.unit)), v.end)
}

// thin finds the begin of the trickle window by halving: totals never fall.
func (v *historyView) thin(i int) Sums {
	most := max(0, v.end-int(unitsUp(v.rules[i].Long, v.h.plan.unit)))
	lo, hi := most, v.end // the window from lo holds enough, or is the longest; from hi it does not
	for lo+1 < hi {
		mid := (lo + hi) / 2
		if v.h.events(mid, v.end) >= trickleEvents*(1-same) {
			lo = mid
		} else {
			hi = mid
		}
	}
	return v.h.sums(lo, v.end)
}

// events is the total over units i..j-1.
func (h *History) events(i, j int) float64 {
	total := 0.0
	for l := range h.rows {
		total += h.rows[l].total.between(i, j)
	}
	return total
}

// run steps rules over every whole minute of [from, to], writing states and telling what changed. Ticks at which an
// inactive rule cannot fire are skipped: whole blocks whose highest burn does not exceed its factor.
func (h *History) run(rules []Rule, states []AlertState, from, to Instant, tell func(i int, t Transition)) {
	view := &historyView{h: h, rules: rules}
	firstTick, lastTick := Instant(ceilTo(int64(from), SlotMS)), Instant(floorTo(int64(to), SlotMS))
	for i := range rules {
		r, s := &rules[i], &states[i]
		for tick := firstTick; tick <= lastTick; tick += SlotMS {
			view.end = h.endIndex(tick)
			if !s.Firing && h.quiet(r, view.end) {
				// On to the first tick of the next block, less the minute that the loop adds.
				next := SlotStart(h.first + int64((view.end/block+1)*block)*h.plan.unitLen)
				if view.end == h.n {
					break // no later tick sees more than this one
				}
				tick = max(tick, next-SlotMS)
				continue
			}
			if t, changed := step(r, i, s, tick, view); changed {
				tell(i, t)
			}
		}
	}
}

const block = 64 // units whose extremes are kept together

// peak is the extremes of a trailing window over each block of ends: the highest burn, or the fewest events.
type peak struct {
	burn   []float64 // nil until asked for
	events []float64
}

// quiet says that a rule that is not firing cannot fire at any end in the block of `end`.
func (h *History) quiet(r *Rule, end int) bool {
	if r.Trickle {
		p := h.peak(int(unitsUp(r.Short, h.plan.unit)))
		if p.events == nil {
			p.events = h.fewest(int(unitsUp(r.Short, h.plan.unit)))
		}
		return !above(trickleEvents, p.events[end/block])
	}
	length := int(unitsUp(r.Long, h.plan.unit))
	p := h.peak(length)
	if p.burn == nil {
		p.burn = h.highest(length)
	}
	return p.burn[end/block] < r.Factor*(1-1e-9)
}

func (h *History) peak(length int) *peak {
	if h.peaks == nil {
		h.peaks = map[int]*peak{}
	}
	p := h.peaks[length]
	if p == nil {
		p = new(peak)
		h.peaks[length] = p
	}
	return p
}

func (h *History) highest(length int) []float64 {
	out := make([]float64, h.n/block+1)
	if len(h.rows) == 1 && len(h.rows[0].versions) == 1 && h.rows[0].bad.lo == nil && h.rows[0].total.lo == nil {
		h.highestPlain(length, out)
		return out
	}
	for end := range h.n + 1 {
		out[end/block] = math.Max(out[end/block], h.sums(end-length, end).Burn)
	}
	return out
}

// highestPlain is highest where one target held and all sums are exact.
func (h *History) highestPlain(length int, out []float64) {
	bad, total, cost := h.rows[0].bad.hi, h.rows[0].total.hi, h.rows[0].versions[0].cost
	for b := range out {
		top := 0.0
		for end := b * block; end < min((b+1)*block, h.n+1); end++ {
			i := max(0, end-length)
			if d, n := bad[end]-bad[i], total[end]-total[i]; n > 0 && d > top*n {
				top = min(d, n) / n
			}
		}
		out[b] = top / cost
	}
}

func (h *History) fewest(length int) []float64 {
	out := make([]float64, h.n/block+1)
	for i := range out {
		out[i] = math.Inf(1)
	}
	for end := range h.n + 1 {
		out[end/block] = math.Min(out[end/block], h.events(max(0, end-length), end))
	}
	return out
}
