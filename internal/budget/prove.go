package budget

import (
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
)

// prove injects an outage into every objective that is new or was edited, as far as there is time (§9). One that had no
// traffic to prove anything with is tried as soon as an event was counted, one whose rules could not fire each hour.
func (e *Engine) prove(tick slo.Instant, begun time.Time) {
	for _, t := range e.tracks {
		agreement := t.digest + " " + t.agreed
		if !t.mark.Filled || t.plan.Objective.NoAlerts || !e.spare(begun) {
			continue
		}
		retry := t.proof != nil && (t.proof.Rate == 0 && t.rate(tick) > 0 || !t.proof.Fires && tick%slo.HourMS == 0)
		if t.mark.Proved == agreement && t.proof != nil && !retry {
			continue
		}
		t.proof = t.prove(tick)
		rated := t.proof.Rate > 0
		if t.mark.Proved == agreement && (!rated || t.mark.Rated && t.mark.Fires == t.proof.Fires) {
			continue // recorded before
		}
		e.facts = append(e.facts, t.proofEvent(tick))
		t.mark.Proved, t.mark.Rated, t.mark.Fires, t.dirty = agreement, rated, t.proof.Fires, true
	}
}

// rate is the recent mean of events a slot over three days, of the group that has most.
func (t *track) rate(tick slo.Instant) float64 {
	const days = 72 * time.Hour
	most := 0.0
	for _, g := range t.groups {
		w, ok := g.meter.Window(days)
		slots := min(int64(days.Milliseconds()), int64(tick-g.mark.First)) / slo.SlotMS
		if ok && slots > 0 {
			most = max(most, w.Total/float64(slots))
		}
	}
	return most
}

func (t *track) prove(tick slo.Instant) *Proof {
	rate := t.rate(tick)
	out := &Proof{Proof: slo.Proof{Rate: rate, Left: t.plan.LeftOut}, At: tick.Time()}
	if rate == 0 {
		out.Problem = t.why()
		return out
	}
	out.Proof = slo.Prove(t.plan, rate)
	if !out.Fires {
		out.Problem = fmt.Sprintf("at %.3g events a minute not even a total outage makes a rule fire", rate)
	}
	return out
}

// why says why nothing was counted.
func (t *track) why() string {
	for i, in := range t.intake.inlets {
		if in.within < 0 && t.seeded && len(t.series[i]) == 0 {
			return fmt.Sprintf("no series matches %s", in.selector)
		}
	}
	if !t.seeded {
		return "its metric source did not answer yet"
	}
	return "its series counted no event in three days"
}

func (t *track) proofEvent(tick slo.Instant) event.Event {
	name, p := t.plan.Objective.Name, t.proof
	fact := &event.AlertProved{SLO: name, Version: t.agreed, Rate: p.Rate, Fires: p.Fires, Problem: p.Problem}
	for _, r := range p.Rules {
		fact.Rules = append(fact.Rules, event.RuleProof{Rule: r.Rule.Name, FiresS: seconds(r.FiresS), EndsS: seconds(r.EndsS)})
	}
	return event.Event{At: tick.Time(), By: By, About: about(name), Fact: fact,
		Key: key("alert.proved", name, t.mark.Targets[len(t.mark.Targets)-1].From.Slot(), t.digest, t.agreed, fmt.Sprint(p.Rate > 0, p.Fires))}
}

func seconds(f *float64) *int64 {
	if f == nil {
		return nil
	}
	n := int64(*f)
	return &n
}
