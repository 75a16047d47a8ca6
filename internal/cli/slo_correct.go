package cli

import (
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
)

func sloCorrectCommand(e *env) *cobra.Command {
	var from, to, effect, reason, revoke string
	var show bool
	c := &cobra.Command{Use: "correct NAME", Short: "Take time out of a budget, or forgive its failures", Args: wants(1, 1),
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
				if err := e.ask(c.Context(), http.MethodDelete, path+"/"+url.PathEscape(revoke)+query("reason", reason), nil, nil); err != nil {
					return err
				}
				return e.done("correction " + revoke + " taken back; the budget is as if it had never been")
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
			return e.print(done, table{head: []string{"id", "fact"}, rows: [][]any{{done.ID, done.Seq}}})
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
		t.add(x.ID, x.From, x.To, x.Effect, x.By, x.Seq, x.Revoked)
	}
	return e.print(list, t)
}
