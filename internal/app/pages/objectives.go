package pages

import (
	"context"
	"slices"
	"time"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/chart"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/org"
	"evenkeel.dev/evenkeel/internal/web"
)

// objectives are the rows of the last round, the caller's to sort.
func (d *Desk) objectives(context.Context) ([]web.Objective, error) {
	return slices.Clone(d.stands().objectives), nil
}

// states translates the engine's words into the pages'.
var states = map[budget.State]web.State{
	budget.Paging: web.Paging, budget.Ticketing: web.Ticketed, budget.Exhausted: web.Spent, budget.Burning: web.Burning,
	budget.Healthy: web.Steady, budget.NoData: web.NoData,
}

func (s *standing) objective(status *budget.Status, g *budget.Group) web.Objective {
	o, at := status.Objective, s.snap.At
	out := web.Objective{Name: o.Name, Title: o.Title, Service: o.Service, Tier: tierOf(s.dir, o), Target: status.Plan.Target(slo.At(at)), Window: o.Window,
		State: web.NoData, Budget: web.Budget{Left: nan, SLI: nan}, Burn: nan}
	if e, ok := s.dir.Catalog.Service(o.Service); ok {
		out.Owner = handle(e.Owner)
	}
	out.Down = downOf(s.snap.Gaps, o.Indicator.Metrics)
	if g == nil {
		return out
	}
	out.Group, out.State = g.Key, states[g.State]
	out.Budget = web.Budget{Left: g.Budget.Remaining, SLI: nan, Bad: g.Budget.Bad, Total: g.Budget.Total, Allowed: g.Budget.Allowed}
	if g.Budget.SLI != nil {
		out.Budget.SLI = *g.Budget.SLI
	} else {
		out.Budget.Left = nan
	}
	out.Burn = burnsOf(g.Budget)[time.Hour]
	out.Spent = spentBy(g.Budget, at)
	out.Days = daysOf(g.Days, status.Plan, at, s.zone)
	for _, r := range g.Rules {
		if r.Firing {
			out.Firing = append(out.Firing, web.Firing{Rule: ruleWords(r.Rule), Severity: r.Severity, Since: r.Since.Time()})
		}
	}
	if g.State == budget.NoData && !g.LastSample.IsZero() {
		out.Held = g.LastSample
	}
	return out
}

// downOf is the gap of a source that does not answer now.
func downOf(gaps []budget.Gap, source string) *web.Down {
	for _, g := range gaps {
		if g.Source == sourceName(source) && g.To.IsZero() {
			return &web.Down{Source: g.Source, Since: g.From, Reason: g.Reason}
		}
	}
	return nil
}

// sourceName is how facts and people name the metric source of an indicator.
func sourceName(indicator string) string {
	if indicator == "" {
		return "metrics"
	}
	return indicator
}

// tierOf is an objective's own tier, or its service's.
func tierOf(dir *org.Directory, o slo.Objective) int {
	if o.Tier >= 0 {
		return o.Tier
	}
	if e, ok := dir.Catalog.Service(o.Service); ok {
		return dir.Catalog.Tier(e.Ref, dir.Config.DefaultTier())
	}
	return -1
}

// burnsOf are the burn rates by window.
func burnsOf(b slo.Budget) map[time.Duration]float64 {
	out := map[time.Duration]float64{}
	for _, x := range b.Burns {
		out[x.Window] = x.Burn
	}
	return out
}

// spentBy is when what is left will be gone at the rate of the last six hours.
func spentBy(b slo.Budget, at time.Time) kit.Range {
	if b.ExhaustsInS == nil || *b.ExhaustsInS == 0 {
		return kit.Range{}
	}
	t := at.Add(time.Duration(*b.ExhaustsInS * float64(time.Second)))
	return kit.Range{From: t, To: t}
}

// daysOf is the strip of 28 days, today last.
func daysOf(days []budget.Day, p *slo.Plan, at time.Time, zone *time.Location) (out [28]chart.Day) {
	today := dayNumber(at, zone)
	for _, day := range days {
		i := len(out) - 1 - (today - dayNumber(day.From, zone))
		if i < 0 || i >= len(out) {
			continue
		}
		out[i] = dayOf(day, p.Length())
	}
	return out
}

func dayNumber(t time.Time, zone *time.Location) int {
	y, m, d := t.In(zone).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// dayOf says how a day went: what failed against what the target allows a day, and a window of such days.
func dayOf(day budget.Day, window time.Duration) chart.Day {
	switch {
	case day.ValidS == 0 || day.UnknownS > 43200:
		return chart.DayNone
	case day.Allowed == 0 || day.Bad <= day.Allowed:
		return chart.DayMet
	case day.Bad < day.Allowed*window.Hours()/24:
		return chart.DayBurned
	}
	return chart.DayMissed
}

// ruleWords names a rule for people: "Page, 1 h", "Ticket, thin traffic".
func ruleWords(r slo.Rule) string {
	if r.Trickle {
		return web.RuleName(r.Severity, 0)
	}
	return web.RuleName(r.Severity, r.Long)
}
