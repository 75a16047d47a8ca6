package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

const (
	evalObjectives = 1000
	evalWarm       = 60 // rounds before any is counted
	evalRounds     = 60
	evalEvents     = 5000 // a slot
)

// evaluationCost measures rounds of 1,000 objectives over the embedded store: samples read, counts, facts and result
// series stored. The rules of the peer do the same for a hundred, scaled.
func evaluationCost(ctx context.Context, dir string) (figure, error) {
	ours, _, err := evaluate(ctx, dir, evalObjectives, 0)
	if err != nil {
		return figure{}, err
	}
	fmt.Printf("%d rounds of %d objectives\n", evalRounds, evalObjectives)
	peer, err := rulesCost(ctx, dir)
	if err != nil {
		return figure{}, err
	}
	fmt.Printf("peer: %d rounds of %d objectives, scaled\n", ruleRounds-1, ruleObjectives)
	return figure{ours: ours, peer: peer, unit: "CPU-s/1000-SLOs"}, nil
}

// evaluate returns CPU seconds a round of n objectives, and bytes of heap that the evaluation holds for one. So many days
// of counts lie behind each objective.
func evaluate(ctx context.Context, dir string, n, days int) (cost, perSLO float64, err error) {
	var e *evaluation
	f, err := openFleet(ctx, dir, counters(n), func(l []metric.Late) { e.engine.Late(l) })
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, f.store.Close()) }()
	at := time.Now().Truncate(time.Minute).Add(-(evalWarm + evalRounds + 20) * time.Minute)
	for range 20 {
		at = at.Add(time.Minute)
		if err := f.scrape(ctx, at.Add(-7*time.Second)); err != nil {
			return 0, 0, err
		}
	}
	if e, err = withPast(ctx, filepath.Join(dir, "evaluation.db"), f.store, at, n, days); err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	for i := range evalWarm + evalRounds {
		at = at.Add(time.Minute)
		if err := f.scrape(ctx, at.Add(-7*time.Second)); err != nil {
			return 0, 0, err
		}
		spent, err := e.cost(ctx, at)
		if err != nil {
			return 0, 0, err
		}
		if i >= evalWarm {
			cost += spent / evalRounds
		}
	}
	if got := len(e.engine.Now().Objectives); got != n {
		return 0, 0, fmt.Errorf("%d of %d objectives were evaluated", got, n)
	}
	if b := e.engine.Now().Objectives[0].Groups[0].Budget; b.Total < float64(days-3)*1440*evalEvents {
		return 0, 0, fmt.Errorf("%.0f events in a window: its past is not counted", b.Total)
	}
	with := heap()
	runtime.KeepAlive(e.engine)
	e.engine, e.counts = nil, nil
	return cost, (with - heap()) / float64(n), nil
}

// withPast opens the evaluation of n objectives as it stands at an instant after it has run for some days: one round
// makes the objectives, their past is stored as counts, and a new process goes on from there.
func withPast(ctx context.Context, path string, s *metric.Store, at time.Time, n, days int) (*evaluation, error) {
	os := objectives(n, 30*24*time.Hour)
	first := at.Add(-time.Duration(days)*24*time.Hour - 20*time.Minute)
	for i := range os {
		os[i].Start = first
	}
	e, err := openEvaluation(ctx, path, s, nil, 0)
	if err != nil {
		return nil, err
	}
	e.engine.Apply(os, nil)
	err = errors.Join(e.engine.Round(ctx, at, nil), e.engine.Store(ctx))
	if err == nil && days > 0 {
		err = fillCounts(ctx, e.counts, os, slo.At(first).Slot(), slo.At(at).Slot()-1)
	}
	if err = errors.Join(err, e.close()); err != nil {
		return nil, err
	}
	if e, err = openEvaluation(ctx, path, s, s, 0); err != nil {
		return nil, err
	}
	e.engine.Apply(os, nil)
	return e, nil
}

// fillCounts stores some evalEvents a slot for every objective.
func fillCounts(ctx context.Context, counts *count.Store, os []slo.Objective, from, to int64) error {
	rows := make([]count.Row, 0, to-from)
	for slot := from; slot < to; slot++ {
		rows = append(rows, count.Row{Slot: slot, Len: 1, Bad: float64(slot % 7 / 6), Total: evalEvents + float64(slot*31%97), ValidS: 60, Sampled: true})
	}
	for _, o := range os {
		ids, err := counts.Subjects(ctx, []count.Key{{SLO: o.Name, Version: 1}})
		if err != nil {
			return err
		}
		if err := counts.Fill(ctx, ids[0], rows); err != nil {
			return err
		}
	}
	return nil
}
