package app

import (
	"cmp"
	"context"
	"math"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/web"
)

// heard remembers who sent telemetry when and how much, for the System page and the freshness in each footer. At most
// maxHeard senders; further ones share one line.
type heard struct {
	mu   sync.Mutex
	from map[[2]string]*sender
}

// sender is one who pushes.
type sender struct {
	kind, name     string
	first, last    time.Time
	lag            time.Duration // of the newest sample of its last message; negative = not known
	samples, spans recently
}

const (
	maxHeard    = 200
	silentAfter = 5 * time.Minute
	others      = "others"
)

// message is what one message of a sender held.
type message struct {
	samples, spans int64
	newest         time.Time // of its samples; zero = not known
}

// note counts a message.
func (h *heard) note(kind, name string, m message, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.from == nil {
		h.from = map[[2]string]*sender{}
	}
	key := [2]string{kind, name}
	s := h.from[key]
	if s == nil && len(h.from) >= maxHeard {
		key = [2]string{kind, others}
		s = h.from[key]
	}
	if s == nil {
		s = &sender{kind: key[0], name: key[1], first: now, lag: -1}
		h.from[key] = s
	}
	s.last = now
	s.samples.add(m.samples, now)
	s.spans.add(m.spans, now)
	if !m.newest.IsZero() {
		s.lag = max(0, now.Sub(m.newest))
	}
}

// states lists the senders, the silent ones first.
func (h *heard) states(now time.Time) []web.SourceState {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []web.SourceState
	for _, s := range h.from {
		out = append(out, web.SourceState{Name: s.name, Kind: s.kind, Last: s.last, Rate: s.samples.rate(s.first, now), Spans: s.spans.rate(s.first, now),
			Lag: s.lag, Series: -1, Silent: now.Sub(s.last) > silentAfter})
	}
	sortSources(out)
	return out
}

// recently counts in steps of ten seconds and forgets after a minute.
type recently struct {
	at [7]int64 // step number since 1970
	n  [7]int64
}

const recentStep = 10 * time.Second

func (r *recently) add(n int64, now time.Time) {
	step := now.UnixNano() / int64(recentStep)
	i := step % int64(len(r.at))
	if r.at[i] != step {
		r.at[i], r.n[i] = step, 0
	}
	r.n[i] += n
}

// rate is per second over the last minute of whole steps, or since the first message where that is less.
func (r *recently) rate(first, now time.Time) float64 {
	step := now.UnixNano() / int64(recentStep)
	sum, whole := int64(0), min(int64(6), step-first.UnixNano()/int64(recentStep))
	for i, at := range r.at {
		if at < step && at >= step-6 || whole <= 0 && at == step {
			sum += r.n[i]
		}
	}
	if whole <= 0 { // all in the step that runs
		return float64(sum) / recentStep.Seconds()
	}
	return float64(sum) / (float64(whole) * recentStep.Seconds())
}

func sortSources(list []web.SourceState) {
	slices.SortFunc(list, func(a, b web.SourceState) int {
		if a.Silent != b.Silent {
			if a.Silent {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
}

// hearMetrics counts OTLP metrics by the service that sent them. A point of a histogram is several samples: those that
// were stored are shared out by points; 0 = it is not known how many were, and points stand for samples.
func (a *app) hearMetrics(md pmetric.Metrics, stored int64) {
	now, all := a.now(), int64(md.DataPointCount())
	for _, rm := range md.ResourceMetrics().All() {
		m := message{}
		for _, sm := range rm.ScopeMetrics().All() {
			for _, x := range sm.Metrics().All() {
				n, newest := points(x)
				m.samples += n
				if newest.After(m.newest) {
					m.newest = newest
				}
			}
		}
		if stored > 0 && all > 0 {
			m.samples = m.samples * stored / all
		}
		a.heard.note("otlp", jobOf(rm.Resource()), m, now)
	}
}

// points is how many points a metric has, and the time of the last one, which senders write last.
func points(m pmetric.Metric) (n int64, newest time.Time) {
	var last pcommon.Timestamp
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		n, last = lastOf(m.Gauge().DataPoints())
	case pmetric.MetricTypeSum:
		n, last = lastOf(m.Sum().DataPoints())
	case pmetric.MetricTypeHistogram:
		n, last = lastOf(m.Histogram().DataPoints())
	case pmetric.MetricTypeExponentialHistogram:
		n, last = lastOf(m.ExponentialHistogram().DataPoints())
	case pmetric.MetricTypeSummary:
		n, last = lastOf(m.Summary().DataPoints())
	}
	if last == 0 {
		return n, time.Time{}
	}
	return n, last.AsTime()
}

func lastOf[P interface{ Timestamp() pcommon.Timestamp }](all interface {
	Len() int
	At(int) P
}) (int64, pcommon.Timestamp) {
	n := all.Len()
	if n == 0 {
		return 0, 0
	}
	return int64(n), all.At(n - 1).Timestamp()
}

// hearSpans counts OTLP spans by the service that sent them.
func (a *app) hearSpans(td ptrace.Traces) {
	now := a.now()
	for _, rs := range td.ResourceSpans().All() {
		m := message{}
		for _, ss := range rs.ScopeSpans().All() {
			m.spans += int64(ss.Spans().Len())
		}
		a.heard.note("otlp", jobOf(rs.Resource()), m, now)
	}
}

// jobOf names a sender as its series do: the label job.
func jobOf(r pcommon.Resource) string {
	text := func(key string) string {
		if v, ok := r.Attributes().Get(key); ok {
			return v.AsString()
		}
		return ""
	}
	name, space := text("service.name"), text("service.namespace")
	switch {
	case name == "":
		return "without service.name"
	case space != "":
		return space + "/" + name
	}
	return name
}

// pusher names who writes to the Prometheus API: the token's name, else the program and the machine it runs on.
func pusher(r *http.Request) string {
	if c := auth.From(r.Context()); c.Name != "" && c.Via != "loopback" {
		return c.Name
	}
	program, _, _ := strings.Cut(r.UserAgent(), " ")
	if program == "" {
		program = "unnamed program"
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil && !net.ParseIP(host).IsLoopback() {
		return program + " on " + host
	}
	return program
}

// telemetry lists every source: who pushes, what is scraped and probed, and the stores that are read.
func (a *app) telemetry() []web.SourceState {
	now := a.now()
	out := a.heard.states(now)
	a.countSeries(out)
	for _, p := range a.org.Current().Config.Probes {
		s := web.SourceState{Name: p.Name, Kind: "probe", Every: time.Duration(p.Interval), Rate: math.NaN(), Spans: math.NaN(), Lag: -1, Series: -1}
		if s.Every == 0 {
			s.Every = 30 * time.Second
		}
		if r, ok := a.probes.Last(p.Name); ok {
			s.Last, s.Error = r.At, r.Reason
		}
		s.Silent = !s.Last.IsZero() && now.Sub(s.Last) > 3*s.Every
		out = append(out, s)
	}
	out = append(append(out, a.scraped(now)...), a.read()...)
	sortSources(out)
	return out
}

// countSeries fills in how many series the senders' names have in memory.
func (a *app) countSeries(list []web.SourceState) {
	if a.store == nil || len(list) == 0 {
		return
	}
	var names []string
	for _, s := range list {
		if s.Kind == "otlp" {
			names = append(names, s.Name)
		}
	}
	n, err := a.store.SeriesOf(context.Background(), "job", names)
	if err != nil {
		return // they stay unknown
	}
	for i := range list {
		if list[i].Kind == "otlp" {
			list[i].Series = n[list[i].Name]
		}
	}
}

// scraped lists the targets; a scrape's samples are its series.
func (a *app) scraped(now time.Time) []web.SourceState {
	if a.store == nil {
		return nil
	}
	targets := a.store.Targets()
	if len(targets) == 0 {
		return nil
	}
	samples := a.lastScrapes(now)
	var out []web.SourceState
	for _, t := range targets {
		s := web.SourceState{Name: t.Job + " " + t.Instance, Kind: "scrape", Last: t.Last, Every: t.Every, Error: t.Error, Rate: math.NaN(), Spans: math.NaN(), Lag: -1, Series: -1}
		if n, ok := samples[[2]string{t.Job, t.Instance}]; ok && t.Every > 0 {
			s.Series, s.Rate = int64(n), n/t.Every.Seconds()
		}
		s.Silent = !t.Last.IsZero() && now.Sub(t.Last) > 3*t.Every
		out = append(out, s)
	}
	return out
}
