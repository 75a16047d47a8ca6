package pages

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/incident"
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
	if len(ask.Pairs) > 0 && !slices.Equal(pairsOf(ask.Pairs), pagesOf(s.Plan.Rules)) {
		policies = slices.Insert(policies, 1, budget.Policy{Name: "As asked", Pairs: ask.Pairs})
	}
	known, err := incident.Known(ctx, d.Ledger, d.directory())
	if err != nil {
		return web.Backtest{}, err
	}
	incidents := incident.For(known, s.Objective, snap.At)
	q := slo.BacktestQuestion{From: slo.At(r.From), To: slo.At(r.To), Incidents: incidents}.DefaultGrace()
	v, err := d.Budget.Backtest(ctx, ask.SLO, g.Key, q, policies...)
	if err != nil {
		return web.Backtest{}, err
	}
	return table(v, r, d.Now(), inForce(s.Plan.Rules)), nil
}

// page is one pair that pages.
type page struct {
	factor      float64
	long, short time.Duration
}

// typed is a factor as the form shows it.
func typed(factor float64) float64 { return math.Round(factor*1000) / 1000 }

func pairsOf(pairs []slo.Pair) (out []page) {
	for _, p := range pairs {
		out = append(out, page{typed(p.Factor), p.Long, p.Short})
	}
	return out
}

func pagesOf(rules []slo.Rule) (out []page) {
	for _, r := range rules {
		if r.Severity == slo.Page && !r.Trickle {
			out = append(out, page{typed(r.Factor), r.Long, r.Short})
		}
	}
	return out
}

// inForce names the policy in force as the others are named: "13.44× 1 h and 5.6× 6 h".
func inForce(rules []slo.Rule) string {
	var parts []string
	for _, p := range pagesOf(rules) {
		parts = append(parts, kit.Factor(p.factor)+" "+kit.Duration(p.long))
	}
	if len(parts) == 0 {
		return "Tickets only"
	}
	return strings.Join(parts, " and ")
}

// table puts the policy in force first and the others in the order of recommendation.
func table(v budget.Verdict, r kit.Range, now time.Time, inForce string) web.Backtest {
	out := web.Backtest{Range: r, At: now, Pick: -1, Why: v.Tradeoff}
	best := ""
	for i, t := range v.Trials {
		if i == 0 {
			best = t.Policy.Name
		}
		out.Incidents = t.Incidents
		row := web.BacktestRow{Policy: t.Policy.Name, InForce: t.Policy.Name == budget.InForce, Pages: len(t.Pages), Caught: t.Detected,
			Nothing: len(t.Pages) - t.MatchedPages, Median: seconds(t.DetectP50S), Longest: seconds(t.DetectP95S), Clears: seconds(t.ResetP50S),
			Weekly: t.PagesPerWeek, Spend: nan}
		if row.InForce {
			row.Policy = inForce
		}
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
	out.Against = kit.Plural(out.Incidents, "known incident", "known incidents")
	return out
}

func seconds(s *float64) time.Duration {
	if s == nil {
		return -1
	}
	return time.Duration(*s * float64(time.Second))
}
