package slo

import (
	"math/big"
	"sort"
)

// oracle is a second, naive engine: SLO.md's text in rational arithmetic, every question answered from the samples
// alone, nothing kept. It shares no code with the engine but the types of its input.
type oracle struct {
	first     int64 // first slot
	staleness Instant
	series    []oracleSeries
	good      bool // good_total: bad = total - good
	policy    NoData
	versions  []Version
	fixes     []Correction
	rolling   int64 // ms
	slice     int64 // slots; 0 = occurrences
	ratio     bool
	sliceMost *big.Rat // 1 - slice target
}

type oracleSeries struct {
	role     Role
	target   string
	arrived  []Sample // in order of arrival
	accepted []Sample // known, sorted, markers too
}

type oracleUnit struct {
	begin, end int64 // slots
	bad, total *big.Rat
	valid      int64
}

func rat(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }

// learn sets what is known at k and says how many samples were refused.
func (o *oracle) learn(k Instant) (refused int) {
	for i := range o.series {
		s := &o.series[i]
		s.accepted = nil
		for _, x := range s.arrived {
			if x.Seen > k {
				continue
			}
			ok := x.Stale || x.V >= 0
			ok = ok && x.T-x.Seen <= 600_000 && x.Seen-x.T <= 86_400_000
			again := false
			for _, y := range s.accepted {
				if y.T == x.T {
					again = true
					ok = ok && y.Stale == x.Stale && (y.Stale || y.V == x.V)
				}
			}
			switch {
			case !ok:
				refused++
			case !again:
				s.accepted = append(s.accepted, x)
			}
		}
		sort.SliceStable(s.accepted, func(a, b int) bool { return s.accepted[a].T < s.accepted[b].T })
	}
	return refused
}

// piece is some events over (lo, hi]; lo = hi means at hi.
type piece struct {
	lo, hi Instant
	events *big.Rat
}

// pieces is the table of section 2.
func (o *oracle) pieces(i int) (out []piece) {
	s := o.series[i]
	var prev *Sample
	place := func(lo, hi Instant, v *big.Rat) {
		switch gap := hi - lo; {
		case gap <= o.staleness:
			out = append(out, piece{hi, hi, v})
		case gap <= 86_400_000:
			out = append(out, piece{lo, hi, v})
		}
	}
	for j := range s.accepted {
		x := &s.accepted[j]
		if x.Stale {
			continue
		}
		st := x.Start
		if st >= x.T {
			st = 0
		}
		switch {
		case prev != nil && st > prev.T, prev == nil && st > 0:
			place(st, x.T, rat(x.V))
		case prev != nil && x.V < prev.V:
			if x.T-prev.T <= 86_400_000 {
				out = append(out, piece{x.T, x.T, rat(x.V)})
			}
		case prev != nil:
			place(prev.T, x.T, new(big.Rat).Sub(rat(x.V), rat(prev.V)))
		case o.watched(i, x.T):
			out = append(out, piece{x.T, x.T, rat(x.V)})
		}
		prev = x
	}
	return out
}

func (o *oracle) watched(i int, t Instant) bool {
	for j, s := range o.series {
		if j == i || s.target == "" || s.target != o.series[i].target {
			continue
		}
		for _, x := range s.accepted {
			if !x.Stale && x.T >= t-o.staleness && x.T < t {
				return true
			}
		}
	}
	return false
}

// in is the piece's events in a slot.
func (p piece) in(n int64) *big.Rat {
	a, b := SlotStart(n), SlotStart(n+1)
	if p.lo == p.hi {
		if p.hi >= a && p.hi < b {
			return p.events
		}
		return new(big.Rat)
	}
	upTo := func(x Instant) *big.Rat {
		switch {
		case x >= p.hi:
			return p.events
		case x <= p.lo:
			return new(big.Rat)
		}
		r := new(big.Rat).Mul(p.events, big.NewRat(int64(x-p.lo), int64(p.hi-p.lo)))
		return new(big.Rat).SetInt(new(big.Int).Div(r.Num(), r.Denom()))
	}
	return new(big.Rat).Sub(upTo(b), upTo(a))
}

func (o *oracle) raw(n int64) (bad, total *big.Rat) {
	bad, total = new(big.Rat), new(big.Rat)
	for i, s := range o.series {
		for _, p := range o.pieces(i) {
			d := p.in(n)
			switch s.role {
			case RoleTotal:
				total.Add(total, d)
				if o.good {
					bad.Add(bad, d)
				}
			case RoleBad:
				bad.Add(bad, d)
			case RoleGood:
				bad.Sub(bad, d)
			}
		}
	}
	return bad, total
}

func (o *oracle) covered(n int64) bool {
	a, b := SlotStart(n), SlotStart(n+1)
	for i, s := range o.series {
		if s.role != RoleTotal {
			continue
		}
		var last *Sample
		for j := range s.accepted {
			x := &s.accepted[j]
			if !x.Stale && x.T >= a && x.T < b {
				return true
			}
			if x.T < a {
				last = x
			}
		}
		if last != nil && !last.Stale && last.T >= a-o.staleness {
			return true
		}
		for _, p := range o.pieces(i) {
			if p.lo < p.hi && p.lo < b && p.hi > a {
				return true
			}
		}
	}
	return false
}

// lastSample is the slot of the last total-side sample before slot n.
func (o *oracle) lastSample(n int64) (int64, bool) {
	found, slot := false, int64(0)
	for _, s := range o.series {
		for _, x := range s.accepted {
			if s.role == RoleTotal && !x.Stale && x.T < SlotStart(n) && (!found || x.T.Slot() > slot) {
				found, slot = true, x.T.Slot()
			}
		}
	}
	return slot, found
}

// assumed is the mean bad and total that missing slot n stands for.
func (o *oracle) assumed(n int64) (bad, total *big.Rat) {
	last, ok := o.lastSample(n)
	for _, length := range []int64{60, 1440} {
		bad, total = new(big.Rat), new(big.Rat)
		count := int64(0)
		for m := max(o.first, last-length+1); ok && m <= last; m++ {
			if o.covered(m) {
				b, t := o.raw(m)
				bad.Add(bad, b)
				total.Add(total, t)
				count++
			}
		}
		enough := total.Cmp(big.NewRat(60, 1)) >= 0
		if count > 0 {
			bad.Quo(bad, big.NewRat(count, 1))
			total.Quo(total, big.NewRat(count, 1))
		}
		if enough {
			break
		}
	}
	return between(bad, total), total
}

func between(bad, total *big.Rat) *big.Rat {
	switch {
	case bad.Sign() < 0:
		return new(big.Rat)
	case bad.Cmp(total) > 0:
		return total
	}
	return bad
}

func (o *oracle) corrected(n int64, k Instant) (exclude, forgive bool) {
	for _, c := range o.fixes {
		if c.Seen <= k && (c.Revoked == 0 || c.Revoked > k) && c.From < SlotStart(n+1) && c.To > SlotStart(n) {
			exclude = exclude || c.Effect == Exclude
			forgive = forgive || c.Effect == Forgive
		}
	}
	return exclude, forgive
}

// slot is what slot n counts as.
func (o *oracle) slot(n int64, k Instant) oracleUnit {
	u := oracleUnit{n, n + 1, new(big.Rat), new(big.Rat), 0}
	if n < o.first {
		return u
	}
	if o.covered(n) {
		u.bad, u.total = o.raw(n)
		u.valid = 60
	} else if o.policy != Excluded {
		h, e := o.assumed(n)
		u.total, u.valid = e, 60
		switch o.policy {
		case BadData:
			u.bad = e
		case HoldData:
			u.bad = h
		}
	}
	exclude, forgive := o.corrected(n, k)
	if exclude {
		return oracleUnit{n, n + 1, new(big.Rat), new(big.Rat), 0}
	}
	if forgive {
		u.bad = new(big.Rat)
	}
	return u
}

// sliceAt is what the slice beginning at slot n counts as.
func (o *oracle) sliceAt(n int64, k Instant) (u oracleUnit) {
	u = oracleUnit{n, n + o.slice, new(big.Rat), new(big.Rat), 0}
	bad, kept, judged := o.judged(n, k)
	switch {
	case kept == 0:
		return u
	case judged:
		u.bad = bad
	case o.policy == Excluded:
		return u
	case o.policy == BadData:
		u.bad = big.NewRat(1, 1)
	case o.policy == HoldData:
		for m := n - o.slice; m >= o.first; m -= o.slice {
			if earlier, _, ok := o.judged(m, k); ok {
				u.bad = earlier
				break
			}
		}
	}
	u.total, u.valid = big.NewRat(1, 1), 60*o.slice
	return u
}

// judged is the result of a slice from its data, and of how many slots that no correction excludes; ok is false where
// none of them is covered.
func (o *oracle) judged(n int64, k Instant) (result *big.Rat, kept int, ok bool) {
	bad, total := new(big.Rat), new(big.Rat)
	for m := n; m < n+o.slice; m++ {
		exclude, forgive := o.corrected(m, k)
		if exclude {
			continue
		}
		kept++
		if !o.covered(m) {
			continue
		}
		ok = true
		b, t := o.raw(m)
		total.Add(total, t)
		if !forgive {
			bad.Add(bad, b)
		}
	}
	bad = between(bad, total)
	switch {
	case total.Sign() <= 0:
		return new(big.Rat), kept, ok
	case o.ratio:
		return new(big.Rat).Quo(bad, total), kept, ok
	case bad.Cmp(new(big.Rat).Mul(o.sliceMost, total)) > 0:
		return big.NewRat(1, 1), kept, ok
	}
	return new(big.Rat), kept, ok
}

// units is everything whole within [from, to).
func (o *oracle) units(from, to, k Instant) (out []oracleUnit) {
	if o.slice == 0 {
		for n := max(o.first, from.SlotUp()); SlotStart(n+1) <= to; n++ {
			out = append(out, o.slot(n, k))
		}
		return out
	}
	n := max(o.first, from.SlotUp())
	for n%o.slice != 0 {
		n++
	}
	for ; SlotStart(n+o.slice) <= to; n += o.slice {
		out = append(out, o.sliceAt(n, k))
	}
	return out
}

func (o *oracle) target(n int64) *big.Rat {
	t := o.versions[0].Target
	for _, v := range o.versions {
		if v.From <= SlotStart(n) {
			t = v.Target
		}
	}
	return t.Rat()
}

// consumed is the share of the budget spent at t, and the window's sums.
func (o *oracle) consumed(t, k Instant) (consumed, bad, total, allowed *big.Rat, valid int64) {
	step := Instant(SlotMS)
	first := SlotStart(o.first)
	if o.slice > 0 {
		step = Instant(o.slice * SlotMS)
		for first%step != 0 {
			first += SlotMS
		}
	}
	to := t - t%step
	begin := to - Instant(o.rolling)
	begin -= begin % step
	from := max(begin, first)
	bad, total, allowed = new(big.Rat), new(big.Rat), new(big.Rat)
	for _, u := range o.units(from, to, k) {
		bad.Add(bad, u.bad)
		total.Add(total, u.total)
		cost := new(big.Rat).Sub(big.NewRat(1, 1), o.target(u.begin))
		allowed.Add(allowed, cost.Mul(cost, u.total))
		valid += u.valid
	}
	bad = between(bad, total)
	if total.Sign() == 0 {
		return new(big.Rat), bad, total, allowed, valid
	}
	f := big.NewRat(1, 1)
	if first > begin {
		f = big.NewRat(max(0, int64(to-from)), o.rolling)
	}
	consumed = new(big.Rat).Quo(bad, allowed)
	return consumed.Mul(consumed, f), bad, total, allowed, valid
}
