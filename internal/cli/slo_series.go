package cli

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/kit"
)

func sloSeriesCommand(e *env) *cobra.Command {
	var group, from, to, step string
	var burns []string
	c := &cobra.Command{Use: "series NAME", Short: "Show a budget's past, one line a step", Args: wants(1, 1),
		Long: `Computed from the counts as they are known now, corrections included: the budget at the end of each step, what was
counted in the step, and the burn rates asked for.`,
		Example: "  evenkeel slo series checkout-availability --from 1d --step 1h\n" +
			"  evenkeel slo series checkout-availability --from 30d --step 6h --burn 1h,6h -o csv",
		ValidArgsFunction: names(e, "/api/v1/slos", sloName),
		RunE: func(c *cobra.Command, args []string) error {
			var s api.SLOSeries
			path := "/api/v1/slos/" + url.PathEscape(args[0]) + "/series"
			if err := e.get(c.Context(), path+query("group", group, "from", from, "to", to, "step", step, "burn", strings.Join(burns, ",")), &s); err != nil {
				return err
			}
			if s.Group != "" && group == "" && e.format == "table" {
				fmt.Fprintf(e.Out, "%s %s\n\n", s.Name, s.Group)
			}
			return e.print(s, seriesTable(s))
		}}
	f := c.Flags()
	f.StringVar(&group, "group", "", "key of a group; the one with the least budget when left out")
	f.StringVar(&from, "from", "1d", "RFC 3339, a day, or an age such as 7d")
	f.StringVar(&to, "to", "", "now when left out")
	f.StringVar(&step, "step", "1h", "whole minutes, such as 5m")
	f.StringSliceVar(&burns, "burn", nil, "windows whose burn rates are wanted, such as 1h,6h; at most 8")
	return c
}

func seriesTable(s api.SLOSeries) table {
	t := table{head: []string{"at", "left", "bad", "total", "sli"}, empty: "Nothing was counted in this time."}
	for _, b := range s.BurnsS {
		t.head = append(t.head, "burn "+strings.ReplaceAll(kit.Duration(seconds(float64(b))), "\u00a0", ""))
	}
	for _, p := range s.Points {
		row := []any{p.At, share(p.Remaining), events(p.Bad), events(p.Total), opt(p.SLI, func(x float64) ratio { return ratio(x) })}
		for _, b := range p.Burn {
			row = append(row, b)
		}
		t.add(row...)
	}
	return t
}
