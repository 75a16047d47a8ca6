package slo

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// player answers the questions of one case.
type player struct {
	plan        *Plan
	slo         replaySLO
	first       Instant
	corrections []Correction
	counters    []*Counter // nil when slots are given
	arrivals    []arrival
	fed         int
	slots       *Slots
}

func (c *replayCase) answer() ([]any, error) {
	var s replaySLO
	if err := json.Unmarshal(c.SLO, &s); err != nil {
		return nil, fmt.Errorf("read slo: %w", err)
	}
	o, versions, err := s.objective()
	if err == nil {
		err = c.composite(&s, &o)
	}
	if err != nil {
		return nil, err
	}
	qs := make([]question, len(c.Questions))
	for i, raw := range c.Questions {
		if err := json.Unmarshal(raw, &qs[i]); err != nil {
			return nil, fmt.Errorf("read question %d: %w", i+1, err)
		}
		if err := qs[i].check(c.begin(&s)); err != nil {
			return nil, fmt.Errorf("read question %d: %w", i+1, err)
		}
	}
	p := &player{slo: s, first: Instant(s.Start), corrections: c.corrections()}
	var refused error
	if p.plan, refused = NewPlan(o, versions); refused == nil {
		if err := p.load(c); err != nil {
			return nil, err
		}
	}
	answers := make([]any, len(qs))
	for _, i := range askOrder(qs) {
		q := &qs[i]
		switch {
		case q.Ask == "valid":
			answers[i] = valid(o, versions)
			continue
		case refused != nil:
			return nil, refused
		}
		if answers[i], err = p.ask(q); err != nil {
			return nil, fmt.Errorf("answer question %d, %q: %w", i+1, q.Ask, err)
		}
	}
	return answers, nil
}

func (p *player) load(c *replayCase) error {
	times := []int64{int64(p.first)}
	for _, k := range c.Corrections {
		times = append(times, k.From, k.To, k.Seen)
	}
	if err := instants(times...); err != nil {
		return err
	}
	if c.Slots != nil {
		slots, err := c.Slots.expand()
		if err != nil {
			return err
		}
		if err := instants(c.Slots.From); err != nil {
			return err
		}
		p.slots = &Slots{First: Instant(c.Slots.From).Slot()}
		for range p.plan.parts {
			p.slots.Parts = append(p.slots.Parts, slots)
		}
		p.first = Instant(c.Slots.From)
		return nil
	}
	p.counters = make([]*Counter, p.plan.Parts())
	for i := range p.counters {
		p.counters[i] = NewCounter(p.plan, i, p.first, 0)
	}
	var err error
	p.arrivals, err = c.arrivals(p.plan, p.counters)
	return err
}

// learn feeds all samples seen by k.
func (p *player) learn(k Instant) {
	for p.fed < len(p.arrivals) && p.arrivals[p.fed].Seen <= k {
		a := p.arrivals[p.fed]
		a.to.Add(a.Sample)
		p.fed++
	}
}

// countedSlots reads the slots of each part from the group of its counter; nil where the part has none yet.
type countedSlots struct{ groups []*Group }

func (r countedSlots) ReadSlots(part int, from int64, into []Slot) error {
	if r.groups[part] == nil {
		clear(into)
		return nil
	}
	return r.groups[part].ReadSlots(0, from, into)
}

// track is the counts of a group as known so far; ok is false for a group that does not exist yet.
func (p *player) track(group string) (t Track, ok bool) {
	t = Track{Plan: p.plan, First: p.first, Slots: p.slots, Corrections: p.corrections}
	if p.counters == nil {
		return t, true
	}
	r := countedSlots{}
	for _, c := range p.counters {
		r.groups = append(r.groups, c.Group(group))
	}
	t.Slots = r
	if len(p.plan.Objective.GroupBy) > 0 {
		if r.groups[0] == nil {
			return t, false
		}
		t.First, ok = r.groups[0].First()
		return t, ok
	}
	return t, true
}

func (p *player) ask(q *question) (any, error) {
	switch q.Ask {
	case "counts", "budget", "groups":
		p.learn(q.knownAt())
		return p.askCounts(q)
	case "period":
		from, to := p.plan.Period(Instant(q.At))
		return map[string]any{"from": from, "to": to}, nil
	case "rules":
		return p.rules(), nil
	case "gate":
		s := newSums(float64(q.Bad), float64(q.Total), float64(q.Allowed), 0)
		prob, opens := Gate(s, q.Severity)
		out := map[string]any{"passes": opens, "p": nil}
		if prob > 0 {
			out["p"] = prob
		}
		return out, nil
	case "alerts":
		return p.alerts(q)
	case "backtest":
		return p.backtest(q)
	case "fireability":
		return p.fireability(q), nil
	case "policy":
		return p.policy(q)
	case "ceiling":
		return q.ceiling(), nil
	}
	return nil, kit.Errorf(kit.Invalid, "nobody knows this question")
}

func (p *player) askCounts(q *question) (any, error) {
	if q.Ask == "groups" && p.counters == nil {
		return []string{""}, nil
	}
	if q.Ask == "groups" {
		names := []string{}
		for _, g := range p.counters[0].Groups() {
			names = append(names, g.Name)
		}
		return names, nil
	}
	t, ok := p.track(q.Group)
	if !ok {
		return nil, kit.Errorf(kit.NotFound, "group %q has no sample yet", q.Group)
	}
	to := Instant(max(q.To, q.At))
	h, err := NewHistory(t.Plan, t.First, to, t.Slots, t.Corrections, q.knownAt())
	if err != nil {
		return nil, err
	}
	if q.Ask == "counts" {
		bad, total, allowed, valid := h.Raw(Instant(q.From), Instant(q.To))
		return map[string]any{"bad": bad, "total": total, "valid_s": valid, "allowed": allowed, "refused": p.refused(q.Group)}, nil
	}
	return p.budgetAnswer(h.Budget(to, p.projection(), p.burns()...)), nil
}

func (p *player) refused(group string) int {
	n := 0
	for _, c := range p.counters {
		if g := c.Group(group); g != nil {
			n += g.Refused()
		}
	}
	return n
}

func (p *player) projection() time.Duration {
	if p.slo.ProjectionS > 0 {
		return seconds(p.slo.ProjectionS)
	}
	return Projection
}

func (p *player) burns() []time.Duration {
	if p.slo.BurnS == nil {
		return []time.Duration{time.Hour}
	}
	var out []time.Duration
	for _, s := range p.slo.BurnS {
		out = append(out, seconds(s))
	}
	return out
}

func (p *player) budgetAnswer(b Budget) any {
	burn := map[string]float64{}
	for _, r := range b.Burns {
		burn[strconv.FormatFloat(r.Window.Seconds(), 'f', -1, 64)] = r.Burn
	}
	if p.plan.kind == OpenSLO {
		return map[string]any{"consumed": b.Consumed, "remaining": b.Remaining, "burn": burn}
	}
	return map[string]any{
		"from": b.From, "to": b.To, "bad": b.Bad, "total": b.Total, "valid_s": b.ValidS, "clamped": b.Clamped, "sli": b.SLI,
		"consumed": b.Consumed, "remaining": b.Remaining, "remaining_current": b.RemainingCurrent, "left": b.Left, "burn": burn, "exhausts_in_s": b.ExhaustsInS,
	}
}

func (p *player) rules() any {
	kept := []any{}
	for _, r := range p.plan.Rules {
		if !r.Trickle {
			kept = append(kept, map[string]any{"name": r.Name, "severity": r.Severity, "long_s": r.Long.Seconds(), "short_s": r.Short.Seconds(), "factor": r.Factor, "resolve_s": r.Resolve.Seconds()})
		}
	}
	return map[string]any{"kept": kept, "left_out": leftOut(p.plan.LeftOut)}
}

func leftOut(left []LeftOut) []any {
	out := []any{}
	for _, l := range left {
		out = append(out, map[string]any{"name": l.Name, "why": l.Why})
	}
	return out
}

func valid(o Objective, versions []Version) any {
	for _, problem := range o.Check(versions...) {
		if problem.Severity == kit.SeverityError {
			return map[string]any{"ok": false, "problem": strings.TrimPrefix(problem.Rule, "slo-")}
		}
	}
	return map[string]any{"ok": true, "problem": nil}
}
