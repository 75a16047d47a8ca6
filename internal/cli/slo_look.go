package cli

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/kit"
)

func sloName(o api.SLO) string { return o.Name }

func sloListCommand(e *env) *cobra.Command {
	var service, state, tier string
	c := &cobra.Command{Use: "ls", Short: "List objectives with their budgets, the least left first", Args: cobra.NoArgs,
		Example: "  evenkeel slo ls\n  evenkeel slo ls --state paging -o json",
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := all[api.SLO](c.Context(), e, "/api/v1/slos"+query("service", service, "state", state, "tier", tier))
			if err != nil {
				return err
			}
			slices.SortStableFunc(list, func(a, b api.SLO) int { return cmp.Compare(left(a), left(b)) })
			t := table{head: []string{"name", "service", "tier", "target", "window", "state", "left", "burn"}, right: []bool{6: true, 7: true}, empty: "No objectives match."}
			for _, o := range list {
				t.rows = append(t.rows, []string{o.Name, o.Service, strconv.Itoa(o.Tier), o.Target, o.Window, o.State, share(left(o)), burn(o)})
			}
			return e.print(list, t)
		}}
	c.Flags().StringVar(&service, "service", "", "only this service's")
	c.Flags().StringVar(&state, "state", "", "paging, ticketing, exhausted, burning, healthy or no-data")
	c.Flags().StringVar(&tier, "tier", "", "only this tier, 0 to 3")
	return c
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

func share(x float64) string {
	if math.IsInf(x, 0) {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*x)
}

// burn is the highest burn rate of any rule's long window.
func burn(o api.SLO) string {
	most, any := 0.0, false
	for _, g := range o.Groups {
		for _, r := range g.Rules {
			most, any = max(most, r.Burn), true
		}
	}
	if !any {
		return "-"
	}
	return fmt.Sprintf("%.2f", most)
}

func sloShowCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "show NAME", Short: "Show one objective: budgets and alert rules", Args: cobra.ExactArgs(1), Example: "  evenkeel slo show checkout-availability",
		ValidArgsFunction: names(e, "/api/v1/slos", sloName),
		RunE: func(c *cobra.Command, args []string) error {
			var o api.SLO
			if err := e.get(c.Context(), "/api/v1/slos/"+url.PathEscape(args[0]), &o); err != nil {
				return err
			}
			if e.format == "table" {
				fmt.Fprintf(e.Out, "%s: %s of %s over %s, %s at %s\n", o.Name, o.Target, cmp.Or(o.Service, "no service"), o.Window, o.State, clock(&o.At))
				if o.File != "" {
					fmt.Fprintf(e.Out, "%s:%d\n", o.File, o.Line)
				}
				for _, word := range append(slices.Clone(o.Inexact), o.Problem) {
					if word != "" {
						fmt.Fprintln(e.Out, word)
					}
				}
				fmt.Fprintln(e.Out)
			}
			return e.print(o, sloTable(o))
		}}
}

func sloTable(o api.SLO) table {
	t := table{head: []string{"group", "left", "bad", "total", "rule", "severity", "factor", "burn", "recent", "firing"}, right: []bool{1: true, 2: true, 3: true, 6: true, 7: true, 8: true},
		empty: "No samples yet: nothing was counted."}
	for _, g := range o.Groups {
		head := []string{g.Key, share(g.Budget.Remaining), fmt.Sprintf("%.6g", g.Budget.Bad), fmt.Sprintf("%.6g", g.Budget.Total)}
		if len(g.Rules) == 0 {
			t.rows = append(t.rows, append(head, "", "", "", "", "", ""))
		}
		for _, r := range g.Rules {
			t.rows = append(t.rows, append(slices.Clone(head), r.Name, r.Severity, fmt.Sprintf("%.3g", r.Factor), fmt.Sprintf("%.2f", r.Burn), fmt.Sprintf("%.2f", r.Recent), clock(r.Since)))
		}
	}
	return t
}

func sloCorrectCommand(e *env) *cobra.Command {
	var from, to, effect, reason, revoke string
	var show bool
	c := &cobra.Command{Use: "correct NAME", Short: "Take time out of a budget, or forgive its failures", Args: cobra.ExactArgs(1),
		Long: `Adds a correction: the time does not count (exclude), or counts without its failures (good). It works back in time, is a
fact with its reason, and can be taken back with --revoke. --list shows those there are.`,
		Example: "  evenkeel slo correct checkout-availability --from 2026-10-22T14:00:00Z --to 2026-10-22T15:00:00Z --reason 'planned database move'\n" +
			"  evenkeel slo correct checkout-availability --list\n  evenkeel slo correct checkout-availability --revoke 01hc... --reason 'wrong service'",
		ValidArgsFunction: names(e, "/api/v1/slos", sloName),
		RunE: func(c *cobra.Command, args []string) error {
			path := "/api/v1/slos/" + url.PathEscape(args[0]) + "/corrections"
			switch {
			case show:
				return e.printCorrections(c, path)
			case revoke != "":
				return e.ask(c.Context(), http.MethodDelete, path+"/"+url.PathEscape(revoke)+query("reason", reason), nil, nil)
			case from == "" || to == "" || reason == "":
				return usage("a correction needs --from, --to and --reason; see %s --help", c.CommandPath())
			}
			var done struct {
				ID  string `json:"id"`
				Seq int64  `json:"seq"`
			}
			if err := e.ask(c.Context(), http.MethodPost, path, map[string]string{"from": from, "to": to, "effect": effect, "reason": reason}, &done); err != nil {
				return err
			}
			return e.print(done, table{head: []string{"id", "fact"}, rows: [][]string{{done.ID, strconv.FormatInt(done.Seq, 10)}}})
		}}
	f := c.Flags()
	f.StringVar(&from, "from", "", "RFC 3339, a day, or an age such as 2h")
	f.StringVar(&to, "to", "", "exclusive")
	f.StringVar(&effect, "effect", "exclude", "exclude or good")
	f.StringVar(&reason, "reason", "", "why; it stands in the ledger")
	f.StringVar(&revoke, "revoke", "", "id of a correction to take back")
	f.BoolVar(&show, "list", false, "list the corrections there are")
	return c
}

func (e *env) printCorrections(c *cobra.Command, path string) error {
	var list []api.SLOCorrection
	if err := e.get(c.Context(), path, &list); err != nil {
		return err
	}
	t := table{head: []string{"id", "from", "to", "effect", "by", "fact", "taken back"}, empty: "No corrections."}
	for _, x := range list {
		t.rows = append(t.rows, []string{x.ID, clock(&x.From), clock(&x.To), x.Effect, x.By, strconv.FormatInt(x.Seq, 10), clock(x.Revoked)})
	}
	return e.print(list, t)
}

func seconds(s *float64) string {
	if s == nil {
		return "-"
	}
	return kit.Duration(time.Duration(*s * float64(time.Second)).Round(time.Second))
}
