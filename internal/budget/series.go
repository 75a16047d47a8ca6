package budget

import (
	"context"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/count"
)

// handle is what questions about a group's past need.
type handle struct {
	ids         []count.ID
	first       slo.Instant
	corrections []slo.Correction
}

// Series is an objective's past for charts: one point a step, computed from the counts as they are known now.
type Series struct {
	Step   time.Duration
	Burns  []time.Duration // windows of Point.Burn
	Points []Point
}

// Point is the state of a budget at an instant, and what was counted in the step that ends there.
type Point struct {
	At        time.Time
	Remaining float64   // share of the budget left
	SLI       *float64  // over the budget window; nil without events
	Bad       float64   // events in the step, unclamped
	Total     float64   // events in the step
	ValidS    float64   // seconds in the step that count
	Burn      []float64 // rates over Series.Burns
}

// mostPoints bounds one answer.
const mostPoints = 2000

// Series answers at from+step, ... up to `to`, at most 2,000 points. group is Group.Key, "" for the only one. burns are the
// windows whose rates are wanted. An unknown objective or group is kit.NotFound. Safe to call from any goroutine.
func (e *Engine) Series(ctx context.Context, name, group string, from, to time.Time, step time.Duration, burns ...time.Duration) (Series, error) {
	out := Series{Step: step, Burns: burns}
	if step < time.Minute || step%time.Minute != 0 || to.Sub(from)/step > mostPoints {
		return out, kit.Errorf(kit.Invalid, "a step of %v gives more than %d points or is not whole minutes", step, mostPoints)
	}
	s, g, err := e.find(name, group)
	if err != nil {
		return out, err
	}
	now := slo.At(e.Now().At)
	last := min(slo.At(to), now)
	reach := max(slo.Projection, step, longestOf(burns))
	h, err := e.pastSince(ctx, s, g, s.reach(slo.At(from), reach), now)
	if err != nil {
		return out, err
	}
	for at := slo.At(from) + slo.Instant(step.Milliseconds()); at <= last; at += slo.Instant(step.Milliseconds()) {
		if at < h.First() {
			continue
		}
		b := h.Budget(at, slo.Projection)
		p := Point{At: at.Time(), Remaining: b.Remaining, SLI: b.SLI}
		p.Bad, p.Total, _, p.ValidS = h.Raw(at-slo.Instant(step.Milliseconds()), at)
		for _, w := range burns {
			p.Burn = append(p.Burn, h.Burn(at, w).Burn)
		}
		out.Points = append(out.Points, p)
	}
	return out, nil
}

// At is the budget at any past instant, from the counts as they are known now and the corrections known at `known`.
func (e *Engine) At(ctx context.Context, name, group string, at, known time.Time) (slo.Budget, error) {
	s, g, err := e.find(name, group)
	if err != nil {
		return slo.Budget{}, err
	}
	to := min(slo.At(at), slo.At(e.Now().At))
	h, err := slo.NewHistorySince(s.Plan, g.handle.first, s.reach(to, longestOf(slo.DefaultBurns)), to,
		newReader(ctx, e.counts, g.handle.ids), g.handle.corrections, slo.At(known))
	if err != nil {
		return slo.Budget{}, err
	}
	return h.Budget(slo.At(at), slo.Projection, slo.DefaultBurns...), nil
}

// Sums is the unclamped counts of [from, to): bad and total events, what the targets allowed, seconds that count.
func (e *Engine) Sums(ctx context.Context, name, group string, from, to time.Time) (bad, total, allowed, validS float64, err error) {
	s, g, err := e.find(name, group)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	h, err := e.pastSince(ctx, s, g, slo.At(from), slo.At(e.Now().At))
	if err != nil {
		return 0, 0, 0, 0, err
	}
	bad, total, allowed, validS = h.Raw(slo.At(from), slo.At(to))
	return bad, total, allowed, validS, nil
}

// reach is the begin of whatever a question at an instant, or after it, may look at: its budget window, and others.
func (s *Status) reach(at slo.Instant, others time.Duration) slo.Instant {
	from, _ := s.Plan.Period(at)
	return min(from, at-slo.Instant((others+s.Plan.Unit()).Milliseconds()))
}

func longestOf(ds []time.Duration) time.Duration {
	longest := time.Duration(0)
	for _, d := range ds {
		longest = max(longest, d)
	}
	return longest
}

func (e *Engine) find(name, group string) (*Status, *Group, error) {
	s := e.Now().Find(name)
	if s == nil {
		return nil, nil, kit.Errorf(kit.NotFound, "no objective is named %q", name)
	}
	for i := range s.Groups {
		if s.Groups[i].Key == group {
			return s, &s.Groups[i], nil
		}
	}
	return nil, nil, kit.Errorf(kit.NotFound, "objective %s has counted nothing yet for group %q", name, group)
}
