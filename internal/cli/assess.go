package cli

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/assess"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

func assessCommand(e *env) *cobra.Command {
	var address, to, token string
	var days int
	c := &cobra.Command{
		Use: "assess --prometheus URL", Short: "What the alerts of an existing Prometheus miss", GroupID: "run", Args: wants(0, 0),
		Long: `Looks at a Prometheus, Mimir, Thanos or VictoriaMetrics, read-only, for at most five minutes: finds services by well-known
conventions, drafts a catalog and objectives with targets from attained history, tries these on the history, and judges the
alerts that are there. Writes an org directory with a report: what would have paged, what was missed, what is noisy, what
has no owner.`,
		Example: "  evenkeel assess --prometheus http://prometheus:9090\n  evenkeel assess --prometheus https://mimir/prometheus --bearer-token-file token --days 14 --to org",
		RunE: func(c *cobra.Command, _ []string) error {
			if address == "" {
				return usage("name the server: evenkeel assess --prometheus http://prometheus:9090")
			}
			if err := assess.Free(to); err != nil {
				return err
			}
			o, err := e.assessOptions(c, address, token, days)
			if err != nil {
				return err
			}
			a, err := assess.Run(c.Context(), o)
			if err != nil {
				return err
			}
			if err := a.Write(to); err != nil {
				return err
			}
			return e.assessed(a, to)
		},
	}
	f := c.Flags()
	f.StringVar(&address, "prometheus", "", "base address of the server, without /api/v1")
	f.IntVar(&days, "days", 30, "days of history to look at, 1 to 90")
	f.StringVar(&to, "to", "evenkeel-org", "directory to write; must be new or empty")
	f.StringVar(&token, "bearer-token-file", "", "file with a token to sign in with")
	return c
}

// assessOptions connects to the server once, so that a wrong address or token is told at once.
func (e *env) assessOptions(c *cobra.Command, address, token string, days int) (assess.Options, error) {
	if token != "" {
		path, err := filepath.Abs(token)
		if err != nil {
			return assess.Options{}, usage("read %s: %w", token, err)
		}
		token = path
	}
	remote, err := metric.NewRemote(metric.RemoteOptions{URL: address, Auth: metric.Auth{BearerFile: token}, Timeout: time.Minute})
	if err != nil {
		return assess.Options{}, usage("%w", err)
	}
	s, err := remote.Ping(c.Context())
	if kit.CodeOf(err) == kit.Denied {
		return assess.Options{}, err
	}
	if err == nil {
		fmt.Fprintf(e.Err, "%s %s answers\n", cmp.Or(s.Application, "Prometheus"), s.Version)
	}
	shown := address
	if u, err := url.Parse(address); err == nil {
		u.User = nil
		shown = u.String()
	}
	return assess.Options{Source: remote, Address: shown, Token: token, Rules: remote.Rules, Days: days, Now: time.Now(),
		Say: func(line string) { fmt.Fprintln(e.Err, line) }}, nil
}

// assessed ends with the findings and where everything is.
func (e *env) assessed(a *assess.Assessment, dir string) error {
	fmt.Fprintln(e.Out, a.Summary())
	for _, f := range a.Findings {
		fmt.Fprintln(e.Out, "- "+f.Title)
	}
	if n := len(a.LeftOut); n > 0 {
		fmt.Fprintf(e.Out, "- %s left out; the report says what and why.\n", kit.Plural(n, "thing was", "things were"))
	}
	_, err := fmt.Fprintf(e.Out, "\nReport         %s\nAs text        %s\nOrg directory  %s\nNext           evenkeel lint %s, then evenkeel serve --org %s\n",
		filepath.Join(dir, assess.ReportHTML), filepath.Join(dir, assess.ReportMD), dir, dir, dir)
	return err
}
