package main

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// fleet is a metric store that gets a sample a minute of every counter.
type fleet struct {
	store    *metric.Store
	counters []*counter
	labels   [][]kit.Label
	rnd      *rand.Rand
}

func openFleet(ctx context.Context, dir string, cs []*counter, late func([]metric.Late)) (*fleet, error) {
	s, err := metric.Open(ctx, metric.Options{Dir: filepath.Join(dir, "metrics"), Retention: 400 * 24 * time.Hour, OnLate: late, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	f := &fleet{store: s, counters: cs, rnd: rand.New(rand.NewPCG(3, 3))}
	for _, c := range cs {
		var ls []kit.Label
		c.labels.Range(func(l labels.Label) { ls = append(ls, kit.Label{Name: l.Name, Value: l.Value}) })
		f.labels = append(f.labels, ls)
	}
	return f, nil
}

// scrape adds one sample a counter.
func (f *fleet) scrape(ctx context.Context, at time.Time) error {
	const batch = 5000
	samples := make([]kit.Sample, 0, batch)
	for i, c := range f.counters {
		c.step(at.UnixMilli(), f.rnd)
		samples = append(samples, kit.Sample{Labels: f.labels[i], TimeMS: at.UnixMilli(), Value: c.value})
		if len(samples) == batch || i == len(f.counters)-1 {
			if err := f.store.Append(ctx, samples); err != nil {
				return err
			}
			samples = samples[:0]
		}
	}
	return nil
}

// evaluation is the engine with stores of its own, as the program wires it.
type evaluation struct {
	db     *db.DB
	ledger *ledger.Ledger
	counts *count.Store
	engine *budget.Engine
}

func openEvaluation(ctx context.Context, path string, s *metric.Store, results budget.Results, history time.Duration) (*evaluation, error) {
	d, err := db.Open(ctx, "sqlite:"+path)
	if err != nil {
		return nil, err
	}
	e := &evaluation{db: d}
	if e.ledger, err = ledger.Open(ctx, d, ledger.Options{Projections: projection.All, Now: time.Now}); err != nil {
		return nil, errors.Join(err, e.close())
	}
	if e.counts, err = count.Open(ctx, d); err == nil {
		e.engine, err = budget.New(ctx, budget.Options{Counts: e.counts, Facts: e.ledger, Results: results, Read: d.Read(), History: history,
			Sources: map[string]budget.Source{"": {Source: s, Advance: s.Advance}}})
	}
	if err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

func (e *evaluation) close() error {
	var err error
	if e.ledger != nil {
		err = e.ledger.Close()
	}
	return errors.Join(err, e.db.Close())
}

// cost runs one round and returns its CPU seconds.
func (e *evaluation) cost(ctx context.Context, at time.Time) (float64, error) {
	before := cpu()
	err := e.engine.Round(ctx, at, nil)
	return cpu() - before, err
}

func objectives(n int, window time.Duration) []slo.Objective {
	var out []slo.Objective
	for i := range n {
		o := ruleObjective(i)
		o.Window.Rolling = window
		out = append(out, o)
	}
	return out
}

// heap is what is in use, in bytes.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
