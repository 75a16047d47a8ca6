package pages

import (
	"context"
	"fmt"
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
	snap := d.Budget.Now()
	s := snap.Find(ask.Name)
	if s == nil {
		return web.ObjectiveDetail{}, kit.Errorf(kit.NotFound, "objective %s does not exist", ask.Name)
	}
	g, err := groupOf(s, ask.Group)
	if err != nil {
		return web.ObjectiveDetail{}, err
	}
	dir := d.directory()
	out := web.ObjectiveDetail{Objective: d.objectiveOf(s, g, snap.At), Spec: s.Objective, Deviations: s.Inexact, PolicyFile: "evenkeel.yaml",
		Definition: excerpt(dir, s.Objective.File, s.Objective.Line)}
	for i := range s.Groups {
		out.Groups = append(out.Groups, s.Groups[i].Key)
	}
	if e, ok := dir.Catalog.Service(s.Objective.Service); ok {
		out.OnCall, out.Ceiling = dir.Catalog.OnCallFor(e.Ref), ceilingOf(dir.Catalog, e.Ref, dir.Targets())
	}
	out.Range = ask.Range
	if out.Range.From.IsZero() {
		out.Range = kit.Range{From: snap.At.Add(-s.Plan.Length()), To: snap.At}
	}
	out.Incidents = d.incidentsIn([]string{s.Objective.Service}, out.Range)
	if e, ok := dir.Catalog.Service(s.Objective.Service); ok {
		out.Changes = d.changesIn(e.Ref, out.Range)
	}
	if err := d.recorded(ctx, &out); err != nil {
		return web.ObjectiveDetail{}, err
	}
	if s.Proof != nil {
		out.Proof = proofOf(s.Proof)
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
			Spend: r.Factor * r.Long.Seconds() / p.Length().Seconds()}
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
		out.Rules = append(out.Rules, web.ProofRule{Rule: ruleWords(r.Rule), Fires: after(r.FiresS), Ends: after(r.EndsS)})
	}
	return out
}

// objectiveFacts are the kinds that an objective's page tells.
var objectiveFacts = []event.Kind{"alert.fired", "alert.ended", "alert.proved", "budget.corrected", "budget.crossed", "source.gap"}

// recorded fills in what the ledger says about an objective: alerts, corrections, gaps, crossings, evidence.
func (d *Desk) recorded(ctx context.Context, out *web.ObjectiveDetail) error {
	about := event.NewRef("slo", out.Name)
	found, err := d.Ledger.Find(ctx, ledger.Filter{About: about, Kinds: objectiveFacts, Limit: ledger.MaxFind})
	if err != nil {
		return err
	}
	ended := map[string]time.Time{}
	for _, e := range found.Events { // newest first, so an end comes before its begin
		switch f := e.Fact.(type) {
		case *event.AlertEnded:
			ended[f.AlertID] = f.EndsAt
		case *event.AlertFired:
			a := web.Alert{Range: kit.Range{From: f.StartsAt, To: ended[f.AlertID]}, Rule: f.Rule, Severity: f.Severity, Seq: e.Seq}
			if a.From.Before(out.Range.To) && (a.To.IsZero() || a.To.After(out.Range.From)) {
				out.Alerts = append(out.Alerts, a)
			}
		case *event.BudgetCorrected:
			out.Corrections = corrected(out.Corrections, e, f)
		case *event.BudgetCrossed:
			if !f.Rearmed {
				out.Policy = append(out.Policy, web.PolicyLine{Left: 1 - f.Threshold, Action: f.Action, At: e.At, Seq: e.Seq})
			}
		case *event.SourceGap:
			out.Gaps = append(out.Gaps, web.Gap{Range: kit.Range{From: f.From, To: f.To}, Source: f.Source, Reason: f.Reason, Effect: out.Spec.NoData, Seq: e.Seq})
		}
		if len(out.Evidence) < 8 {
			out.Evidence = append(out.Evidence, web.Evidence{Seq: e.Seq, Kind: e.Kind, Words: words(e)})
		}
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

// words says in a few words what a fact is.
func words(e event.Event) string {
	switch f := e.Fact.(type) {
	case *event.AlertFired:
		if f.Long != nil {
			return fmt.Sprintf("%s burned %s over %s, with the query and the counts", f.Rule, kit.Burn(f.Long.Burn), kit.Duration(time.Duration(f.Long.WindowS)*time.Second))
		}
		return f.Rule
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
