package cli

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
)

func incidentCommand(e *env) *cobra.Command {
	return group(&cobra.Command{Use: "incident", Short: "When users were hurt: list, record, withdraw", GroupID: "look",
		Long: `Back-tests judge alert policies by incidents, and charts show them. They come from the ledger, where people record them,
and from the org directory (kind: Incidents).`,
		Example: "  evenkeel incident record --id INC-204 --service checkout --from 2026-03-01T10:04:00Z --to 2026-03-01T10:51:00Z"},
		incidentListCommand(e), incidentRecordCommand(e), incidentWithdrawCommand(e))
}

func incidentListCommand(e *env) *cobra.Command {
	var service string
	var limit int
	c := &cobra.Command{Use: "ls", Aliases: []string{"list"}, Short: "List incidents, newest first", Args: wants(0, 0), Example: "  evenkeel incident ls --service checkout",
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 {
				return usage("--limit: ask for at least one")
			}
			list, err := atMost[api.Incident](c.Context(), e, "/api/v1/incidents"+query("service", service), limit)
			if err != nil {
				return err
			}
			t := table{head: []string{"id", "from", "to", "services", "objectives", "drill", "source", "by", "fact"}, empty: "No incident is known. Record one with: evenkeel incident record"}
			for _, x := range list {
				t.add(x.ID, x.From, x.To, strings.Join(x.Services, ","), strings.Join(x.SLOs, ","), x.Drill, x.Source, x.By, x.Seq)
			}
			return e.print(list, t)
		}}
	c.Flags().StringVar(&service, "service", "", "only those that hurt this one")
	c.Flags().IntVar(&limit, "limit", 50, "how many at most")
	return c
}

func incidentRecordCommand(e *env) *cobra.Command {
	var id, from, to, title string
	var services, slos []string
	var drill bool
	c := &cobra.Command{Use: "record", Short: "Record an incident, also after the fact", Args: wants(0, 0),
		Long: `Records when users were hurt, so that back-tests can tell pages that were right from pages that were not. Without --to it
lasts; recorded again under its --id, it replaces what was said before. It is a fact with your name.`,
		Example: "  evenkeel incident record --id INC-204 --service checkout --from 2026-03-01T10:04:00Z --to 2026-03-01T10:51:00Z --title 'Payments timed out'\n" +
			"  evenkeel incident record --id INC-205 --slo search-latency --from 20m",
		RunE: func(c *cobra.Command, _ []string) error {
			if from == "" {
				return usage("an incident needs --from; see %s --help", c.CommandPath())
			}
			ask := map[string]any{"from": from, "drill": drill}
			for name, v := range map[string]string{"id": id, "to": to, "title": title} {
				if v != "" {
					ask[name] = v
				}
			}
			for name, v := range map[string][]string{"services": services, "slos": slos} {
				if len(v) > 0 {
					ask[name] = v
				}
			}
			var done struct {
				ID  string `json:"id"`
				Seq int64  `json:"seq"`
			}
			if err := e.ask(c.Context(), http.MethodPost, "/api/v1/incidents", ask, &done); err != nil {
				return err
			}
			return e.print(done, table{head: []string{"id", "fact"}, rows: [][]any{{done.ID, done.Seq}}})
		}}
	f := c.Flags()
	f.StringVar(&id, "id", "", "as people know it, such as INC-204; one is made when left out")
	f.StringVar(&from, "from", "", "when users began to be hurt: RFC 3339, a day, or an age such as 2h")
	f.StringVar(&to, "to", "", "exclusive; left out while it lasts")
	f.StringVar(&title, "title", "", "free text, at most 200 characters")
	f.StringSliceVar(&services, "service", nil, "component that was hurt, everything when left out; may be repeated")
	f.StringSliceVar(&slos, "slo", nil, "objective that should have paged, all of the services when left out; may be repeated")
	f.BoolVar(&drill, "drill", false, "an exercise; back-tests do not count it")
	_ = c.RegisterFlagCompletionFunc("slo", names(e, "/api/v1/slos", sloName)) // fails only for a flag that does not exist
	_ = c.RegisterFlagCompletionFunc("service", names(e, "/api/v1/services", func(s api.Service) string { return s.Name }))
	return c
}

func incidentWithdrawCommand(e *env) *cobra.Command {
	var reason string
	c := &cobra.Command{Use: "withdraw ID", Short: "Take back that there was an incident; its facts stay", Args: wants(1, 1), Example: "  evenkeel incident withdraw INC-204 --reason 'a test'",
		ValidArgsFunction: names(e, "/api/v1/incidents", func(i api.Incident) string { return i.ID }),
		RunE: func(c *cobra.Command, args []string) error {
			if err := e.ask(c.Context(), http.MethodDelete, "/api/v1/incidents/"+url.PathEscape(args[0])+query("reason", reason), nil, nil); err != nil {
				return err
			}
			return e.done("incident " + args[0] + " withdrawn")
		}}
	c.Flags().StringVar(&reason, "reason", "", "why; it stands in the ledger")
	return c
}
