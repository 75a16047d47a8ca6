package slo

import (
	"math"
	"time"
)

// Sums is what a window holds: sums over its units (§6).
type Sums struct {
	Bad     float64 // events, clamped to 0..Total
	Total   float64 // events
	Allowed float64 // events the target allows: sum of total x (1 - target at the time)
	Burn    float64 // Bad / Allowed, 0 when nothing is allowed; of an openslo composite the weighted sum of its parts
	ValidS  float64 // seconds that count
	Clamped bool    // the sum of bad lay outside 0..Total: the source contradicts itself

	composed bool // Burn is a sum over parts, not Bad / Allowed
}

// exceeds says that the window burns faster than the factor, strictly (§0: products are compared, not quotients).
func (s Sums) exceeds(factor float64) bool {
	if s.composed {
		return above(s.Burn, factor)
	}
	return above(s.Bad, factor*s.Allowed)
}

func newSums(bad, total, allowed, valid float64) Sums {
	s := Sums{Bad: bad, Total: total, Allowed: allowed, ValidS: valid}
	if bad < 0 || bad > total {
		s.Bad = clamp(bad, total)
		s.Clamped = above(bad, total) || bad < -same*total
	}
	if allowed > 0 {
		s.Burn = s.Bad / allowed
	}
	return s
}

func clamp(bad, total float64) float64 { return max(0, min(bad, total)) }

// Budget is the state of an error budget at an instant (§6). It never holds NaN or an infinity.
type Budget struct {
	At, Known Instant
	From, To  Instant // what was summed: complete units since the window began or the objective did
	PeriodEnd Instant // end of the calendar period, or when a young rolling window will be full; 0 for a full one

	Sums
	SLI              *float64 // 1 - bad/total, 0..1; nil without events
	Elapsed          float64  // share of the window that has passed since it began, 0..1
	Consumed         float64  // share of the budget spent, >= 0
	Remaining        float64  // 1 - Consumed; below 0 when overspent
	RemainingCurrent float64  // had the target of now held all the time
	Left             *float64 // bad events that may still happen if traffic goes on as so far; nil without events
	ExhaustsInS      *float64 // seconds until nothing remains at the present burn; nil = not in this window
	Burns            []Burn   // rates over the windows that were asked for
	Parts            []Budget // of an openslo composite
}

// Burn is how fast the budget burns over one trailing window: 1 spends exactly the budget in the whole window.
type Burn struct {
	Window time.Duration
	Sums
}

// span is the place of an instant in its budget window.
type span struct {
	from, to Instant // summed
	begin    Instant // of the window, before the objective's own begin is looked at
	length   float64 // ms that an allowance is for: the whole window, or what is left of a calendar period from `from`
	full     bool    // a rolling window that reaches back no further than the objective
}

// elapsed is f of §6.
func (s span) elapsed() float64 {
	if s.full {
		return 1
	}
	if s.length <= 0 || s.to <= s.from {
		return 0
	}
	return math.Min(1, float64(s.to-s.from)/s.length)
}

// budgetOf computes a budget from the sums of its window. allowedNow is total x (1 - target of the last slot); burn is
// the rate over the projection window.
func budgetOf(at, known Instant, s span, sums Sums, allowedNow, burn float64) Budget {
	b := Budget{At: at, Known: known, From: s.from, To: s.to, Sums: sums, Elapsed: s.elapsed(), Remaining: 1, RemainingCurrent: 1}
	if !s.full {
		b.PeriodEnd = s.from + Instant(s.length)
	}
	if sums.Total > 0 {
		sli := 1 - sums.Bad/sums.Total
		b.SLI = &sli
		b.Consumed = sums.Burn * b.Elapsed
		b.Remaining = 1 - b.Consumed
		if allowedNow > 0 {
			b.RemainingCurrent = 1 - sums.Bad/allowedNow*b.Elapsed
		}
		if b.Elapsed > 0 {
			left := sums.Allowed/b.Elapsed - sums.Bad
			b.Left = &left
		}
	}
	b.ExhaustsInS = exhausts(s, b.Consumed, burn)
	return b
}

// exhausts is the time until the budget is gone when it goes on burning at rate r, having consumed c (§6).
// In a full rolling window old spending leaves at its mean rate while new comes in.
func exhausts(s span, c, r float64) *float64 {
	zero := 0.0
	switch {
	case c >= 1-same:
		return &zero
	case r <= 0 || s.length <= 0:
		return nil
	case s.full && !above(r, 1):
		return nil
	case s.full:
		in := s.length / 1000 * (1 - c) / (r - c)
		return &in
	}
	in := s.length / 1000 * (1 - c) / r
	if above(in, (s.length-float64(s.to-s.from))/1000) {
		return nil
	}
	return &in
}
