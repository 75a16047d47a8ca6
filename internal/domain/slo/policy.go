package slo

import "slices"

// DefaultPolicy is what a budget policy does when nothing else was agreed (§11).
func DefaultPolicy() []Threshold {
	return []Threshold{{0.5, "notify"}, {0.75, "warn"}, {1, "propose-freeze"}}
}

// PolicyOf is an objective's budget policy, lowest threshold first.
func PolicyOf(o Objective) []Threshold {
	ts := o.Policy
	if ts == nil {
		ts = DefaultPolicy()
	}
	ts = slices.Clone(ts)
	slices.SortStableFunc(ts, func(a, b Threshold) int {
		if a.Consumed < b.Consumed {
			return -1
		}
		return 1
	})
	return ts
}

// rearmBelow is how far consumption must fall under a threshold before it can be crossed again.
const rearmBelow = 0.05

// PolicyState is which thresholds of a policy are crossed, and in which budget period that was so.
type PolicyState struct {
	Period  Instant   // begin of the calendar period of the last look; 0 for rolling windows
	Crossed []Instant // when, by threshold; 0 = armed
}

// Crossing is a threshold that was crossed, or re-armed.
type Crossing struct {
	Threshold Threshold
	At        Instant
	Rearmed   bool
	Consumed  float64
}

// Look looks at a budget on a full hour (§11): a threshold is crossed at consumed >= it, re-armed at consumed < it -
// 0.05; a new calendar period re-arms all, then looks. It changes the state.
func (p *Plan) Look(s *PolicyState, policy []Threshold, b Budget) []Crossing {
	var out []Crossing
	if len(s.Crossed) != len(policy) {
		s.Crossed = make([]Instant, len(policy))
	}
	if p.calendar != nil {
		begin, _ := p.calendar.period(b.At)
		if begin != s.Period {
			for i, t := range policy {
				if s.Crossed[i] != 0 {
					out = append(out, Crossing{t, b.At, true, b.Consumed})
				}
				s.Crossed[i] = 0
			}
		}
		s.Period = begin
	}
	for i, t := range policy {
		switch {
		case s.Crossed[i] == 0 && !above(t.Consumed, b.Consumed):
			s.Crossed[i] = b.At
			out = append(out, Crossing{t, b.At, false, b.Consumed})
		case s.Crossed[i] != 0 && above(t.Consumed-rearmBelow, b.Consumed):
			s.Crossed[i] = 0
			out = append(out, Crossing{t, b.At, true, b.Consumed})
		}
	}
	return out
}

// HourMS is the distance of two looks.
const HourMS = 3_600_000
