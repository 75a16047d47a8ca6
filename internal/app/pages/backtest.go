package pages

import (
	"context"
	"slices"
	"time"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/web"
)

const backtestDays = 30

// backtest replays the grid of policies, and the one that was asked for, over what was counted.
func (d *Desk) backtest(ctx context.Context, ask web.BacktestAsk) (web.Backtest, error) {
	snap := d.Budget.Now()
	s := snap.Find(ask.SLO)
	if s == nil {
		return web.Backtest{}, kit.Errorf(kit.NotFound, "objective %s does not exist", ask.SLO)
	}
	g := s.Worst()
	if g == nil {
		return web.Backtest{}, kit.Errorf(kit.Unavailable, "objective %s has no samples yet, so there is nothing to replay", ask.SLO)
	}
	days := ask.Days
	if days == 0 {
		days = backtestDays
	}
	r := kit.Range{From: snap.At.Add(-time.Duration(days) * 24 * time.Hour), To: snap.At}
	if r.From.Before(g.Since) {
		r.From = g.Since
	}
	policies := budget.Grid(s.Objective)
	if len(ask.Pairs) > 0 {
		policies = slices.Insert(policies, 1, budget.Policy{Name: "As asked", Pairs: ask.Pairs})
	}
	incidents := api.IncidentsFor(d.directory().Incidents, s.Objective)
	q := slo.BacktestQuestion{From: slo.At(r.From), To: slo.At(r.To), Incidents: incidents}.DefaultGrace()
	v, err := d.Budget.Backtest(ctx, ask.SLO, g.Key, q, policies...)
	if err != nil {
		return web.Backtest{}, err
	}
	return table(v, r, d.Now()), nil
}

// table puts the policy in force first and the others in the order of recommendation.
func table(v budget.Verdict, r kit.Range, now time.Time) web.Backtest {
	out := web.Backtest{Range: r, At: now, Pick: -1, Why: v.Tradeoff}
	best := ""
	for i, t := range v.Trials {
		if i == 0 {
			best = t.Policy.Name
		}
		out.Incidents = t.Incidents
		row := web.BacktestRow{Policy: t.Policy.Name, InForce: t.Policy.Name == "In force", Pages: len(t.Pages), Caught: t.Detected,
			Nothing: len(t.Pages) - t.MatchedPages, Median: seconds(t.DetectP50S), Longest: seconds(t.DetectP95S), Clears: seconds(t.ResetP50S),
			Weekly: t.PagesPerWeek, Spend: nan}
		if t.SpentMax != nil {
			row.Spend = *t.SpentMax
		}
		out.Rows = append(out.Rows, row)
	}
	slices.SortStableFunc(out.Rows, func(a, b web.BacktestRow) int {
		switch {
		case a.InForce == b.InForce:
			return 0
		case a.InForce:
			return -1
		}
		return 1
	})
	out.Pick = slices.IndexFunc(out.Rows, func(r web.BacktestRow) bool { return r.Policy == best })
	out.Against = kit.Plural(out.Incidents, "labelled incident", "labelled incidents") + " of the org directory"
	return out
}

func seconds(s *float64) time.Duration {
	if s == nil {
		return -1
	}
	return time.Duration(*s * float64(time.Second))
}
