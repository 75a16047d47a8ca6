package slo

import (
	"math"
	"math/big"
	"math/bits"
)

const (
	defaultStaleness = 5 * 60_000 // ms that a sample speaks for its series
	bridgeMost       = dayMS      // a longer gap starts a counter anew
	mostEarly        = 10 * 60_000
	mostLate         = dayMS
)

// placement says where the events of an increment go (§2): nowhere, into the slot of hi, or spread over (lo, hi].
type placement struct {
	lo, hi  Instant
	where   where
	bridged bool // the gap between the samples counts as covered
}

type where uint8

const (
	nowhere where = iota
	inSlot
	spread
)

// from places an increment by the length of its gap.
func from(lo, hi Instant, staleness int64) placement {
	switch gap := int64(hi - lo); {
	case gap <= staleness:
		return placement{hi: hi, where: inSlot}
	case gap <= bridgeMost:
		return placement{lo: lo, hi: hi, where: spread, bridged: true}
	}
	return placement{}
}

// increment is the table of §2.3 for a counter's sample cur after prev, nil where it is the first; fell says that cur
// is lower than prev, born that another series of its target was read shortly before. fresh means that all of cur's
// value is new, otherwise what it grew since prev.
func increment(prev, cur *record, fell, born bool, staleness int64) (p placement, fresh bool) {
	started := cur.start() > 0 && cur.start() < cur.t
	switch {
	case prev != nil && started && cur.start() > prev.t:
		return from(cur.start(), cur.t, staleness), true
	case prev != nil && fell && int64(cur.t-prev.t) <= bridgeMost:
		return placement{hi: cur.t, where: inSlot}, true
	case prev != nil && fell:
		return placement{}, false
	case prev != nil:
		return from(prev.t, cur.t, staleness), false
	case started:
		return from(cur.start(), cur.t, staleness), true
	case born:
		return placement{hi: cur.t, where: inSlot}, true
	}
	return placement{}, false
}

// put hands the events of an increment to the slots they belong to (§2.4). Whole events stay whole and their sum is
// exactly d. Slots before `first` get nothing.
func (p placement) put(d float64, first int64, add func(n int64, events float64)) {
	if d == 0 {
		return
	}
	switch p.where {
	case inSlot:
		if n := p.hi.Slot(); n >= first {
			add(n, d)
		}
	case spread:
		from := max(first, p.lo.Slot())
		before := 0.0
		if from > p.lo.Slot() {
			before = p.share(d, SlotStart(from))
		}
		for n := from; n <= (p.hi - 1).Slot(); n++ {
			upTo := p.share(d, SlotStart(n+1))
			if upTo != before {
				add(n, upTo-before)
			}
			before = upTo
		}
	}
}

// share is F(x) = floor(d (x - lo)/(hi - lo)), the events up to x; d from hi on.
func (p placement) share(d float64, x Instant) float64 {
	if x >= p.hi {
		return d
	}
	if d > 0 && d < 1<<53 && d == math.Trunc(d) {
		hi, lo := bits.Mul64(uint64(d), uint64(x-p.lo))
		q, _ := bits.Div64(hi, lo, uint64(p.hi-p.lo))
		return float64(q)
	}
	r := new(big.Rat).SetFloat64(d)
	if r == nil {
		return 0
	}
	r.Mul(r, big.NewRat(int64(x-p.lo), int64(p.hi-p.lo)))
	q, _ := new(big.Float).SetInt(new(big.Int).Div(r.Num(), r.Denom())).Float64()
	return q
}
