package slo

import "math"

// historyView is the windows of a history that end with unit `end`.
type historyView struct {
	h             *History
	longs, shorts []int // units of each rule's windows
	end           int
}

func (h *History) view(rules []Rule) *historyView {
	v := &historyView{h: h}
	for _, r := range rules {
		v.longs = append(v.longs, int(unitsUp(r.Long, h.plan.unit)))
		v.shorts = append(v.shorts, int(unitsUp(r.Short, h.plan.unit)))
	}
	return v
}

func (v *historyView) long(i int) Sums  { return v.h.sums(v.end-v.longs[i], v.end) }
func (v *historyView) short(i int) Sums { return v.h.sums(v.end-v.shorts[i], v.end) }

// thin finds the begin of the trickle window by halving: totals never fall.
func (v *historyView) thin(i int) Sums {
	most := max(0, v.end-v.longs[i])
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
	view := h.view(rules)
	plain := h.plain()
	firstTick, lastTick := Instant(ceilTo(int64(from), SlotMS)), Instant(floorTo(int64(to), SlotMS))
	for i := range rules {
		r, s := &rules[i], &states[i]
		for tick := firstTick; tick <= lastTick; tick += SlotMS {
			view.end = h.endIndex(tick)
			if !s.Firing && h.quiet(r, view.longs[i], view.shorts[i], view.end) {
				// On to the first tick of the next block, less the minute that the loop adds.
				next := SlotStart(h.first + int64((view.end/block+1)*block)*h.plan.unitLen)
				if view.end == h.n {
					break // no later tick sees more than this one
				}
				tick = max(tick, next-SlotMS)
				continue
			}
			if plain && !s.Firing && !r.Trickle && h.cold(r, view.longs[i], view.shorts[i], view.end) {
				continue
			}
			if t, changed := step(r, i, s, tick, view); changed {
				tell(i, t)
			}
		}
	}
}

// cold says of a plain history that one of a rule's windows which end with unit `end` surely burns too slowly for it to
// fire: what quiet says of a block. Most ticks are.
func (h *History) cold(r *Rule, long, short, end int) bool {
	row := &h.rows[0]
	most := r.Factor * row.versions[0].cost * (1 - 1e-9)
	for _, n := range [2]int{long, short} {
		begin := max(0, end-n)
		if row.bad.hi[end]-row.bad.hi[begin] < most*(row.total.hi[end]-row.total.hi[begin]) {
			return true
		}
	}
	return false
}

const block = 64 // units whose extremes are kept together

// peak is the extremes of a trailing window over each block of ends: the highest burn, or the fewest events.
type peak struct {
	burn   []float64 // nil until asked for
	events []float64
}

// quiet says that a rule that is not firing cannot fire at any end in the block of `end`: its long or its short window
// never burns fast enough there, or traffic is never thin.
func (h *History) quiet(r *Rule, long, short, end int) bool {
	b := end / block
	if r.Trickle {
		return !above(trickleEvents, h.fewest(short)[b])
	}
	most := r.Factor * (1 - 1e-9)
	return h.highest(long)[b] < most || h.highest(short)[b] < most
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

// highest is the highest burn of the window of a length at any end of each block.
func (h *History) highest(length int) []float64 {
	p := h.peak(length)
	if p.burn == nil {
		p.burn = h.findHighest(length)
	}
	return p.burn
}

func (h *History) findHighest(length int) []float64 {
	out := make([]float64, h.n/block+1)
	if h.plain() {
		h.highestPlain(length, out)
		return out
	}
	for end := range h.n + 1 {
		out[end/block] = max(out[end/block], h.sums(end-length, end).Burn)
	}
	return out
}

// plain says that one target held all the time and all sums are exact: their rows can be read directly.
func (h *History) plain() bool {
	return len(h.rows) == 1 && len(h.rows[0].versions) == 1 && h.rows[0].bad.lo == nil && h.rows[0].total.lo == nil
}

// highestPlain is findHighest of a plain history.
func (h *History) highestPlain(length int, out []float64) {
	cost := h.rows[0].versions[0].cost
	for b := range out {
		lo, hi := b*block, min((b+1)*block, h.n+1)
		top := 0.0
		for end := lo; end < min(hi, length); end++ { // the window reaches back before the first unit
			top = higher(top, h.rows[0].bad.hi[end], h.rows[0].total.hi[end])
		}
		if lo = max(lo, length); lo < hi {
			bad, total := h.rows[0].bad.hi[lo:hi], h.rows[0].total.hi[lo:hi]
			bad0, total0 := h.rows[0].bad.hi[lo-length:hi-length], h.rows[0].total.hi[lo-length:hi-length]
			for i := range bad {
				top = higher(top, bad[i]-bad0[i], total[i]-total0[i])
			}
		}
		out[b] = top / cost
	}
}

// higher is the higher of a share and bad/total.
func higher(top, bad, total float64) float64 {
	if bad > top*total && total > 0 {
		return min(bad, total) / total
	}
	return top
}

// fewest is the fewest events that the window of a length holds at any end of each block.
func (h *History) fewest(length int) []float64 {
	p := h.peak(length)
	if p.events == nil {
		p.events = h.findFewest(length)
	}
	return p.events
}

func (h *History) findFewest(length int) []float64 {
	out := make([]float64, h.n/block+1)
	for i := range out {
		out[i] = math.Inf(1)
	}
	for end := range h.n + 1 {
		out[end/block] = min(out[end/block], h.events(max(0, end-length), end))
	}
	return out
}
