package cli

import (
	"cmp"
	"fmt"
	"math"
	"net/url"
	"slices"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/kit"
)

func sloName(o api.SLO) string { return o.Name }

func sloListCommand(e *env) *cobra.Command {
	var service, state, tier string
	c := &cobra.Command{Use: "ls", Aliases: []string{"list"}, Short: "List objectives with their budgets, the least left first", Args: wants(0, 0),
		Example: "  evenkeel slo ls\n  evenkeel slo ls --state paging -o json",
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := all[api.SLO](c.Context(), e, "/api/v1/slos"+query("service", service, "state", state, "tier", tier))
			if err != nil {
				return err
			}
			slices.SortStableFunc(list, func(a, b api.SLO) int { return cmp.Compare(left(a), left(b)) })
			t := table{head: []string{"name", "service", "tier", "target", "window", "state", "left", "burn"}, empty: "No objectives match."}
			for _, o := range list {
				t.add(o.Name, o.Service, tierCell(o.Tier), o.Target, o.Window, o.State, share(left(o)), burn(o))
			}
			return e.print(list, t)
		}}
	c.Flags().StringVar(&service, "service", "", "only this service's")
	c.Flags().StringVar(&state, "state", "", "paging, ticketing, exhausted, burning, healthy or no-data")
	c.Flags().StringVar(&tier, "tier", "", "only this tier, 0 to 3 or none")
	return c
}

// tierCell shows a tier; a thing may have none.
func tierCell(tier int) any {
	if tier < 0 {
		return nil
	}
	return tier
}

// left is the least any group has left, +Inf where nothing was counted.
func left(o api.SLO) float64 {
	out := math.Inf(1)
	for _, g := range o.Groups {
		if g.Budget.SLI != nil {
			out = min(out, g.Budget.Remaining)
		}
	}
	return out
}

// burn is the highest burn rate of any rule's long window; NaN without rules.
func burn(o api.SLO) float64 {
	most := math.NaN()
	for _, g := range o.Groups {
		for _, r := range g.Rules {
			if math.IsNaN(most) || r.Burn > most {
				most = r.Burn
			}
		}
	}
	return most
}

func sloShowCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "show NAME", Short: "Show one objective: budgets and alert rules", Args: wants(1, 1), Example: "  evenkeel slo show checkout-availability",
		ValidArgsFunction: names(e, "/api/v1/slos", sloName),
		RunE: func(c *cobra.Command, args []string) error {
			var o api.SLO
			if err := e.get(c.Context(), "/api/v1/slos/"+url.PathEscape(args[0]), &o); err != nil {
				return err
			}
			if e.format == "table" {
				e.sayObjective(o)
			}
			return e.print(o, sloTable(o))
		}}
}

// sayObjective tells in words what stands above the table of its rules.
func (e *env) sayObjective(o api.SLO) {
	fmt.Fprintf(e.Out, "%s: %s of %s over %s, %s at %s\n", o.Name, o.Target, cmp.Or(o.Service, "no service"), o.Window, o.State, clock(&o.At))
	if o.File != "" {
		fmt.Fprintf(e.Out, "%s:%d\n", o.File, o.Line)
	}
	if o.Filling < 1 {
		fmt.Fprintf(e.Out, "%s of its history has been counted so far\n", human(share(o.Filling)))
	}
	for _, word := range append(slices.Clone(o.Inexact), o.Problem) {
		if word != "" {
			fmt.Fprintln(e.Out, word)
		}
	}
	if n := len(o.Refused); n > 0 {
		fmt.Fprintf(e.Out, "%s over the limit of groups and not counted\n", kit.Plural(n, "group is", "groups are"))
	}
	fmt.Fprintln(e.Out)
}

func sloTable(o api.SLO) table {
	t := table{head: []string{"group", "left", "bad", "allowed", "total", "rule", "severity", "factor", "burn", "recent", "since"}, empty: "No samples yet: nothing was counted."}
	for _, g := range o.Groups {
		b := g.Budget
		head := []any{g.Key, share(b.Remaining), events(b.Bad), events(b.Allowed), events(b.Total)}
		if len(g.Rules) == 0 {
			t.add(append(head, nil, nil, nil, nil, nil, nil)...)
		}
		for _, r := range g.Rules {
			t.add(append(slices.Clone(head), r.Name, r.Severity, factorCell(r.Factor), r.Burn, r.Recent, r.Since)...)
		}
	}
	return t
}

// factorCell shows a rule's factor; the trickle rule has none.
func factorCell(x float64) any {
	if x == 0 {
		return nil
	}
	return x
}
