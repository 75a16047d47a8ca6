package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
)

func estateCommand(e *env) *cobra.Command {
	return group(&cobra.Command{Use: "estate", Short: "What depends on what, and where that is dangerous", GroupID: "look", Example: "  evenkeel estate blast-radius resource:orders-db"},
		estateShowCommand(e), estatePointsCommand(e), estateCeilingsCommand(e), estateRadiusCommand(e))
}

func estateShowCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "show", Short: "List dependencies, declared and seen, and what is wrong with them", Args: wants(0, 0),
		Long: `One line a dependency: declared in files, seen in telemetry within the last hour, or both. Rings of hard dependencies, hard
needs less important than what needs them, and names in telemetry that no entity claims follow on standard error.`,
		Example: "  evenkeel estate show\n  evenkeel estate show -o json",
		RunE: func(c *cobra.Command, _ []string) error {
			var g api.Estate
			if err := e.get(c.Context(), "/api/v1/estate", &g); err != nil {
				return err
			}
			t := table{head: []string{"from", "to", "hard", "declared", "seen", "calls/s", "errors"}, empty: "No dependency is declared or seen."}
			for _, x := range g.Edges {
				t.add(x.From, x.To, x.Hard, x.Declared, x.Observed, opt(x.Rate, func(r float64) float64 { return r }), opt(x.Errors, percent))
			}
			if err := e.print(g, t); err != nil || e.format != "table" {
				return err
			}
			e.sayDangers(g)
			return nil
		}}
}

// sayDangers tells what the graph as a whole shows.
func (e *env) sayDangers(g api.Estate) {
	for _, ring := range g.Cycles {
		e.note("ring of hard dependencies: %s", strings.Join(append(ring, ring[0]), " -> "))
	}
	for _, i := range g.Inversions {
		e.note("%s (tier %d) needs %s, which is tier %s", i.From, i.FromTier, needWords(i.Need), human(tierCell(i.Tier)))
	}
	for _, name := range g.Uncatalogued {
		e.note("%s is seen in telemetry, and no entity of the catalog claims it", name)
	}
}

func estatePointsCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "single-points", Short: "List single points of failure, the worst first", Args: wants(0, 0), Example: "  evenkeel estate single-points",
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := all[api.SinglePoint](c.Context(), e, "/api/v1/estate/single-points")
			if err != nil {
				return err
			}
			t := table{head: []string{"name", "tier", "fails", "degrades", "tier 0", "tier 1", "tier 2", "tier 3", "no tier"}, empty: "Nothing that others need hard stands alone."}
			for _, p := range list {
				row := []any{p.Name, tierCell(p.Tier), p.Fails, p.Degrades}
				for _, n := range p.ByTier {
					row = append(row, n)
				}
				t.add(row...)
			}
			return e.print(list, t)
		}}
}

func estateCeilingsCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "ceilings", Short: "List what dependencies leave of each service's availability", Args: wants(0, 0),
		Long:    `The most availability a service can have: when failures of what it needs never fall together, and when they always do.`,
		Example: "  evenkeel estate ceilings",
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := all[api.Ceiling](c.Context(), e, "/api/v1/estate/ceilings")
			if err != nil {
				return err
			}
			t := table{head: []string{"service", "promises", "apart", "together", "reachable", "unknown"}, empty: "Nothing is known about what services need."}
			for _, x := range list {
				t.add(x.Service, opt(x.Target, func(v float64) ratio { return ratio(v) }), ratio(x.Serial), ratio(x.Best), x.Reached, strings.Join(x.Unknown, ", "))
			}
			return e.print(list, t)
		}}
}

func estateRadiusCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "blast-radius NAME", Short: "Show who fails when one thing fails", Args: wants(1, 1), Example: "  evenkeel estate blast-radius payments\n  evenkeel estate blast-radius resource:orders-db",
		ValidArgsFunction: names(e, "/api/v1/services", func(s api.Service) string { return s.Name }),
		RunE: func(c *cobra.Command, args []string) error {
			var r api.Radius
			if err := e.get(c.Context(), "/api/v1/estate/blast-radius"+query("of", args[0]), &r); err != nil {
				return err
			}
			t := table{head: []string{"name", "effect", "via", "depth", "impact"}, empty: "Nothing else fails with " + r.Name + "."}
			for _, part := range []struct {
				effect string
				hits   []api.Hit
			}{{"fails", r.Fails}, {"degrades", r.Degrades}, {"thins", r.Thins}} {
				for _, h := range part.hits {
					t.add(h.Name, part.effect, h.Via, h.Depth, impactCell(h.Impact))
				}
			}
			return e.print(r, t)
		}}
}

// impactCell shows a share of requests; 0 = unknown.
func impactCell(x float64) any {
	if x == 0 {
		return nil
	}
	return share(x)
}
