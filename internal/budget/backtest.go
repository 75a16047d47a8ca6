package budget

import (
	"context"
	"fmt"
	"slices"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// Policy is an alert policy to be tried: burn-rate pairs under a name. Nil pairs are the tier's defaults.
type Policy struct {
	Name  string
	Pairs []slo.Pair
}

// Trial is how one policy did on one group of an objective.
type Trial struct {
	Policy Policy
	slo.Backtest
}

// Verdict is the back-test of one group: the recommended policy first, the others behind it in the order of §10.7.
type Verdict struct {
	Group    string // slo.GroupName of the group labels' values; "" without groups
	From, To time.Time
	Slots    int     // that were covered by samples, of those asked for
	Asked    int     //
	Events   float64 // in [From, To)
	Trials   []Trial
	Tradeoff string // what the first gives up against the next, in a sentence; "" where there is one policy only
}

// Backtest reads the raw history of an objective once and tells how each policy would have done: the evaluator is the one
// that alerts live. Samples before from count in the windows as far as the source has them. No policy means the
// objective's own. The verdicts are by group; none where no series matches.
func Backtest(ctx context.Context, o slo.Objective, src metric.Source, q slo.BacktestQuestion, policies ...Policy) ([]Verdict, error) {
	t, plans, policies, err := backtestTrack(o, policies, q.To)
	if err != nil {
		return nil, err
	}
	t.source = &source{Source: Source{Source: src}}
	reach := max(t.plan.Length(), longest(plans))
	begin := slo.SlotStart(q.From.Slot()) - slo.Instant(reach.Milliseconds())
	if !o.Start.IsZero() {
		begin = max(begin, slo.At(o.Start))
	}
	past, err := t.past(ctx, begin, q.To)
	if err != nil {
		return nil, fmt.Errorf("read the history of %s: %w", o.Name, err)
	}
	var out []Verdict
	for _, name := range sortedKeys(past) {
		p := past[name]
		v, err := judge(slo.Track{Plan: t.plan, First: p.first, Slots: p.slots}, q, plans, policies)
		if err != nil {
			return nil, fmt.Errorf("back-test %s: %w", o.Name, err)
		}
		v.Group = name
		v.Slots, v.Events = p.covered(q.From, q.To)
		v.Asked = int(q.To.Slot() - q.From.Slot())
		out = append(out, v)
	}
	return out, nil
}

// Backtest is the same over the counts that the evaluation stored, corrections included.
func (e *Engine) Backtest(ctx context.Context, name, group string, q slo.BacktestQuestion, policies ...Policy) (Verdict, error) {
	s, g, err := e.find(name, group)
	if err != nil {
		return Verdict{}, err
	}
	_, plans, policies, err := backtestTrack(s.Objective, policies, q.To)
	if err != nil {
		return Verdict{}, err
	}
	r := newReader(ctx, e.counts, g.handle.ids)
	first := max(g.handle.first, slo.SlotStart(q.From.Slot())-slo.Instant(max(s.Plan.Length(), longest(plans)).Milliseconds()))
	v, err := judge(slo.Track{Plan: s.Plan, First: first, Slots: r, Corrections: g.handle.corrections}, q, plans, policies)
	if err != nil {
		return Verdict{}, fmt.Errorf("back-test %s: %w", name, err)
	}
	v.Group = group
	buf := make([]slo.Slot, max(0, q.To.Slot()-q.From.Slot()))
	if err := r.ReadSlots(0, q.From.Slot(), buf); err != nil {
		return Verdict{}, err
	}
	v.Asked = len(buf)
	v.Slots, v.Events = tally(buf)
	return v, nil
}

// backtestTrack makes the plans of all policies.
func backtestTrack(o slo.Objective, policies []Policy, to slo.Instant) (*track, []*slo.Plan, []Policy, error) {
	if o.Tier < 0 {
		o.Tier = 1
	}
	o.NoAlerts = false
	if len(policies) == 0 {
		policies = []Policy{{Name: "in force", Pairs: o.Pairs}}
	}
	t, err := newTrack(o, "", trackMark{}, to)
	if err != nil {
		return nil, nil, nil, err
	}
	var plans []*slo.Plan
	for _, p := range policies {
		with := o
		with.Pairs = p.Pairs
		plan, err := slo.NewPlan(with, nil)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("policy %s: %w", p.Name, err)
		}
		plans = append(plans, plan)
	}
	return t, plans, policies, nil
}

func longest(plans []*slo.Plan) time.Duration {
	out := 3 * 24 * time.Hour
	for _, p := range plans {
		for _, r := range p.Rules {
			out = max(out, r.Long)
		}
	}
	return out
}

func judge(t slo.Track, q slo.BacktestQuestion, plans []*slo.Plan, policies []Policy) (Verdict, error) {
	v := Verdict{From: q.From.Time(), To: q.To.Time()}
	if q.To <= q.From {
		return v, kit.Errorf(kit.Invalid, "a back-test from %s to %s has no length", v.From.Format(time.RFC3339), v.To.Format(time.RFC3339))
	}
	results, err := slo.RunBacktest(t, q, plans...)
	if err != nil {
		return v, err
	}
	names := map[*slo.Plan]Policy{}
	for i, p := range plans {
		names[p] = policies[i]
	}
	slo.Rank(results)
	for _, r := range results {
		v.Trials = append(v.Trials, Trial{names[r.Plan], r})
	}
	v.Tradeoff = tradeoff(v.Trials)
	return v, nil
}

// tradeoff says what the recommended policy gives up against the next one.
func tradeoff(ts []Trial) string {
	if len(ts) < 2 {
		return ""
	}
	a, b := ts[0], ts[1]
	return fmt.Sprintf("%s: %s. Next, %s: %s.", a.Policy.Name, inWords(a.Backtest), b.Policy.Name, inWords(b.Backtest))
}

func inWords(b slo.Backtest) string {
	s := fmt.Sprintf("%d of %d incidents paged, %d of %d pages for an incident", b.Detected, b.Incidents, b.MatchedPages, len(b.Pages))
	if b.DetectP50S != nil {
		s += ", half within " + kit.Duration(time.Duration(*b.DetectP50S*float64(time.Second)))
	}
	return s + fmt.Sprintf(", %.2g pages a week", b.PagesPerWeek)
}

// past is what the counters made of a stretch of history.
type past struct {
	first slo.Instant
	slots *slo.Slots
}

func (p *past) covered(from, to slo.Instant) (slots int, events float64) {
	buf := make([]slo.Slot, max(0, to.Slot()-from.Slot()))
	_ = p.slots.ReadSlots(0, from.Slot(), buf)
	return tally(buf)
}

func tally(slots []slo.Slot) (covered int, events float64) {
	for _, s := range slots {
		if s.Covered() {
			covered++
		}
		events += s.Total
	}
	return covered, events
}

// past reads raw samples from begin (and the day before it, for where counters stood) and keeps the slots of every group.
// The objective starts at its first sample.
func (t *track) past(ctx context.Context, begin, to slo.Instant) (map[string]*past, error) {
	t.begin(begin, slo.Keep)
	t.since = begin - dayBack
	out := map[string]*past{}
	for at := begin - dayBack; at < to; {
		next := min(to, slo.SlotStart((at + stride).Slot()))
		if err := t.read(ctx, at, next); err != nil {
			return nil, err
		}
		for part, c := range t.counters {
			for _, g := range c.Groups() {
				collect(out, g, part, len(t.counters), max(begin, at).SlotUp(), begin.SlotUp(), to.Slot())
			}
			c.Prune(next)
		}
		at = next
	}
	for name, p := range out {
		if p.trim(); len(p.slots.Parts) == 0 {
			delete(out, name)
		}
	}
	return out, nil
}

// collect takes what a group counted into its slots, which begin where its first sample was read.
func collect(out map[string]*past, g *slo.Group, part, parts int, now, from, to int64) {
	counted := g.Drain()
	p := out[g.Name]
	if p == nil {
		if len(counted) == 0 || counted[len(counted)-1].N < from {
			return
		}
		first := max(from, min(now, counted[0].N))
		p = &past{slots: &slo.Slots{First: first, Parts: make([][]slo.Slot, parts)}}
		for i := range p.slots.Parts {
			p.slots.Parts[i] = make([]slo.Slot, to-first)
		}
		out[g.Name] = p
	}
	from = p.slots.First
	slots := p.slots.Parts[part]
	for _, d := range counted {
		if d.N < from || d.N >= to {
			continue
		}
		s := &slots[d.N-from]
		if !d.Patch {
			*s = d.After
			continue
		}
		s.Bad += d.After.Bad - d.Before.Bad
		s.Total += d.After.Total - d.Before.Total
		s.ValidS = max(s.ValidS, d.After.ValidS)
	}
}

// trim lets the objective begin at its first sample.
func (p *past) trim() {
	first := int64(-1)
	for _, slots := range p.slots.Parts {
		if i := slices.IndexFunc(slots, slo.Slot.Covered); i >= 0 && (first < 0 || int64(i) < first) {
			first = int64(i)
		}
	}
	if first < 0 {
		p.slots.Parts = nil
		return
	}
	p.first = slo.SlotStart(p.slots.First + first)
}
