package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/incident"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/metric"
	"evenkeel.dev/evenkeel/internal/store/org"
)

// backtest is what a back-test was asked.
type backtest struct {
	from, tsdb, openmetrics, prometheus string
	incidents                           string
	days                                int
	to                                  string
	policies                            []string
	noGrid                              bool
}

func sloBacktestCommand(e *env) *cobra.Command {
	var b backtest
	c := &cobra.Command{
		Use: "backtest [NAME...]", Short: "Try alert policies on the past, and recommend one",
		Long: `Replays the evaluator that alerts live over history, with the policy in force, a grid of known ones and any of your own,
and tells for each: pages, incidents caught, time to detect, budget spent before the page.

Against a server it uses the counts that the server keeps. Without one it reads an org directory (--from) and raw samples:
a TSDB directory (--tsdb), an OpenMetrics file (--openmetrics), or a Prometheus API (--prometheus), read-only.

A policy is written NAME=FACTOR:LONG:SHORT,..., such as 'mine=14.4:1h:5m,6:6h:30m'. Incidents are a YAML file as in an org
directory (docs/org-directory.md); without one, those that the server knows (evenkeel incident ls) or the org directory labels count.`,
		Example: "  evenkeel slo backtest checkout-availability --days 30\n" +
			"  evenkeel slo backtest --from ./org --tsdb /var/lib/prometheus --policy 'mine=10:2h:10m'\n" +
			"  evenkeel slo backtest --from ./org --prometheus http://prom:9090 --incidents incidents.yaml -o json",
		ValidArgsFunction: names(e, "/api/v1/slos", sloName),
		RunE: func(c *cobra.Command, args []string) error {
			policies, err := readPolicies(b.policies)
			if err != nil {
				return err
			}
			if b.days < 1 || b.days > 400 {
				return usage("--days: counts reach back 1 to 400 days")
			}
			var out []api.Backtest
			if b.tsdb != "" || b.openmetrics != "" || b.prometheus != "" {
				out, err = b.offline(c.Context(), args, policies)
			} else {
				out, err = b.ask(c.Context(), e, args, policies)
			}
			if err != nil {
				return err
			}
			return e.printBacktests(out)
		},
	}
	f := c.Flags()
	f.StringVar(&b.from, "from", ".", "org directory, for a back-test without a server")
	f.StringVar(&b.tsdb, "tsdb", "", "data directory of a Prometheus or of Evenkeel's metric store")
	f.StringVar(&b.openmetrics, "openmetrics", "", "OpenMetrics text file with timestamps")
	f.StringVar(&b.prometheus, "prometheus", "", "address of a Prometheus API")
	f.StringVar(&b.incidents, "incidents", "", "file of labelled incidents")
	f.IntVar(&b.days, "days", 30, "how far back")
	f.StringVar(&b.to, "to", "", "end; now, or the newest sample of files, when left out")
	f.StringArrayVar(&b.policies, "policy", nil, "policy to try; may be repeated")
	f.BoolVar(&b.noGrid, "no-grid", false, "try only the policy in force and those given")
	c.MarkFlagsMutuallyExclusive("tsdb", "openmetrics", "prometheus")
	return c
}

// readPolicies reads NAME=FACTOR:LONG:SHORT,...
func readPolicies(texts []string) ([]api.Policy, error) {
	var out []api.Policy
	for _, text := range texts {
		name, rest, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, usage("--policy %q: write NAME=FACTOR:LONG:SHORT, such as mine=14.4:1h:5m", text)
		}
		p := api.Policy{Name: name}
		for pair := range strings.SplitSeq(rest, ",") {
			parts := strings.Split(strings.TrimSpace(pair), ":")
			if len(parts) != 3 {
				return nil, usage("--policy %q: %q is no pair; write FACTOR:LONG:SHORT, such as 14.4:1h:5m", text, pair)
			}
			factor, err := strconv.ParseFloat(parts[0], 64)
			if err != nil || !(factor > 0 && factor < 1e6) {
				return nil, usage("--policy %q: %q is no burn rate; write a number above 0", text, parts[0])
			}
			p.Pairs = append(p.Pairs, api.Pair{Severity: slo.Page, Factor: factor, Long: parts[1], Short: parts[2]})
		}
		out = append(out, p)
	}
	return out, nil
}

// ask lets the server replay what it counted.
func (b *backtest) ask(ctx context.Context, e *env, names []string, policies []api.Policy) ([]api.Backtest, error) {
	if len(names) == 0 {
		return nil, usage("name an objective; evenkeel slo ls lists them. Without a server give --from and one of --tsdb, --openmetrics, --prometheus")
	}
	body := map[string]any{"from": strconv.Itoa(b.days) + "d", "noGrid": b.noGrid}
	if b.to != "" {
		to, err := kit.ParseTime(b.to, time.Now())
		if err != nil {
			return nil, usage("--to: %w", err)
		}
		body["to"], body["from"] = to.Format(time.RFC3339), to.AddDate(0, 0, -b.days).Format(time.RFC3339)
	}
	if len(policies) > 0 {
		body["policies"] = policies
	}
	incidents, err := b.readIncidents()
	if err != nil {
		return nil, err
	}
	var out []api.Backtest
	for _, name := range names {
		if b.incidents != "" {
			if body["incidents"], err = labelled(ctx, e, name, incidents); err != nil {
				return nil, err
			}
		}
		var one api.Backtest
		if err := e.ask(ctx, http.MethodPost, "/api/v1/slos/"+url.PathEscape(name)+"/backtest", body, &one); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// labelled are the incidents that concern an objective of the server.
func labelled(ctx context.Context, e *env, name string, list []org.Incident) ([]api.Labelled, error) {
	var o api.SLO
	if err := e.get(ctx, "/api/v1/slos/"+url.PathEscape(name), &o); err != nil {
		return nil, err
	}
	out := []api.Labelled{}
	for _, i := range incident.For(incident.Labelled(list), slo.Objective{Name: name, Service: o.Service}, time.Now()) {
		out = append(out, api.Labelled{From: i.From.Time(), To: i.To.Time(), Name: i.Name})
	}
	return out, nil
}

// offline reads raw history and needs no server.
func (b *backtest) offline(ctx context.Context, names []string, policies []api.Policy) ([]api.Backtest, error) {
	objectives, err := localObjectives(b.from, names)
	if err != nil {
		return nil, err
	}
	incidents, err := b.readIncidents()
	if err != nil {
		return nil, err
	}
	if b.incidents == "" {
		dir, _ := org.Load(b.from, org.Options{}) // its errors were told above
		incidents = dir.Incidents
	}
	src, to, done, err := b.source(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if b.to != "" {
		if to, err = kit.ParseTime(b.to, time.Now()); err != nil {
			return nil, usage("--to: %w", err)
		}
	}
	out := []api.Backtest{}
	for _, o := range objectives {
		tried, err := api.PoliciesOf(o, policies, b.noGrid)
		if err != nil {
			return nil, exitError{exitUsage, err}
		}
		q := slo.BacktestQuestion{From: slo.At(to.AddDate(0, 0, -b.days)), To: slo.At(to), Incidents: incident.For(incident.Labelled(incidents), o, to)}.DefaultGrace()
		verdicts, err := budget.Backtest(ctx, o, src, q, tried...)
		if err != nil {
			return nil, err
		}
		if len(verdicts) == 0 {
			out = append(out, api.Backtest{SLO: o.Name, From: q.From.Time(), To: q.To.Time(), Trials: []api.Trial{}})
		}
		for _, v := range verdicts {
			out = append(out, api.BacktestOf(o.Name, v))
		}
	}
	return out, nil
}

// source opens where raw samples are, with the newest moment it knows of.
func (b *backtest) source(ctx context.Context) (src metric.Source, to time.Time, done func(), err error) {
	log := slog.New(slog.DiscardHandler)
	if b.prometheus != "" {
		r, err := metric.NewRemote(metric.RemoteOptions{URL: b.prometheus, Log: log})
		if err != nil {
			return nil, to, nil, exitError{exitUsage, err}
		}
		if _, err := r.Ping(ctx); err != nil {
			return nil, to, nil, exitError{exitUnreachable, fmt.Errorf("%s does not answer: %w; check the address", b.prometheus, err)}
		}
		return r, time.Now().Truncate(time.Minute), func() {}, nil
	}
	var files *metric.Files
	if b.tsdb != "" {
		files, err = metric.OpenBlocks(b.tsdb, log)
	} else {
		files, err = metric.OpenOpenMetrics(ctx, b.openmetrics, log)
	}
	if err != nil {
		return nil, to, nil, err
	}
	done = func() { _ = files.Close() } // only a temporary folder is at stake
	_, to = files.Extent()
	if to.IsZero() {
		done()
		return nil, to, nil, kit.Errorf(kit.Invalid, "%s holds no samples", b.tsdb+b.openmetrics)
	}
	return files, to.Truncate(time.Minute).Add(time.Minute), done, nil
}

// readIncidents reads the file that was named, if any.
func (b *backtest) readIncidents() ([]org.Incident, error) {
	if b.incidents == "" {
		return nil, nil
	}
	f, err := os.Open(b.incidents)
	if err != nil {
		return nil, usage("--incidents: %w", err)
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, maxInput))
	if err != nil {
		return nil, usage("--incidents: %w", err)
	}
	list, problems := org.ReadIncidents(b.incidents, body)
	var errs []error
	for _, p := range problems {
		if p.Severity == kit.SeverityError {
			errs = append(errs, errors.New(p.String()))
		}
	}
	if len(errs) > 0 {
		return nil, exitError{exitFindings, errors.Join(errs...)}
	}
	return list, nil
}
