package slo

import (
	"math"
	"slices"
)

// Series is one time series being counted.
type Series struct {
	SeriesKey
	group     *Group
	target    *watched
	totalSide bool
	chosen    bool // of buckets: this one counts as good
	records   []record
	pruned    bool // records[0] is not, or will not be, the first sample, and its own increment is settled
	born      bool // the first record counts whole: its target was watched
}

// record is an accepted sample or staleness marker.
type record struct {
	t    Instant
	v    float64
	more *extra // nil = a plain sample
}

// extra is what most samples do not have. It is not changed, so records share it.
type extra struct {
	start  Instant
	hist   *NativeHistogram
	marker bool
}

func (r *record) marker() bool { return r.more != nil && r.more.marker }

// start is when the counter began; 0 = unknown.
func (r *record) start() Instant {
	if r.more == nil {
		return 0
	}
	return r.more.start
}

// hist is the value of a native histogram's sample.
func (r *record) hist() *NativeHistogram {
	if r.more == nil {
		return nil
	}
	return r.more.hist
}

// recordOf is a sample as it is kept.
func recordOf(x *Sample) record {
	r := record{t: x.T, v: x.V}
	if x.Start != 0 || x.Hist != nil || x.Stale {
		r.more = &extra{x.Start, x.Hist, x.Stale}
	}
	return r
}

// Sample is one value as it arrived.
type Sample struct {
	T, Start, Seen Instant // Start 0 = unknown; Seen 0 = T
	V              float64
	Hist           *NativeHistogram // of native histograms
	Stale          bool             // a staleness marker: the series ends here
}

// Verdict is what became of a sample.
type Verdict uint8

const (
	Accepted Verdict = iota
	Repeated         // the same value at the same time was there: ignored
	Refused          // NaN, infinite, negative, too early, too late, or another value at the same time
	Late             // acceptable, but older than what is kept: count again from raw samples
)

// Add takes a sample (§2.1).
func (s *Series) Add(x Sample) Verdict {
	if one := [1]Sample{x}; s.follow(one[:]) == 1 {
		return Accepted
	}
	return s.place(x)
}

// AddRun takes samples as Add does, one after the other; late is the oldest of those that Add calls Late, 0 where there
// is none.
func (s *Series) AddRun(run []Sample) (late Instant) {
	for len(run) > 0 {
		run = run[s.follow(run):]
		if len(run) == 0 {
			break
		}
		if x := run[0]; s.place(x) == Late && (late == 0 || x.T < late) {
			late = x.T
		}
		run = run[1:]
	}
	return late
}

// Returned says, before the first sample is added, that the series had others more than a day before: its first is a new
// baseline, not the begin of a series (§2.3).
func (s *Series) Returned() {
	if len(s.records) == 0 {
		s.pruned = true
	}
}

// place is Add for a sample that may belong anywhere.
func (s *Series) place(x Sample) Verdict {
	v := s.take(x)
	if v == Refused {
		s.group.refused++
	}
	return v
}

func (s *Series) take(x Sample) Verdict {
	seen := x.Seen
	if seen == 0 {
		seen = x.T
	}
	if !s.acceptable(x) || int64(x.T-seen) > mostEarly || int64(seen-x.T) > mostLate {
		return Refused
	}
	r := recordOf(&x)
	i, found := slices.BinarySearchFunc(s.records, r, func(a, b record) int { return int(a.t - b.t) })
	switch {
	case found && s.records[i].same(&r):
		return Repeated
	case found:
		return Refused
	case s.tooLate(i, &r):
		return Late
	}
	s.insert(i, r)
	return Accepted
}

// tooLate says that a record cannot be placed exactly at i, because what lies around it has been forgotten.
func (s *Series) tooLate(i int, r *record) bool {
	old := s.group.c.old
	if i == 0 && old > 0 {
		return s.pruned && len(s.records) > 0 || r.t < old+Instant(s.group.c.staleness)
	}
	return r.t < old
}

func (s *Series) acceptable(x Sample) bool {
	switch {
	case x.Stale:
		return true
	case s.Role == RoleNative:
		return x.Hist != nil && x.Hist.sound()
	case s.Role == RoleGauge:
		return !math.IsNaN(x.V) && !math.IsInf(x.V, 0)
	}
	return finite(x.V)
}

func (r *record) same(o *record) bool {
	switch {
	case r.marker() != o.marker():
		return false
	case r.hist() != nil && o.hist() != nil:
		return r.hist().sameAs(o.hist())
	}
	return r.v == o.v || r.marker()
}

// insert puts a record in its place: what the records on both sides of it stood for is taken back and counted anew.
func (s *Series) insert(i int, r record) {
	g := s.group
	if !r.marker() {
		g.begin(r.t)
	}
	next := s.nextSample(i)
	if !r.marker() && next >= 0 {
		s.count(next, -1)
	}
	if i > 0 {
		s.cover(i-1, -1)
	}
	s.records = slices.Insert(s.records, i, r)
	if i > 0 {
		s.cover(i-1, 1)
	}
	s.cover(i, 1)
	if r.marker() {
		return
	}
	if next >= 0 {
		next++
	}
	if s.first() == i {
		s.born = s.watchedBefore(r.t)
		if s.target != nil {
			s.target.maxFirst = max(s.target.maxFirst, r.t)
		}
	}
	s.count(i, 1)
	if next >= 0 {
		s.count(next, 1)
	}
	s.bearOthers(r.t)
}

// first is the index of the first sample, -1 where it is no longer kept or there is none.
func (s *Series) first() int {
	if s.pruned {
		return -1
	}
	return s.nextSample(0)
}

// nextSample is the index of the first sample at or after i, -1 where there is none.
func (s *Series) nextSample(i int) int {
	for ; i < len(s.records); i++ {
		if !s.records[i].marker() {
			return i
		}
	}
	return -1
}

func (s *Series) prevSample(i int) *record {
	for i--; i >= 0; i-- {
		if !s.records[i].marker() {
			return &s.records[i]
		}
	}
	return nil
}

// watchedBefore says that another series of the target had a sample in [t - staleness, t).
func (s *Series) watchedBefore(t Instant) bool {
	if s.target == nil {
		return false
	}
	from := t - Instant(s.group.c.staleness)
	for _, o := range s.target.series {
		if o == s {
			continue
		}
		for i := len(o.records) - 1; i >= 0 && o.records[i].t >= from; i-- {
			if r := &o.records[i]; r.t < t && !r.marker() {
				return true
			}
		}
	}
	return false
}

// bearOthers looks for series of the target whose first sample turns out to be born under watch, now that there is a
// sample at t.
func (s *Series) bearOthers(t Instant) {
	if s.target == nil || t >= s.target.maxFirst {
		return
	}
	for _, o := range s.target.series {
		i := o.first()
		if o == s || o.born || i < 0 {
			continue
		}
		if f := o.records[i].t; t < f && int64(f-t) <= s.group.c.staleness {
			o.count(i, -1)
			o.born = true
			o.count(i, 1)
		}
	}
}

// count adds, or with sign -1 takes back, the increment that the sample at i ends.
func (s *Series) count(i int, sign float64) {
	cur := &s.records[i]
	if s.Role == RoleGauge {
		s.countGauge(cur, sign)
		return
	}
	if s.Role == RoleBucket && !s.totalSide && !s.chosen {
		return
	}
	prev := s.prevSample(i)
	if s.Delta {
		prev = nil
	} else if prev == nil && s.pruned {
		return
	}
	s.countIncrement(prev, cur, i, sign)
}

func (s *Series) countIncrement(prev, cur *record, i int, sign float64) {
	g := s.group
	x := g.c.in.Threshold
	drop := prev != nil && (cur.v < prev.v || cur.hist() != nil && fell(prev.hist(), cur.hist()))
	p, fresh := increment(prev, cur, drop, s.born, g.c.staleness)
	if s.Delta {
		p, fresh = placement{hi: cur.t, where: inSlot}, true
	}
	if p.where == nowhere {
		return
	}
	total, good := cur.v, 0.0
	switch {
	case cur.hist() != nil && fresh:
		total, good = cur.hist().Count, cur.hist().good(x, cur.hist().Schema)
	case cur.hist() != nil:
		total, good = grown(prev.hist(), cur.hist(), x)
	case !fresh:
		total = cur.v - prev.v
	}
	if s.Also != 0 {
		p.put(total, g.first, func(n int64, d float64) { s.bookIn(g.at(n), s.Also, sign*s.AlsoFactor*d) })
	}
	sign *= s.Factor
	p.put(total, g.first, func(n int64, d float64) { s.bookIn(g.at(n), s.Role, sign*d) })
	if cur.hist() != nil {
		p.put(good, g.first, func(n int64, d float64) { g.at(n).bad.add(-sign * d) })
	}
	if p.bridged && s.totalSide {
		g.cover(p.lo.Slot(), (p.hi - 1).Slot(), int32(math.Copysign(1, sign)), 0)
	}
}

// bookIn puts events of a role into a slot.
func (s *Series) bookIn(c *cell, role Role, d float64) {
	switch role {
	case RoleTotal:
		c.total.add(d)
		if s.group.c.in.Kind == GoodTotal {
			c.bad.add(d)
		}
	case RoleBad:
		c.bad.add(d)
	case RoleGood:
		c.bad.add(-d)
	case RoleNative:
		c.total.add(d)
		c.bad.add(d)
	case RoleBucket:
		if s.totalSide {
			c.total.add(d)
			c.bad.add(d)
		} else {
			c.bad.add(-d)
		}
	}
}

func (s *Series) countGauge(cur *record, sign float64) {
	n := cur.t.Slot()
	if n < s.group.first {
		return
	}
	s.judge(s.group.at(n), cur.v, sign)
}

// judge counts a gauge's value in a slot.
func (s *Series) judge(c *cell, v, sign float64) {
	c.total.add(sign)
	if !holds(v, s.group.c.in.Op, s.group.c.in.Threshold) {
		c.bad.add(sign)
	}
}

// holds compares a gauge's value with its threshold.
func holds(v float64, op string, x float64) bool {
	switch op {
	case "lt":
		return v < x
	case "lte":
		return v <= x
	case "gt":
		return v > x
	case "gte":
		return v >= x
	case "eq":
		return v == x
	case "ne":
		return v != x
	}
	return false
}

// cover adds, or takes back, the slots for which the record at i is the reason why they are covered (§3).
func (s *Series) cover(i int, sign int32) {
	r := &s.records[i]
	if !s.totalSide || r.marker() {
		return
	}
	until := r.t + Instant(s.group.c.staleness)
	if i+1 < len(s.records) {
		until = min(until, s.records[i+1].t)
	}
	n := r.t.Slot()
	s.group.cover(n, max(n, until.Slot()), sign, sign)
}

// recount adds or takes back all increments of a series that are still known.
func (s *Series) recount(sign float64) {
	s.chosen = true
	for i := range s.records {
		if !s.records[i].marker() {
			s.count(i, sign)
		}
	}
}
