package app

import (
	"context"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/kit"
)

// usage measures what this process takes of the machine.
type usage struct {
	mu    sync.Mutex
	at    time.Time
	cpu   time.Duration
	cores float64
}

// sample updates the measure once its last one is old enough.
func (u *usage) sample(now time.Time) float64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	cpu := time.Duration(r.Utime.Nano() + r.Stime.Nano())
	if passed := now.Sub(u.at); u.at.IsZero() || passed >= 10*time.Second {
		if !u.at.IsZero() {
			u.cores = (cpu - u.cpu).Seconds() / passed.Seconds()
		}
		u.at, u.cpu = now, cpu
	}
	return u.cores
}

// gauge is one of our own figures.
type gauge struct {
	name, help string
	counter    bool
	value      func() float64
}

// own are this program's figures, beside those of the metric store and the Go runtime.
func (a *app) own() []gauge {
	return []gauge{
		{"evenkeel_ledger_facts", "Facts in the ledger.", false, func() float64 { return float64(a.ledger.Head().Seq) }},
		{"evenkeel_objectives", "Objectives that are evaluated.", false, func() float64 { return float64(len(a.budget.Now().Objectives)) }},
		{"evenkeel_evaluation_seconds", "What the last round took.", false, func() float64 { return a.budget.Now().Took.Seconds() }},
		{"evenkeel_evaluation_last_timestamp_seconds", "The minute that was evaluated last.", false, func() float64 { return unix(a.budget.Now().At) }},
		{"evenkeel_samples_appended_total", "Samples that were stored.", true, func() float64 {
			if a.store == nil {
				return 0
			}
			return float64(a.store.Appended())
		}},
		{"evenkeel_spans_total", "Spans that were reduced.", true, func() float64 { return float64(a.traces.Stats().Spans) }},
		{"evenkeel_spans_rejected_total", "Spans without trace id, span id or service name.", true, func() float64 { return float64(a.traces.Stats().Rejected) }},
		{"evenkeel_live_readers", "Open pages that refresh themselves.", false, func() float64 { return float64(a.hub.Readers()) }},
	}
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix())
}

// registry gathers everything that /metrics shows.
func (a *app) registry() prometheus.Gatherer {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, g := range a.own() {
		if g.counter {
			reg.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: g.name, Help: g.help}, g.value))
			continue
		}
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: g.name, Help: g.help}, g.value))
	}
	all := prometheus.Gatherers{reg}
	if a.store != nil {
		all = append(all, a.store.Metrics())
	}
	return all
}

// ownMetrics serves /metrics to who may query metrics.
func (a *app) ownMetrics() http.Handler {
	h := promhttp.HandlerFor(a.registry(), promhttp.HandlerOpts{EnableOpenMetrics: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := auth.From(r.Context()).May(auth.QueryMetrics, ""); err != nil {
			refuse(w, r, err)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// watchSelf keeps our own figures as series, so that pages can show them over time without a scrape of ourselves.
func (a *app) watchSelf(ctx context.Context) error {
	tick := time.NewTicker(15 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := a.now()
		a.usage.sample(now)
		var out []kit.Sample
		for _, g := range a.own() {
			out = append(out, kit.Sample{TimeMS: now.UnixMilli(), Value: g.value(),
				Labels: []kit.Label{{Name: "__name__", Value: g.name}, {Name: "instance", Value: "self"}, {Name: "job", Value: "evenkeel"}}})
		}
		if err := a.store.Append(ctx, out); err != nil && ctx.Err() == nil {
			a.log.Warn("own figures not stored", "err", err)
		}
	}
}
