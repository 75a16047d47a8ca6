package slo

import (
	"cmp"
	"slices"
)

// AlertState is the state of one rule of one objective and group (§8): inactive, firing, ended = inactive again.
// It is all that must be kept over a restart.
type AlertState struct {
	Firing bool
	Since  Instant // when it began to fire
	Clear  Instant // since when it has been clear while firing; 0 = it is not
}

// Interval is a time during which a rule, or any rule of a severity, fired: [From, To); To 0 = still firing.
type Interval struct{ From, To Instant }

// Open says that the interval has not ended.
func (i Interval) Open() bool { return i.To == 0 }

// Transition is a rule that began to fire or ended, with what its windows held.
type Transition struct {
	At          Instant
	Rule        Rule
	Fired       bool // else ended
	Since       Instant
	Long, Short Sums
	P           float64 // the gate's probability when it fired (§8), else 0
}

// view is what rules look at: the windows that end at one instant. i is the index of a rule.
type view interface {
	long(i int) Sums
	short(i int) Sums
	// thin is the trickle rule's window: the fewest most recent units that hold 10 events, at most 3 days.
	thin(i int) Sums
}

// step evaluates rule i at a tick (§8). Live evaluation, preview, proof and back-test all come through here.
func step(r *Rule, i int, s *AlertState, at Instant, v view) (Transition, bool) {
	if r.Trickle {
		return stepTrickle(r, i, s, at, v)
	}
	long := v.long(i)
	burning := long.exceeds(r.Factor)
	if !s.Firing {
		if !burning {
			return Transition{}, false
		}
		short := v.short(i)
		if !short.exceeds(r.Factor) {
			return Transition{}, false
		}
		return fire(r, s, at, long, short, long)
	}
	short := v.short(i)
	if burning && (short.exceeds(r.Factor) || !recovered(short, long)) {
		s.Clear = 0
		return Transition{}, false
	}
	if s.Clear == 0 {
		s.Clear = at
	}
	if int64(at-s.Clear) < r.Resolve.Milliseconds() {
		return Transition{}, false
	}
	return end(r, s, at, long, short)
}

// stepTrickle evaluates the rule for traffic too thin for any pair: half of the last ten or more events failed.
func stepTrickle(r *Rule, i int, s *AlertState, at Instant, v view) (Transition, bool) {
	if s.Firing {
		if e := v.thin(i); e.Total == 0 || above(0.3*e.Total, e.Bad) {
			return end(r, s, at, e, v.short(i))
		}
		return Transition{}, false
	}
	recent := v.short(i)
	if !above(trickleEvents, recent.Total) {
		return Transition{}, false
	}
	e := v.thin(i)
	if whole(e.Bad) < 5 || above(e.Total/2, e.Bad) {
		return Transition{}, false
	}
	return fire(r, s, at, e, recent, e)
}

// fire begins an alert if the gate opens on what was counted.
func fire(r *Rule, s *AlertState, at Instant, long, short, gated Sums) (Transition, bool) {
	if shut(gated) {
		return Transition{}, false
	}
	p, opens := Gate(gated, r.Severity)
	if !opens {
		return Transition{}, false
	}
	*s = AlertState{Firing: true, Since: at}
	return Transition{At: at, Rule: *r, Fired: true, Since: at, Long: long, Short: short, P: p}, true
}

func end(r *Rule, s *AlertState, at Instant, long, short Sums) (Transition, bool) {
	since := s.Since
	*s = AlertState{}
	return Transition{At: at, Rule: *r, Since: since, Long: long, Short: short}, true
}

// Union joins intervals that overlap or touch, as pages of an objective are the union of its page rules' (§8). It
// sorts its argument.
func Union(in []Interval) []Interval {
	slices.SortFunc(in, func(a, b Interval) int { return cmp.Compare(a.From, b.From) })
	var out []Interval
	for _, i := range in {
		last := len(out) - 1
		switch {
		case last < 0 || !out[last].Open() && i.From > out[last].To:
			out = append(out, i)
		case out[last].Open():
		case i.Open() || i.To > out[last].To:
			out[last].To = i.To
		}
	}
	return out
}
