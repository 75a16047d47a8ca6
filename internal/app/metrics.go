package app

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/metric"
	"evenkeel.dev/evenkeel/internal/store/metric/probe"
	"evenkeel.dev/evenkeel/internal/store/org"
)

// openMetrics opens the metric store that the org directory names: the embedded one, others', or none. A later version
// of the directory that names another one takes effect at the next start.
func (a *app) openMetrics(ctx context.Context) error {
	d := a.org.Current()
	switch m := d.Config.Metrics; {
	case m.None:
		return nil
	case len(m.Sources) > 0:
		return a.openRemotes(m.Sources)
	}
	return a.openEmbedded(ctx, d)
}

func (a *app) openEmbedded(ctx context.Context, d *org.Directory) error {
	o := metric.Options{Dir: filepath.Join(a.cfg.Data, "metrics"), Retention: time.Duration(d.Config.Retention.Time), MaxBytes: int64(d.Config.Retention.Size),
		Version: a.opt.Version, Now: a.now, Log: a.log, OnLate: a.late, OnRepair: func(r metric.Repair) { a.repaired(ctx, r) }}
	if a.opt.Demo != nil {
		if err := a.opt.Demo.fill(ctx, o.Dir); err != nil {
			return err
		}
	}
	s, err := metric.Open(ctx, o)
	if err != nil {
		return err
	}
	a.store, a.sink = s, s
	a.sources = map[string]source{"": {Source: s, advance: s.Advance}}
	a.stack.onClose("metric store", s.Close)
	a.applyScrape(d)
	a.openProbes(d)
	return nil
}

// repaired records what a cut of the storage's log may have cost.
func (a *app) repaired(ctx context.Context, r metric.Repair) {
	from := r.From
	if from.IsZero() {
		from = r.To.Add(-time.Hour)
	}
	f := &event.SourceGap{Source: "metrics", From: from, To: r.To, Reason: r.Reason}
	_, err := a.ledger.Append(ctx, ledger.Batch{Lane: ledger.Alerts, Events: []event.Event{{Kind: f.Kind(), At: r.To, By: "system:metrics",
		About: event.NewRef("source", "metrics"), Fact: f}}})
	if err != nil {
		a.log.Error("repair of the metric store not recorded", "err", err)
	}
}

// late passes on which series got samples in a stretch that was evaluated already.
func (a *app) late(series []metric.Late) {
	if a.budget != nil {
		a.budget.Late(series)
	}
}

func (a *app) openRemotes(sources []org.Source) error {
	a.sources = map[string]source{}
	for i, s := range sources {
		r, err := metric.NewRemote(metric.RemoteOptions{URL: s.URL, WriteURL: s.WriteURL, Timeout: time.Duration(s.Timeout), Log: a.log,
			Auth: metric.Auth{User: s.Username, PassFile: s.PasswordFile, BearerFile: s.BearerTokenFile, Headers: s.Headers, TLS: metric.TLS{CAFile: s.CAFile}}})
		if err != nil {
			return fmt.Errorf("metric source %s: %w", s.Name, err)
		}
		if i == 0 {
			a.sources[""] = source{Source: r}
			a.sink = r
		}
		if s.Name != "" {
			a.sources[s.Name] = source{Source: r}
		}
	}
	a.openProbes(a.org.Current())
	return nil
}

// source is a metric source; advance is set for the embedded one.
type source struct {
	metric.Source
	advance func(context.Context, time.Time) error
}

// metrics is the default source; nil without any.
func (a *app) metrics() metric.Source {
	if s, ok := a.sources[""]; ok {
		return s.Source
	}
	return nil
}

func (a *app) applyScrape(d *org.Directory) {
	if err := a.store.ApplyScrape(d.Config.Scrape, d.Path); err != nil {
		a.log.Error("scrape jobs not applied; those before stay in force", "err", err)
	}
}

// openProbes runs the declared probes. Loopback may be probed in the demo only: elsewhere it would be a way into what
// listens beside the server.
func (a *app) openProbes(d *org.Directory) {
	var n probe.Network
	if a.opt.Demo != nil {
		n.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	}
	a.probes = probe.NewRunner(n, a.sink.Append, a.now, a.log)
	a.stack.onClose("probes", func() error { a.probes.Close(); return nil })
	a.applyProbes(d)
}

func (a *app) applyProbes(d *org.Directory) {
	if err := a.probes.Apply(probesOf(d)); err != nil {
		a.log.Error("probes not applied; those before stay in force", "err", err)
	}
}

func probesOf(d *org.Directory) []probe.Probe {
	var out []probe.Probe
	for _, p := range d.Config.Probes {
		out = append(out, probeOf(p))
	}
	return out
}

func probeOf(p org.Probe) probe.Probe {
	out := probe.Probe{Name: p.Name, Kind: p.Kind, Target: p.Target, Service: p.Service, Labels: p.Labels,
		Interval: time.Duration(p.Interval), Timeout: time.Duration(p.Timeout)}
	if h := p.HTTP; h != nil {
		out.HTTP = probe.HTTP{Method: h.Method, Headers: h.Headers, Body: h.Body, Status: h.Status, Match: h.Match,
			NoRedirects: h.Redirects != nil && !*h.Redirects}
		out.TLS.CAFile = h.CAFile
	}
	if q := p.DNS; q != nil {
		out.DNS = probe.DNS{Name: q.Name, Type: q.Type, Match: q.Match}
	}
	if t := p.TLS; t != nil {
		out.TLS = probe.TLS{ServerName: t.ServerName, MinLeft: time.Duration(t.MinLeft), CAFile: t.CAFile}
	}
	return out
}

// noMetrics says why pushed metrics are refused; "" where they are taken.
func (a *app) noMetrics() string {
	switch {
	case a.sink == nil:
		return "this server keeps no metrics (metrics: none in evenkeel.yaml); send them to your own store"
	case a.store == nil && !a.forwards():
		return "this server reads metrics from another store and has no address to forward yours to; set metrics.write_url in evenkeel.yaml, or send them there"
	}
	return ""
}

func (a *app) forwards() bool {
	s := a.org.Current().Config.Metrics.Sources
	return len(s) > 0 && s[0].WriteURL != ""
}
