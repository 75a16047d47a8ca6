package budget

import (
	"context"
	"strconv"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
)

// mostHours is how many missed hours are looked at after a stall: those before it are out of every common window.
const mostHours = 35 * 24

// look looks at every budget on each full hour since the last tick (§11): thresholds that were passed or re-armed become
// facts. After a stall the missed hours are looked at one by one, as if there had been none.
func (e *Engine) look(ctx context.Context, last, tick slo.Instant) error {
	first, to := last/slo.HourMS+1, tick/slo.HourMS
	first = max(first, to-mostHours+1)
	if first > to {
		return nil
	}
	for _, t := range e.tracks {
		if !t.mark.Filled {
			continue
		}
		policy := slo.PolicyOf(t.plan.Objective)
		for _, name := range sortedKeys(t.groups) {
			g := t.groups[name]
			state := g.policyState(policy)
			err := g.hourly(ctx, first, to, tick, func(b slo.Budget) {
				for _, c := range t.plan.Look(&state, policy, b) {
					e.facts = append(e.facts, g.crossing(c, b.At))
				}
			})
			if err != nil {
				return err
			}
			g.keepPolicy(policy, state)
		}
	}
	return nil
}

// hourly gives a budget on each of the hours first..to since 1970, those before the group's first slot left out.
func (g *group) hourly(ctx context.Context, first, to, tick slo.Instant, look func(slo.Budget)) error {
	if first == to && to*slo.HourMS == tick {
		b, err := g.meter.Budget()
		if err == nil {
			look(b)
		}
		return err
	}
	g.reader.ctx = ctx
	h, err := slo.NewHistory(g.track.plan, g.mark.First, to*slo.HourMS, g.reader, g.track.corrections, tick)
	if err != nil {
		return err
	}
	for hour := first; hour <= to; hour++ {
		if hour*slo.HourMS > h.First() {
			look(h.Budget(hour*slo.HourMS, slo.Projection))
		}
	}
	return nil
}

func thresholdKey(t slo.Threshold) string {
	return strconv.FormatFloat(t.Consumed, 'g', -1, 64) + " " + t.Action
}

func (g *group) policyState(policy []slo.Threshold) slo.PolicyState {
	s := slo.PolicyState{Period: g.mark.Period, Crossed: make([]slo.Instant, len(policy))}
	for i, t := range policy {
		s.Crossed[i] = g.mark.Crossed[thresholdKey(t)]
	}
	return s
}

func (g *group) keepPolicy(policy []slo.Threshold, s slo.PolicyState) {
	crossed := map[string]slo.Instant{}
	same := s.Period == g.mark.Period
	for i, t := range policy {
		if s.Crossed[i] != 0 {
			crossed[thresholdKey(t)] = s.Crossed[i]
		}
		same = same && s.Crossed[i] == g.mark.Crossed[thresholdKey(t)]
	}
	if same && len(crossed) == len(g.mark.Crossed) {
		return
	}
	g.mark.Period, g.mark.Crossed = s.Period, crossed
	g.track.keep(g)
}

func (g *group) crossing(c slo.Crossing, hour slo.Instant) event.Event {
	name := g.track.plan.Objective.Name
	how := "crossed"
	if c.Rearmed {
		how = "re-armed"
	}
	return event.Event{At: c.At.Time(), By: By, About: about(name),
		Key: key("budget.crossed", name, hour.Slot(), g.key, thresholdKey(c.Threshold), how),
		Fact: &event.BudgetCrossed{SLO: name, Group: g.labels, Threshold: c.Threshold.Consumed, Consumed: c.Consumed,
			Action: c.Threshold.Action, Rearmed: c.Rearmed}}
}
