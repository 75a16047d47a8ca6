package org

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// DefaultTier is the tier of components that name none, unless evenkeel.yaml says otherwise.
const DefaultTier = 2

// DefaultTier is the tier of components without a tier label.
func (c Config) DefaultTier() int {
	if c.Defaults.Tier != nil {
		return *c.Defaults.Tier
	}
	return DefaultTier
}

// Tier is what a tier of services gets; empty where evenkeel.yaml says nothing about it.
func (c Config) Tier(n int) Tier {
	i := slices.IndexFunc(c.Tiers, func(t Tier) bool { return t.Tier == n })
	if i < 0 {
		return Tier{Tier: n}
	}
	return c.Tiers[i]
}

// complete fills what an objective leaves out: its tier from its service, the rest from its tier, then from the defaults.
func (d *Directory) complete(o slo.Objective) slo.Objective {
	c := d.Config
	if o.Tier < 0 {
		o.Tier = c.DefaultTier()
		if e, ok := d.Catalog.Service(o.Service); ok && e.Tier >= 0 {
			o.Tier = e.Tier
		}
	}
	t := c.Tier(o.Tier)
	if o.Window.Rolling == 0 && o.Window.Unit == "" {
		w := t.Window
		if w.IsZero() {
			w = c.Defaults.Window
		}
		if w.IsZero() {
			w = Window{Rolling: 28 * 24 * time.Hour}
		}
		o.Window = w.Of(c.zone())
	}
	if o.Window.Unit != "" && o.Window.Zone == "" {
		o.Window.Zone = c.zone()
	}
	o.NoData = cmp.Or(o.NoData, t.NoData, c.Defaults.NoData, slo.Excluded)
	o.Staleness = cmp.Or(o.Staleness, time.Duration(c.Defaults.Staleness))
	o.MaxGroups = cmp.Or(o.MaxGroups, c.Defaults.MaxGroups)
	if o.Pairs == nil && !o.NoAlerts {
		o.Pairs = pairs(t.Alerts)
	}
	if o.Policy == nil {
		o.Policy = policy(t.Budget)
	}
	if o.Policy == nil {
		o.Policy = policy(c.Budget)
	}
	return o
}

func (c Config) zone() string { return cmp.Or(c.Zone, "UTC") }

// pairs are a tier's burn-rate pairs; nil = the built-in ones of the tier.
func pairs(alerts []Alert) []slo.Pair {
	var out []slo.Pair
	for _, a := range alerts {
		out = append(out, slo.Pair{
			Name:     cmp.Or(a.Name, a.Severity+"-"+a.Long.String()),
			Severity: a.Severity, Spend: a.Spend, Factor: a.Factor,
			Long: time.Duration(a.Long), Short: time.Duration(a.Short),
		})
	}
	return out
}

func policy(lines []Threshold) []slo.Threshold {
	var out []slo.Threshold
	for _, l := range lines {
		out = append(out, slo.Threshold{Consumed: l.Consumed, Action: l.Action})
	}
	return out
}

func itoa(n int) string { return strconv.Itoa(n) }
