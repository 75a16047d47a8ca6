package cli

import (
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/event"
)

func alertCommand(e *env) *cobra.Command {
	return group(&cobra.Command{Use: "alert", Short: "Burn-rate alerts: what fires, and what fired", GroupID: "look", Example: "  evenkeel alert ls --state firing"},
		alertListCommand(e), alertShowCommand(e))
}

// alertsAsked are the conditions on a list of alerts.
type alertsAsked struct {
	slo, state, from, to string
	limit                int
}

func (a *alertsAsked) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&a.state, "state", "all", "firing or all")
	f.StringVar(&a.from, "from", "", "fired at or after: RFC 3339, a day, or an age such as 7d, which is the default")
	f.StringVar(&a.to, "to", "", "fired before; now when left out")
	f.IntVar(&a.limit, "limit", 50, "how many at most")
}

func alertListCommand(e *env) *cobra.Command {
	var a alertsAsked
	c := &cobra.Command{Use: "ls", Aliases: []string{"list"}, Short: "List alerts, newest first", Args: wants(0, 0),
		Example: "  evenkeel alert ls\n  evenkeel alert ls --state firing\n  evenkeel alert ls --slo checkout-availability --from 30d",
		RunE:    func(c *cobra.Command, _ []string) error { return e.printAlerts(c, a) }}
	a.flags(c)
	c.Flags().StringVar(&a.slo, "slo", "", "only this objective's")
	return c
}

func sloAlertsCommand(e *env) *cobra.Command {
	var a alertsAsked
	c := &cobra.Command{Use: "alerts NAME", Short: "List the alerts of one objective, newest first", Args: wants(1, 1), Example: "  evenkeel slo alerts checkout-availability --from 30d",
		ValidArgsFunction: names(e, "/api/v1/slos", sloName),
		RunE: func(c *cobra.Command, args []string) error {
			a.slo = args[0]
			return e.printAlerts(c, a)
		}}
	a.flags(c)
	return c
}

func (e *env) printAlerts(c *cobra.Command, a alertsAsked) error {
	if a.limit < 1 {
		return usage("--limit: ask for at least one")
	}
	list, err := atMost[api.Alert](c.Context(), e, "/api/v1/alerts"+query("slo", a.slo, "state", a.state, "from", a.from, "to", a.to), a.limit)
	if err != nil {
		return err
	}
	t := table{head: []string{"fired", "ended", "severity", "objective", "group", "rule", "burn", "id"}, empty: "No alert fired in this time."}
	for _, x := range list {
		t.add(x.From, x.To, x.Severity, x.SLO, groupWords(x.Group), x.Rule, opt(x.Long, func(c event.Counts) float64 { return c.Burn }), x.ID)
	}
	return e.print(list, t)
}

// groupWords is a group's labels in a line; "" for none.
func groupWords(labels map[string]string) string {
	var out []string
	for _, k := range sortedKeys(labels) {
		out = append(out, k+"="+labels[k])
	}
	return strings.Join(out, ",")
}

func alertShowCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "show ID", Short: "Show one alert: what was counted, by which query, and its facts", Args: wants(1, 1), Example: "  evenkeel alert show 8cgq744xnyvr0b4qwfct",
		ValidArgsFunction: names(e, "/api/v1/alerts", func(a api.Alert) string { return a.ID }),
		RunE: func(c *cobra.Command, args []string) error {
			var a api.Alert
			if err := e.get(c.Context(), "/api/v1/alerts/"+url.PathEscape(args[0]), &a); err != nil {
				return err
			}
			t := table{head: []string{"what", "value"}}
			t.add("objective", a.SLO)
			t.add("group", groupWords(a.Group))
			t.add("service", a.Service)
			t.add("rule", a.Rule)
			t.add("severity", a.Severity)
			t.add("fired", clock(&a.From))
			t.add("ended", strings.TrimSpace(clock(a.To)+" "+a.Ended))
			countRows(&t, "long window", a.Long)
			countRows(&t, "short window", a.Short)
			t.add("factor", human(factorCell(a.Factor)))
			for i, line := range slices.Collect(strings.Lines(a.Query)) {
				if i == 0 {
					t.add("query", strings.TrimSpace(line))
				} else {
					t.add(blank{}, strings.TrimSpace(line))
				}
			}
			t.add("fact", human(a.Seq))
			if a.EndSeq > 0 {
				t.add("ended by fact", human(a.EndSeq))
			}
			return e.print(a, t)
		}}
}

func countRows(t *table, what string, c *event.Counts) {
	if c == nil {
		return
	}
	t.add(what, human(seconds(float64(c.WindowS)))+": "+human(events(c.Bad))+" of "+human(events(c.Total))+" bad, "+human(events(c.Allowed))+" allowed, burn "+human(c.Burn))
}
