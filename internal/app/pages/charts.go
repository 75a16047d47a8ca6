package pages

import (
	"context"
	"time"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/web"
)

const (
	chartPoints = 336            // of a chart over the whole range
	recentRange = 6 * time.Hour  // of the burn-down beside it
	burnRange   = 24 * time.Hour // of the burn rates
)

// burnWindows are the rates that the burn chart draws.
var burnWindows = []time.Duration{time.Hour, 6 * time.Hour}

// drawn fills an objective's charts from what was counted.
func (d *Desk) drawn(ctx context.Context, out *web.ObjectiveDetail, g *budget.Group, now time.Time) error {
	step := stepFor(out.Range.Len(), chartPoints)
	all, err := d.Budget.Series(ctx, out.Name, g.Key, out.Range.From, out.Range.To, step)
	if err != nil {
		return err
	}
	out.Left = track(all, out.Range, func(p budget.Point) float64 { return p.Remaining })
	out.Failing = track(all, out.Range, func(p budget.Point) float64 {
		if p.Total <= 0 {
			return nan
		}
		return max(0, p.Bad/p.Total)
	})
	out.Volume = track(all, out.Range, func(p budget.Point) float64 { return p.Total })
	recent := kit.Range{From: now.Add(-recentRange), To: now}
	fine, err := d.Budget.Series(ctx, out.Name, g.Key, recent.From, recent.To, time.Minute)
	if err != nil {
		return err
	}
	out.Recent = track(fine, recent, func(p budget.Point) float64 { return p.Remaining })
	day := kit.Range{From: now.Add(-burnRange), To: now}
	rates, err := d.Budget.Series(ctx, out.Name, g.Key, day.From, day.To, 5*time.Minute, burnWindows...)
	if err != nil {
		return err
	}
	for i, w := range burnWindows {
		out.Rates = append(out.Rates, web.Rate{Window: w, Track: track(rates, day, func(p budget.Point) float64 { return p.Burn[i] })})
	}
	return nil
}

// stepFor is the whole number of minutes that gives at most n points.
func stepFor(length time.Duration, n int) time.Duration {
	return max(time.Minute, (length/time.Duration(n) + time.Minute - 1).Truncate(time.Minute))
}

// track lays points onto an equidistant line; where none was counted it has a gap.
func track(s budget.Series, r kit.Range, value func(budget.Point) float64) web.Track {
	t := web.Track{From: r.From.Add(s.Step), Step: s.Step, V: make([]float64, max(0, int(r.Len()/s.Step)))}
	for i := range t.V {
		t.V[i] = nan
	}
	for _, p := range s.Points {
		if i := int(p.At.Sub(t.From) / s.Step); i >= 0 && i < len(t.V) && p.ValidS > 0 {
			t.V[i] = value(p)
		}
	}
	return t
}
