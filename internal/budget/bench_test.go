package budget_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// fleet is n services of five pods with two status codes each, in an embedded metric store.
type fleet struct {
	store  *metric.Store
	labels [][]kit.Label
	values []float64
	rnd    *rand.Rand
}

func newFleet(b testing.TB, n int, late func([]metric.Late)) *fleet {
	s, err := metric.Open(b.Context(), metric.Options{Dir: b.TempDir(), OnLate: late, MinFree: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	f := &fleet{store: s, rnd: rand.New(rand.NewPCG(1, 1))}
	for i := range n {
		for pod := range 5 {
			for _, code := range []string{"200", "500"} {
				f.labels = append(f.labels, []kit.Label{{Name: "__name__", Value: "http_requests_total"}, {Name: "code", Value: code},
					{Name: "instance", Value: fmt.Sprintf("pod-%d:80", pod)}, {Name: "job", Value: fmt.Sprintf("svc%04d", i)}})
				f.values = append(f.values, 0)
			}
		}
	}
	return f
}

// scrape adds one sample a series.
func (f *fleet) scrape(b testing.TB, at time.Time) {
	samples := make([]kit.Sample, len(f.labels))
	for i, ls := range f.labels {
		if i%2 == 0 {
			f.values[i] += float64(100 + f.rnd.IntN(50))
		} else {
			f.values[i] += float64(f.rnd.IntN(2))
		}
		samples[i] = kit.Sample{Labels: ls, TimeMS: at.UnixMilli(), Value: f.values[i]}
	}
	for len(samples) > 0 {
		n := min(len(samples), 5000)
		if err := f.store.Append(b.Context(), samples[:n]); err != nil {
			b.Fatal(err)
		}
		samples = samples[n:]
	}
}

func fleetObjectives(n int, window time.Duration, start time.Time) []slo.Objective {
	var out []slo.Objective
	for i := range n {
		job := fmt.Sprintf("svc%04d", i)
		out = append(out, slo.Objective{Name: job, Service: job, Tier: 1, Target: slo.MustDecimal("0.999"), Window: slo.Window{Rolling: window}, Start: start,
			Indicator: slo.Indicator{Kind: slo.BadTotal,
				Total: slo.Query{Terms: []slo.Term{{Selector: fmt.Sprintf("http_requests_total{job=%q}", job), Factor: 1}}},
				Bad:   slo.Query{Terms: []slo.Term{{Selector: fmt.Sprintf("http_requests_total{job=%q,code=~\"5..|429\"}", job), Factor: 1}}}}})
	}
	return out
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkEvaluation charges rounds of 1,000 objectives with ten series each over an embedded metric store, counts and
// result series stored. cpu-s/round is per 1,000 objectives; B/SLO is the heap that the engine takes.
func BenchmarkEvaluation(b *testing.B) {
	for _, window := range []time.Duration{4 * 24 * time.Hour, 28 * 24 * time.Hour, 90 * 24 * time.Hour} {
		b.Run(window.String(), func(b *testing.B) { evaluation(b, 1000, window, 0) })
	}
}

func evaluation(b *testing.B, n int, window, history time.Duration) {
	const slot = time.Minute
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	var engine *budget.Engine
	f := newFleet(b, n, func(l []metric.Late) { engine.Late(l) })
	counts, err := count.Open(b.Context(), dbtest.Open(b, dbtest.SQLite(b)))
	if err != nil {
		b.Fatal(err)
	}
	facts := &fakeLedger{}
	engine, err = budget.New(b.Context(), budget.Options{Counts: counts, Facts: facts, Results: f.store, Now: time.Now,
		Sources: map[string]budget.Source{"": {Source: f.store, Advance: f.store.Advance}}})
	if err != nil {
		b.Fatal(err)
	}
	for range 20 {
		f.scrape(b, at.Add(-7*time.Second))
		at = at.Add(slot)
	}
	engine.Apply(fleetObjectives(n, window, time.Time{}), nil)
	var spent time.Duration
	round := func() { // the store calls engine.Late only while it appends, between rounds
		f.scrape(b, at.Add(-7*time.Second))
		begun := cpu()
		if err := engine.Round(context.Background(), at, nil); err != nil {
			b.Fatal(err)
		}
		spent += cpu() - begun
		at = at.Add(slot)
	}
	for range 100 {
		round()
	}
	spent = 0
	for b.Loop() {
		round()
	}
	rounds := b.N
	b.ReportMetric(spent.Seconds()/float64(rounds)*1000/float64(n), "cpu-s/round")
	with := heap()
	runtime.KeepAlive(engine)
	runtime.KeepAlive(counts)
	engine, counts, facts = nil, nil, nil
	b.ReportMetric((float64(with)-float64(heap()))/float64(n), "B/SLO")
}

// BenchmarkBacktest charges the back-test of one objective of ten series over 30 days of raw history, with one policy and
// with a grid of fifty. cpu-s/1000 is for a thousand objectives.
func BenchmarkBacktest(b *testing.B) {
	to := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	rnd := rand.New(rand.NewPCG(1, 1))
	var all []metric.Series
	for pod := range 5 {
		for k, code := range []string{"200", "500"} {
			s := metric.Series{Labels: labels.FromStrings("__name__", "http_requests_total", "code", code, "instance", fmt.Sprint("pod-", pod), "job", "svc0000")}
			v := 0.0
			for at := to.Add(-30 * 24 * time.Hour); at.Before(to); at = at.Add(time.Minute) {
				v += float64(rnd.IntN(100 >> (6 * k)))
				s.Points = append(s.Points, metric.Point{T: at.UnixMilli(), V: v})
			}
			all = append(all, s)
		}
	}
	dir := b.TempDir()
	if _, err := metric.BackfillBlocks(b.Context(), dir, slices.Values(all)); err != nil {
		b.Fatal(err)
	}
	src, err := metric.OpenBlocks(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer src.Close()
	o := fleetObjectives(1, 28*24*time.Hour, time.Time{})[0]
	q := slo.BacktestQuestion{From: slo.At(to.Add(-30 * 24 * time.Hour)), To: slo.At(to)}.DefaultGrace()
	for _, n := range []int{1, 50} {
		var policies []budget.Policy
		for i := range n {
			pairs := slo.DefaultPairs(1)
			pairs[0].Spend *= 1 + float64(i)/50
			policies = append(policies, budget.Policy{Name: fmt.Sprint(i), Pairs: pairs})
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			begun := cpu()
			for b.Loop() {
				if _, err := budget.Backtest(b.Context(), o, src, q, policies...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpu()-begun).Seconds()/float64(b.N)*1000, "cpu-s/1000")
		})
	}
}

// BenchmarkBacktestCounts charges the back-test of an objective that is evaluated anyway: 30 days of stored counts.
func BenchmarkBacktestCounts(b *testing.B) {
	s := newShop(b, cart())
	s.minutes(33*1440, 1, false)
	s.start()
	s.round(s.at)
	q := slo.BacktestQuestion{From: slo.At(s.at.Add(-30 * 24 * time.Hour)), To: slo.At(s.at)}.DefaultGrace()
	for _, n := range []int{1, 50} {
		var policies []budget.Policy
		for i := range n {
			pairs := slo.DefaultPairs(1)
			pairs[0].Spend *= 1 + float64(i)/50
			policies = append(policies, budget.Policy{Name: fmt.Sprint(i), Pairs: pairs})
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			begun := cpu()
			for b.Loop() {
				if _, err := s.engine.Backtest(b.Context(), "cart-availability", "", q, policies...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((cpu()-begun).Seconds()/float64(b.N)*1000, "cpu-s/1000")
		})
	}
}
