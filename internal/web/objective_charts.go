package web

import (
	"fmt"
	"math"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/chart"
	"evenkeel.dev/evenkeel/internal/kit"
)

func drawObjective(w kit.When, d ObjectiveDetail) objectiveCharts {
	return objectiveCharts{
		Left:    leftChart(w, d).HTML(),
		Recent:  recentChart(w, d).HTML(),
		Rates:   ratesChart(w, d).HTML(),
		Failing: failingChart(w, d).HTML(),
		Alerts:  alertsChart(w, d).HTML(),
	}
}

func percentLabel(v float64) string { return kit.Percent(v, 0) }

// decorate adds what runs along the time axis: incidents, gaps, corrections, deploys.
func decorate(p chart.Plot, w kit.When, d ObjectiveDetail) chart.Plot {
	for _, i := range d.Incidents {
		p.Bands = append(p.Bands, chart.Band{Range: i.Range, Label: i.Label})
	}
	for _, g := range d.Gaps {
		p.Gaps = append(p.Gaps, chart.Span{Range: g.Range, Title: fmt.Sprintf("%s %s: %s", g.Effects(), w.Span(g.Range), g.Reason)})
	}
	for _, c := range d.Corrections {
		if !c.Revoked {
			p.Fixes = append(p.Fixes, chart.Span{Range: c.Range, Title: "Corrected " + w.Span(c.Range) + ": " + c.Reason})
		}
	}
	for _, c := range d.Changes {
		p.Deploys = append(p.Deploys, chart.Deploy{At: c.At, Kind: c.Kind, Title: c.Title + ", " + w.Clock(c.At)})
	}
	return p
}

func series(name string, t Track) chart.Series {
	return chart.Series{Name: name, From: t.From, Step: t.Step, V: t.V}
}

func leftChart(w kit.When, d ObjectiveDetail) chart.Plot {
	s := series("Budget left", d.Left)
	s.Lead, s.Area, s.Show = true, true, func(v float64) string { return kit.Percent(v, 1) }
	p := chart.Plot{ID: "c-left", What: "Budget left", Unit: "% of the " + windowShort(d.Window) + " budget", Over: days(w, d.Range), Title: "Error budget left, " + d.Service + " " + title(d.Objective),
		Finding: leftFinding(w, d), From: d.Range.From, To: d.Range.To, When: w, Height: 220, Y: chart.Axis{Zero: true, Label: percentLabel},
		Series: []chart.Series{s}, Lines: []chart.Line{{At: 0, Label: "spent", Kind: "page", Below: true}}}
	if l, ok := nextPolicy(d.Policy); ok {
		p.Lines = append(p.Lines, chart.Line{At: l.Left, Label: policyWords(l.Action) + " at " + kit.Percent(l.Left, 0), Kind: "policy"})
	}
	p.Table = trackTable(w, "Time", d.Left, []string{"Budget left"}, func(i int) []string { return []string{kit.Percent(d.Left.V[i], 1)} })
	return decorate(p, w, d)
}

// days names a range by its days, or by its times when it is short.
func days(w kit.When, r kit.Range) string {
	if r.Len() <= 26*time.Hour {
		return w.Span(r)
	}
	return w.Day(r.From) + " to " + w.Day(r.To)
}

func leftFinding(w kit.When, d ObjectiveDetail) string {
	first, last, low := math.NaN(), math.NaN(), math.NaN()
	for _, v := range d.Left.V {
		if math.IsNaN(v) {
			continue
		}
		if math.IsNaN(first) {
			first, low = v, v
		}
		last, low = v, min(low, v)
	}
	if math.IsNaN(first) {
		return "No data in this range."
	}
	text := fmt.Sprintf("From %s on %s to %s on %s, lowest %s", kit.Percent(first, 1), w.Day(d.Range.From), kit.Percent(last, 1), w.Day(d.Range.To), kit.Percent(low, 1))
	if n := len(d.Gaps); n > 0 {
		text += fmt.Sprintf("; %s without data", kit.Plural(n, "stretch", "stretches"))
	}
	return text + "."
}

// recentChart is the last hours and, where the budget will be spent soon, the two lines that lead there.
func recentChart(w kit.When, d ObjectiveDetail) chart.Plot {
	s := series("Budget left", d.Recent)
	s.Lead, s.Area, s.Show = true, true, func(v float64) string { return kit.Percent(v, 1) }
	from, to := d.Recent.From, w.Now
	p := chart.Plot{ID: "c-recent", What: "Today", Unit: "and what follows", Title: "Budget left in the last hours, with projections", From: from, When: w, Height: 220, Slim: true,
		Y: chart.Axis{Zero: d.Budget.Left < 0.35, Label: percentLabel}, Series: []chart.Series{s}, NowLine: w.Now}
	p.Finding = "The last hours; at the present rate the budget is not spent within a day."
	ends := []struct {
		at           time.Time
		color, words string
	}{{d.Spent.From, "sb", "1 h"}, {d.Spent.To, "sw", "5 min"}}
	for i, e := range ends {
		if e.at.IsZero() || e.at.Sub(w.Now) > 24*time.Hour || !e.at.After(w.Now) || i == 1 && e.at.Equal(ends[0].at) {
			continue
		}
		p.Finding = fmt.Sprintf("%s now; spent %s if it goes on.", kit.Percent(d.Budget.Left, 1), between(w, d.Spent))
		to = later(to, e.at.Add(e.at.Sub(w.Now)/4))
		p.Series = append(p.Series, chart.Series{Name: e.words, From: w.Now, Step: e.at.Sub(w.Now), V: []float64{d.Budget.Left, 0}, Color: e.color, Dash: true, Proj: true})
		p.Marks = append(p.Marks, chart.Mark{At: e.at, V: 0, Label: w.Clock(e.at), Color: e.color, Left: i == 0})
	}
	p.To = to
	if len(p.Marks) > 0 {
		p.Lines = append(p.Lines, chart.Line{At: 0, Kind: "page"})
	}
	p.Table = trackTable(w, "Time", d.Recent, []string{"Budget left"}, func(i int) []string { return []string{kit.Percent(d.Recent.V[i], 1)} })
	return decorate(p, w, d)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func ratesChart(w kit.When, d ObjectiveDetail) chart.Plot {
	p := chart.Plot{ID: "c-rates", What: "Burn rate", Unit: "log scale; 1× spends the budget in exactly " + windowShort(d.Window), Over: "last 24 h", Title: "Burn rates over the last 24 hours",
		Finding: "No burn rate is known.", From: w.Now.Add(-24 * time.Hour), To: w.Now, When: w, Height: 160, Y: chart.Axis{Log: true, Label: kit.Factor}}
	for i, r := range d.Rates {
		s := series(kit.Duration(r.Window), r.Track)
		s.Dash, s.End, s.Show, s.Lead, s.Keep = i > 0, s.Name+" "+lastBurn(r.V), kit.Burn, i == 0, chart.KeepMax
		p.Series = append(p.Series, s)
		if i == 0 && len(r.V) > 0 && !math.IsNaN(r.V[len(r.V)-1]) {
			p.Finding = fmt.Sprintf("The budget burns at %s over %s now.", kit.Burn(r.V[len(r.V)-1]), kit.Duration(r.Window))
		}
	}
	for i, r := range d.Rules {
		if i < 2 && r.Factor > 0 {
			kind := map[string]string{"page": "page"}[r.Severity]
			if kind == "" {
				kind = "policy"
			}
			p.Lines = append(p.Lines, chart.Line{At: r.Factor, Kind: kind, Below: i == 1, Label: fmt.Sprintf("%s: %s over %s and %s", r.Severity, kit.Factor(r.Factor), kit.Duration(r.Long.Len), kit.Duration(r.Short.Len))})
		}
	}
	if len(d.Rates) > 0 {
		heads := make([]string, len(d.Rates))
		for i, r := range d.Rates {
			heads[i] = "Over " + kit.Duration(r.Window)
		}
		p.Table = trackTable(w, "Time", d.Rates[0].Track, heads, func(i int) []string {
			row := make([]string, len(d.Rates))
			for j, r := range d.Rates {
				row[j] = "no data"
				if i < len(r.V) {
					row[j] = kit.Burn(r.V[i])
				}
			}
			return row
		})
	}
	return decorate(p, w, d)
}

// lastBurn prints the last value there is.
func lastBurn(v []float64) string {
	if len(v) == 0 || math.IsNaN(v[len(v)-1]) {
		return ""
	}
	return kit.Burn(v[len(v)-1])
}

func failingChart(w kit.When, d ObjectiveDetail) chart.Plot {
	s := series("Failing", d.Failing)
	s.Show, s.Keep = kit.Share, chart.KeepMax
	allowed := d.Target.Complement()
	p := chart.Plot{ID: "c-failing", What: "Failing", Unit: "% of events in " + kit.Duration(d.Failing.Step) + ", log scale", Over: days(w, d.Range), Title: "Share of events that fail",
		Finding: failingFinding(w, d), From: d.Range.From, To: d.Range.To, When: w, Height: 150, Y: chart.Axis{Log: true, Label: kit.Share, Cap: 1}, Series: []chart.Series{s}}
	if d.Target.IsSet() && allowed > 0 {
		p.Lines = []chart.Line{{At: allowed, Label: "objective allows " + kit.Share(allowed), Kind: "target"}}
	}
	p.Table = trackTable(w, "Time", d.Failing, []string{"Failing", "Events"}, func(i int) []string {
		n := "–"
		if i < len(d.Volume.V) {
			n = kit.Count(d.Volume.V[i])
		}
		return []string{kit.Share(d.Failing.V[i]), n}
	})
	return decorate(p, w, d)
}

func failingFinding(w kit.When, d ObjectiveDetail) string {
	worst, at := math.NaN(), 0
	for i, v := range d.Failing.V {
		if !math.IsNaN(v) && (math.IsNaN(worst) || v > worst) {
			worst, at = v, i
		}
	}
	if math.IsNaN(worst) {
		return "No data in this range."
	}
	return fmt.Sprintf("At worst %s failed, on %s.", kit.Share(worst), w.Clock(d.Failing.From.Add(d.Failing.Step*time.Duration(at))))
}

func alertsChart(w kit.When, d ObjectiveDetail) chart.Plot {
	p := chart.Plot{ID: "c-alerts", What: "Alerts", Unit: "by rule", Over: days(w, d.Range), Title: "Alert timeline", From: d.Range.From, To: d.Range.To, When: w}
	at := map[string]int{}
	for _, r := range d.Rules {
		at[r.Name] = len(p.Lanes)
		p.Lanes = append(p.Lanes, chart.Lane{Name: strings.TrimSuffix(r.Name, " traffic")})
	}
	if w.Now.Sub(p.To) < time.Hour {
		p.To = later(p.To, w.Now) // what began with the last round lies inside
	}
	p.Finding = kit.Plural(len(d.Alerts), "alert", "alerts") + " in this range."
	for _, a := range d.Alerts {
		i, ok := at[a.Rule]
		if !ok {
			i, at[a.Rule] = len(p.Lanes), len(p.Lanes)
			p.Lanes = append(p.Lanes, chart.Lane{Name: a.Rule})
		}
		p.Lanes[i].Events = append(p.Lanes[i].Events, chart.Event{Range: a.Range, Kind: a.Severity, Title: a.Rule + ": " + w.Span(a.Range)})
		end, lasted := "still firing", kit.Duration(w.Now.Sub(a.From).Round(time.Minute))
		if !a.To.IsZero() {
			end, lasted = w.Clock(a.To), kit.Duration(a.Len())
		}
		p.Table.Rows = append(p.Table.Rows, []string{a.Rule + ", " + w.Clock(a.From), end, lasted})
	}
	p.Table.Head = []string{"Rule and start", "End", "Lasted"}
	if len(p.Lanes) == 0 {
		p.Lanes = []chart.Lane{{Name: "No rules"}}
	}
	return decorate(p, w, ObjectiveDetail{Incidents: d.Incidents, Gaps: d.Gaps})
}

// trackTable lists a track's values, at most 60 rows, evenly chosen.
func trackTable(w kit.When, first string, t Track, heads []string, row func(i int) []string) chart.Table {
	out := chart.Table{Head: append([]string{first}, heads...)}
	each := max((len(t.V)+59)/60, 1)
	for i := 0; i < len(t.V); i += each {
		out.Rows = append(out.Rows, append([]string{w.Clock(t.From.Add(t.Step * time.Duration(i)))}, row(i)...))
	}
	return out
}
