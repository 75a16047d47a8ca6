package budget

import (
	"strconv"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
)

// look looks at every budget on full hours (§11): thresholds that were passed or re-armed become facts.
func (e *Engine) look(last, tick slo.Instant) error {
	if last/slo.HourMS == tick/slo.HourMS {
		return nil
	}
	hour := tick / slo.HourMS * slo.HourMS
	for _, t := range e.tracks {
		if !t.mark.Filled {
			continue
		}
		policy := slo.PolicyOf(t.plan.Objective)
		for _, name := range sortedKeys(t.groups) {
			g := t.groups[name]
			b, err := g.meter.Budget()
			if err != nil {
				return err
			}
			state := g.policyState(policy)
			for _, c := range t.plan.Look(&state, policy, b) {
				e.facts = append(e.facts, g.crossing(c, hour))
			}
			g.keepPolicy(policy, state)
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
