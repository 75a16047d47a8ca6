package budget

import (
	"context"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Results takes result series; *metric.Store is one.
type Results interface {
	Append(ctx context.Context, samples []kit.Sample) error
}

// Names of the result series (docs/evaluation.md). Each carries slo, service and the group's labels.
const (
	seriesRemaining = "evenkeel_slo_budget_remaining_ratio" // 1 = untouched, below 0 = overspent
	seriesSLI       = "evenkeel_slo_sli_ratio"              // over the budget window; absent without events
	seriesBurn      = "evenkeel_slo_burn_rate"              // window="1h" and "6h"
	seriesFiring    = "evenkeel_slo_alert_firing"           // severity="page" and "ticket"; 0 or 1

	slothRatio     = "slo:sli_error:ratio_rate"    // + window; sloth_service, sloth_slo, sloth_id
	slothObjective = "slo:objective:ratio"         //
	slothBurn      = "slo:current_burn_rate:ratio" //
	slothRemaining = "slo:period_error_budget_remaining:ratio"
)

// results is the series of a round.
func (e *Engine) results(s *Snapshot) []kit.Sample {
	at := s.At.UnixMilli()
	out := make([]kit.Sample, 0, len(s.Objectives)*6)
	for _, o := range s.Objectives {
		for i := range o.Groups {
			g := &o.Groups[i]
			add := func(name string, v float64, more ...kit.Label) {
				out = append(out, kit.Sample{Labels: resultLabels(name, o, g, more), TimeMS: at, Value: v})
			}
			add(seriesRemaining, g.Budget.Remaining)
			if g.Budget.SLI != nil {
				add(seriesSLI, *g.Budget.SLI)
			}
			for _, b := range g.Budget.Burns {
				if b.Window == time.Hour || b.Window == 6*time.Hour {
					add(seriesBurn, b.Burn, kit.Label{Name: "window", Value: promDuration(b.Window)})
				}
			}
			add(seriesFiring, flag(g.firing("page")), kit.Label{Name: "severity", Value: "page"})
			add(seriesFiring, flag(g.firing("ticket")), kit.Label{Name: "severity", Value: "ticket"})
			if e.opt.Sloth {
				out = append(out, slothSeries(o, g, at)...)
			}
		}
	}
	return out
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func (g *Group) firing(severity string) bool {
	for _, r := range g.Rules {
		if r.Firing && r.Severity == severity {
			return true
		}
	}
	return false
}

// resultLabels is the sorted labels of a result series. A group label that has one of our names is shown with a prefix.
func resultLabels(name string, o *Status, g *Group, more []kit.Label) []kit.Label {
	out := make([]kit.Label, 0, 3+len(g.Labels)+len(more))
	out = append(out, kit.Label{Name: "__name__", Value: name}, kit.Label{Name: "service", Value: o.Objective.Service},
		kit.Label{Name: "slo", Value: o.Objective.Name})
	out = append(out, more...)
	for k, v := range g.Labels {
		switch k {
		case "service", "slo", "window", "severity":
			k = "group_" + k
		}
		out = append(out, kit.Label{Name: k, Value: v})
	}
	sortLabels(out)
	return out
}

func sortLabels(ls []kit.Label) {
	for i := 1; i < len(ls); i++ {
		for j := i; j > 0 && ls[j].Name < ls[j-1].Name; j-- {
			ls[j], ls[j-1] = ls[j-1], ls[j]
		}
	}
}

// slothSeries is the same under the names that Sloth's rules record, for dashboards made for them.
func slothSeries(o *Status, g *Group, at int64) []kit.Sample {
	target := o.Objective.Target.Float()
	base := []kit.Label{{Name: "sloth_id", Value: o.Objective.Service + "-" + o.Objective.Name},
		{Name: "sloth_service", Value: o.Objective.Service}, {Name: "sloth_slo", Value: o.Objective.Name}}
	var out []kit.Sample
	add := func(name string, v float64, more ...kit.Label) {
		ls := append([]kit.Label{{Name: "__name__", Value: name}}, base...)
		ls = append(ls, more...)
		for k, v := range g.Labels {
			ls = append(ls, kit.Label{Name: "group_" + k, Value: v})
		}
		sortLabels(ls)
		out = append(out, kit.Sample{Labels: ls, TimeMS: at, Value: v})
	}
	for _, b := range g.Budget.Burns {
		ratio := 0.0
		if b.Total > 0 {
			ratio = b.Bad / b.Total
		}
		window := promDuration(b.Window)
		add(slothRatio+window, ratio, kit.Label{Name: "sloth_window", Value: window})
		if b.Window == 5*time.Minute {
			add(slothBurn, b.Burn)
		}
	}
	add(slothObjective, target)
	add(slothRemaining, g.Budget.Remaining)
	return out
}
