package slo

// alerts answers when each rule fired. Slots are known from the beginning: they are evaluated as history. Samples come
// in while the clock goes on: they are evaluated as they are live.
func (p *player) alerts(q *question) (any, error) {
	from, to := Instant(q.From), Instant(q.To)
	var runs []RuleRun
	var err error
	if p.counters == nil {
		t, _ := p.track(q.Group)
		var all [][]RuleRun
		if all, err = Alerts(t, from+1, to, p.plan); err == nil {
			runs = all[0]
		}
	} else {
		runs, err = p.live(q.Group, from, to)
	}
	if err != nil {
		return nil, err
	}
	out := map[string]any{"pages": spans(Severity(runs, Page)), "tickets": spans(Severity(runs, Ticket))}
	for _, r := range runs {
		out[r.Rule.Name] = spans(r.Fired)
	}
	return out, nil
}

// live evaluates a group tick by tick, each knowing what had been seen by then.
func (p *player) live(group string, from, to Instant) ([]RuleRun, error) {
	runs := make([]RuleRun, len(p.plan.Rules))
	names := map[string]int{}
	for i, r := range p.plan.Rules {
		runs[i].Rule = r
		names[r.Name] = i
	}
	var m *Meter
	for tick := Instant(floorTo(int64(from), SlotMS)) + SlotMS; tick <= to; tick += SlotMS {
		p.learn(tick)
		t, ok := p.track(group)
		if !ok {
			continue
		}
		changes := p.drain(group)
		if m == nil || SlotStart(m.first) != t.First {
			var states map[string]AlertState
			if m != nil {
				states = m.States()
			}
			m = NewMeter(p.plan, t.First, t.Slots, t.Corrections)
			if err := m.Start(tick-SlotMS, states); err != nil {
				return nil, err
			}
		} else if err := m.Changed(changes); err != nil {
			return nil, err
		}
		changed, err := m.Advance(tick)
		if err != nil {
			return nil, err
		}
		for _, t := range changed {
			runs[names[t.Rule.Name]].note(t)
		}
	}
	return runs, nil
}

func (p *player) drain(group string) []Change {
	var out []Change
	for part, c := range p.counters {
		g := c.Group(group)
		if g == nil {
			continue
		}
		for _, d := range g.Drain() {
			out = append(out, Change{part, d.N, d.Before, d.After})
		}
	}
	return out
}

func spans(in []Interval) []any {
	out := []any{}
	for _, i := range in {
		if i.Open() {
			out = append(out, []any{i.From, nil})
		} else {
			out = append(out, []any{i.From, i.To})
		}
	}
	return out
}

func (p *player) backtest(q *question) (any, error) {
	ask := BacktestQuestion{From: Instant(q.From), To: Instant(q.To)}.DefaultGrace()
	if q.GraceS != nil {
		ask.GraceBefore, ask.GraceAfter = seconds(q.GraceS[0]), seconds(q.GraceS[1])
	}
	if q.MergeS != nil {
		ask.Merge = seconds(*q.MergeS)
	}
	for _, n := range q.Incidents {
		ask.Incidents = append(ask.Incidents, Incident{From: Instant(n[0]), To: Instant(n[1])})
	}
	p.learn(ask.To)
	t, _ := p.track(q.Group)
	tests, err := RunBacktest(t, ask, p.plan)
	if err != nil {
		return nil, err
	}
	b := tests[0]
	missed, falsePages := []Instant{}, append([]Instant{}, b.FalsePages...)
	for _, n := range b.Missed {
		missed = append(missed, n.From)
	}
	return map[string]any{
		"pages": len(b.Pages), "incidents": b.Incidents, "matched_pages": b.MatchedPages, "detected": b.Detected, "precision": b.Precision, "recall": b.Recall,
		"detect_p50_s": b.DetectP50S, "detect_p95_s": b.DetectP95S, "reset_p50_s": b.ResetP50S, "reset_p95_s": b.ResetP95S, "pages_per_week": b.PagesPerWeek,
		"spent_before_page_max": b.SpentMax, "missed": missed, "false_pages": falsePages, "page_spans": spans(b.Pages),
	}, nil
}

func (p *player) fireability(q *question) any {
	proof := Prove(p.plan, float64(q.Rate))
	rules := map[string]any{}
	for _, r := range proof.Rules {
		rules[r.Rule.Name] = map[string]any{"fires_after_s": r.FiresS, "ends_after_s": r.EndsS}
	}
	return map[string]any{"rules": rules, "left_out": leftOut(proof.Left)}
}

func (p *player) policy(q *question) (any, error) {
	policy := make([]Threshold, len(q.Thresholds))
	for i, t := range q.Thresholds {
		v, err := t.float()
		if err != nil {
			return nil, err
		}
		policy[i] = Threshold{Consumed: v}
	}
	p.learn(Instant(q.To))
	t, _ := p.track(q.Group)
	var state PolicyState
	type crossed struct {
		threshold looseText
		at, back  Instant
	}
	var all []*crossed
	open := map[float64]*crossed{}
	for _, e := range epochs(t.Corrections, Instant(q.From), Instant(q.To)) {
		h, err := NewHistory(t.Plan, t.First, e.To, t.Slots, t.Corrections, e.From)
		if err != nil {
			return nil, err
		}
		for at := Instant(ceilTo(int64(e.From), HourMS)); at <= e.To; at += HourMS {
			for _, c := range p.plan.Look(&state, policy, h.Budget(at, Projection)) {
				if c.Rearmed {
					open[c.Threshold.Consumed].back = at
					continue
				}
				x := &crossed{at: at}
				for i, t := range policy {
					if t == c.Threshold {
						x.threshold = q.Thresholds[i]
					}
				}
				all, open[c.Threshold.Consumed] = append(all, x), x
			}
		}
	}
	out := []any{}
	for _, x := range all {
		var back any
		if x.back != 0 {
			back = x.back
		}
		out = append(out, []any{x.threshold, x.at, back})
	}
	return out, nil
}

func (q *question) ceiling() any {
	own := 1.0
	if q.Own != nil {
		own = float64(*q.Own)
	}
	var deps []Dependency
	for _, d := range q.Deps {
		dep := Dependency{Availability: float64(d.Availability), Soft: d.Kind == "soft", Impact: float64(d.Impact), Need: d.Need}
		for _, a := range d.Group {
			dep.Group = append(dep.Group, float64(a))
		}
		deps = append(deps, dep)
	}
	serial, best := Ceiling(own, deps)
	return map[string]any{"serial": serial, "best": best}
}
