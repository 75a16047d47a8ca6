package pages

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/web"
)

func (d *Desk) objective(ctx context.Context, ask web.ObjectiveAsk) (web.ObjectiveDetail, error) {
	now := d.stands()
	snap, dir := now.snap, now.dir
	s := snap.Find(ask.Name)
	if s == nil {
		return web.ObjectiveDetail{}, kit.Errorf(kit.NotFound, "objective %s does not exist", ask.Name)
	}
	g, err := groupOf(s, ask.Group)
	if err != nil {
		return web.ObjectiveDetail{}, err
	}
	out := web.ObjectiveDetail{Objective: now.objective(s, g), Spec: s.Objective, Deviations: s.Inexact, PolicyFile: "evenkeel.yaml",
		Definition: excerpt(dir, s.Objective.File, s.Objective.Line)}
	for i := range s.Groups {
		out.Groups = append(out.Groups, s.Groups[i].Key)
	}
	if e, ok := dir.Catalog.Service(s.Objective.Service); ok {
		out.OnCall, out.Ceiling = onCall(dir.Catalog.OnCallFor(e.Ref)), ceilingOf(dir.Catalog, e.Ref, dir.Targets())
	}
	out.Range = ask.Range
	if out.Range.From.IsZero() {
		out.Range = kit.Range{From: snap.At.Add(-s.Plan.Length()), To: snap.At}
	}
	if out.Incidents, err = d.incidentsIn(ctx, s.Objective.Service, []string{s.Objective.Name}, out.Range); err != nil {
		return web.ObjectiveDetail{}, err
	}
	if e, ok := dir.Catalog.Service(s.Objective.Service); ok {
		out.Changes = d.changesIn(e.Ref, out.Range)
	}
	if err := d.recorded(ctx, s.Plan, g, &out); err != nil {
		return web.ObjectiveDetail{}, err
	}
	if s.Proof != nil {
		seq := int64(0)
		if out.Proof != nil {
			seq = out.Proof.Seq
		}
		out.Proof = proofOf(s.Proof)
		out.Proof.Seq = seq
	}
	if g != nil {
		out.Rules = rulesOf(g.Rules, s.Plan)
		out.Policy = policyOf(s, out.Policy)
		return out, d.drawn(ctx, &out, g, snap.At)
	}
	return out, nil
}

// groupOf is the group that was asked for, the worst where none was; nil while none has a sample.
func groupOf(s *budget.Status, key string) (*budget.Group, error) {
	if key == "" {
		return s.Worst(), nil
	}
	for i := range s.Groups {
		if s.Groups[i].Key == key {
			return &s.Groups[i], nil
		}
	}
	return nil, kit.Errorf(kit.NotFound, "objective %s has no group %s", s.Objective.Name, key)
}

func rulesOf(rules []budget.RuleState, p *slo.Plan) []web.Rule {
	var out []web.Rule
	for _, r := range rules {
		row := web.Rule{Name: ruleWords(r.Rule), Severity: r.Severity, Factor: r.Factor,
			Long:  web.WindowNow{Len: r.Long, Burn: r.Counts.Burn, Bad: r.Counts.Bad, All: r.Counts.Total},
			Short: web.WindowNow{Len: r.Short, Burn: r.Recent.Burn, Bad: r.Recent.Bad, All: r.Recent.Total},
			Spend: r.Factor * r.Long.Seconds() / p.Length().Seconds(), Thin: r.Trickle}
		if r.Firing {
			row.Since = r.Since.Time()
		} else if r.Factor > 0 && r.Counts.Burn > r.Factor && r.Recent.Burn > r.Factor {
			row.Held = "too few failures to tell from chance"
		}
		out = append(out, row)
	}
	return out
}

// policyOf lists the thresholds of the budget policy with when each was crossed last.
func policyOf(s *budget.Status, crossed []web.PolicyLine) []web.PolicyLine {
	var out []web.PolicyLine
	for _, t := range slo.PolicyOf(s.Objective) {
		line := web.PolicyLine{Left: 1 - t.Consumed, Action: t.Action}
		for _, c := range crossed {
			if c.Left == line.Left {
				line.At, line.Seq = c.At, c.Seq
			}
		}
		out = append(out, line)
	}
	return out
}

func proofOf(p *budget.Proof) *web.Proof {
	out := &web.Proof{At: p.At, Fires: p.Fires, Problem: p.Problem}
	after := func(s *float64) time.Duration {
		if s == nil {
			return -1
		}
		return time.Duration(*s * float64(time.Second))
	}
	for _, r := range p.Rules {
		out.Rules = append(out.Rules, web.ProofRule{Rule: ruleWords(r.Rule), Fires: after(r.FiresS), Ends: after(r.EndsS), Thin: r.Rule.Trickle})
	}
	return out
}

// ofAnother says that a fact is about another group of the objective than the one that is shown.
func ofAnother(g *budget.Group, f event.Fact) bool {
	if g == nil || len(g.Labels) == 0 {
		return false
	}
	switch f := f.(type) {
	case *event.AlertFired:
		return !maps.Equal(f.Group, g.Labels)
	case *event.BudgetCrossed:
		return !maps.Equal(f.Group, g.Labels)
	}
	return false
}

// recordedProof is a proof as it was recorded, where this process has made none itself.
func recordedProof(p *slo.Plan, e event.Event, f *event.AlertProved) *web.Proof {
	out := &web.Proof{At: e.At, Fires: f.Fires, Problem: f.Problem, Seq: e.Seq}
	after := func(s *int64) time.Duration {
		if s == nil {
			return -1
		}
		return time.Duration(*s) * time.Second
	}
	for _, r := range f.Rules {
		row := web.ProofRule{Rule: r.Rule, Fires: after(r.FiresS), Ends: after(r.EndsS)}
		if i := slices.IndexFunc(p.Rules, func(x slo.Rule) bool { return x.Name == r.Rule }); i >= 0 {
			row.Rule, row.Thin = ruleWords(p.Rules[i]), p.Rules[i].Trickle
		}
		out.Rules = append(out.Rules, row)
	}
	return out
}

// objectiveFacts are the kinds that an objective's page tells.
var objectiveFacts = []event.Kind{"alert.fired", "alert.ended", "alert.proved", "budget.corrected", "budget.crossed", "source.gap"}

// recorded fills in what the ledger says about an objective: alerts, corrections, gaps, crossings, evidence.
func (d *Desk) recorded(ctx context.Context, p *slo.Plan, g *budget.Group, out *web.ObjectiveDetail) error {
	about := event.NewRef("slo", out.Name)
	found, err := d.Ledger.Find(ctx, ledger.Filter{About: about, Kinds: objectiveFacts, Limit: ledger.MaxFind})
	if err != nil {
		return err
	}
	ended := map[string]time.Time{}
	for _, e := range found.Events { // newest first, so an end comes before its begin
		if ofAnother(g, e.Fact) {
			continue
		}
		switch f := e.Fact.(type) {
		case *event.AlertEnded:
			ended[f.AlertID] = f.EndsAt
		case *event.AlertFired:
			a := web.Alert{Range: kit.Range{From: f.StartsAt, To: ended[f.AlertID]}, Rule: ruleNamed(p, f), Severity: f.Severity, Seq: e.Seq}
			if !a.From.After(out.Range.To) && (a.To.IsZero() || a.To.After(out.Range.From)) {
				out.Alerts = append(out.Alerts, a)
			}
		case *event.AlertProved:
			if out.Proof == nil {
				out.Proof = recordedProof(p, e, f)
			}
		case *event.BudgetCorrected:
			out.Corrections = corrected(out.Corrections, e, f)
		case *event.BudgetCrossed:
			if !f.Rearmed {
				out.Policy = append(out.Policy, web.PolicyLine{Left: 1 - f.Threshold, Action: f.Action, At: e.At, Seq: e.Seq})
			}
		}
		if len(out.Evidence) < 8 {
			out.Evidence = append(out.Evidence, web.Evidence{Seq: e.Seq, Kind: e.Kind, Words: words(e)})
		}
	}
	if out.Gaps, err = d.gaps(ctx, p, g, out); err != nil {
		return err
	}
	versions, err := projection.PolicyVersions(ctx, d.Ledger.DB().Read(), about)
	if err != nil {
		return err
	}
	out.Versions = len(versions)
	if len(versions) > 0 {
		out.Definition.Since = versions[0].From
	}
	return nil
}

// shownGaps is how many stretches without data a page lists.
const shownGaps = 50

// gaps are the stretches without data of an objective: those of its metric source, and its own where the source answered.
// Newest first.
func (d *Desk) gaps(ctx context.Context, p *slo.Plan, g *budget.Group, out *web.ObjectiveDetail) ([]web.Gap, error) {
	own := event.NewRef("slo", out.Name)
	if g != nil && len(g.Labels) > 0 {
		var values []string
		for _, label := range p.Objective.GroupBy {
			values = append(values, g.Labels[label])
		}
		own = event.NewRef("slo", out.Name+"{"+slo.GroupName(values)+"}")
	}
	var list []web.Gap
	for _, ref := range []event.Ref{event.NewRef("source", sourceName(out.Spec.Indicator.Metrics)), own} {
		found, err := projection.GapsOf(ctx, d.Ledger.DB().Read(), ref, out.Range.From, out.Range.To, shownGaps)
		if err != nil {
			return nil, err
		}
		for _, g := range found {
			gap := web.Gap{Range: kit.Range{From: g.From, To: g.To}, Reason: g.Reason, Effect: out.Spec.NoData, Seq: g.Seq}
			if ref != own {
				gap.Source = g.Source
			} else if slices.ContainsFunc(list, func(s web.Gap) bool { return s.Source != "" && touch(s.Range, gap.Range) }) {
				continue // the source says it already
			}
			list = append(list, gap)
		}
	}
	slices.SortStableFunc(list, func(a, b web.Gap) int { return b.From.Compare(a.From) })
	return list, nil
}

// touch says whether two stretches overlap or meet within a minute; an open end reaches for ever.
func touch(a, b kit.Range) bool {
	const slack = time.Minute
	return (a.To.IsZero() || !b.From.After(a.To.Add(slack))) && (b.To.IsZero() || !a.From.After(b.To.Add(slack)))
}

// corrected adds a correction to the list, or marks one as taken back; facts come newest first.
func corrected(list []web.Corrected, e event.Event, f *event.BudgetCorrected) []web.Corrected {
	if f.Revoked {
		return append(list, web.Corrected{ID: f.CorrectionID, Revoked: true, Seq: e.Seq, At: e.At})
	}
	c := web.Corrected{ID: f.CorrectionID, Range: kit.Range{From: f.From, To: f.To}, Effect: f.Effect, Reason: f.Reason.Plain(), By: e.By, At: e.At, Seq: e.Seq, Delta: nan}
	for i, was := range list {
		if was.ID == c.ID && was.Revoked {
			c.Revoked = true
			list[i] = c
			return list
		}
	}
	return append(list, c)
}

// ruleNamed names the rule of an alert as the rules in force are named; one that is gone keeps the name it had.
func ruleNamed(p *slo.Plan, f *event.AlertFired) string {
	for _, r := range p.Rules {
		if r.Name == f.Rule && r.Severity == f.Severity {
			return ruleWords(r)
		}
	}
	return f.Rule
}

// words says in a few words what a fact is.
func words(e event.Event) string {
	switch f := e.Fact.(type) {
	case *event.AlertFired:
		if f.Long != nil {
			return fmt.Sprintf("%s: %s of %s failed in %s, with the query", f.Severity, kit.Count(f.Long.Bad), kit.Count(f.Long.Total), kit.Duration(time.Duration(f.Long.WindowS)*time.Second))
		}
		return f.Severity
	case *event.AlertEnded:
		return "ended, " + f.How
	case *event.AlertProved:
		if f.Fires {
			return "a total outage was injected and fired"
		}
		return f.Problem
	case *event.BudgetCorrected:
		if f.Revoked {
			return "correction taken back"
		}
		return f.Effect
	case *event.BudgetCrossed:
		return kit.Percent(f.Consumed, 0) + " of the budget consumed: " + f.Action
	case *event.SourceGap:
		return f.Reason
	}
	return ""
}
