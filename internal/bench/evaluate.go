package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"evenkeel.dev/evenkeel/internal/store/metric"
)

const (
	evalObjectives = 1000
	evalWarm       = 60 // rounds before any is counted
	evalRounds     = 60
)

// evaluationCost measures rounds of 1,000 objectives over the embedded store: samples read, counts, facts and result
// series stored. The rules of the peer do the same for a hundred, scaled.
func evaluationCost(ctx context.Context, dir string) (figure, error) {
	ours, perSLO, err := evaluate(ctx, dir)
	if err != nil {
		return figure{}, err
	}
	fmt.Printf("%d rounds of %d objectives; %.1f kB of heap an objective\n", evalRounds, evalObjectives, perSLO/1000)
	peer, err := rulesCost(ctx, dir)
	if err != nil {
		return figure{}, err
	}
	fmt.Printf("peer: %d rounds of %d objectives, scaled\n", ruleRounds-1, ruleObjectives)
	return figure{ours: ours, peer: peer, unit: "CPU-s/1000-SLOs"}, nil
}

// evaluate returns CPU seconds a round of all objectives, and bytes of heap that the evaluation holds for one.
func evaluate(ctx context.Context, dir string) (cost, perSLO float64, err error) {
	var e *evaluation
	f, err := openFleet(ctx, dir, counters(evalObjectives), func(l []metric.Late) { e.engine.Late(l) })
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, f.store.Close()) }()
	if e, err = openEvaluation(ctx, filepath.Join(dir, "evaluation.db"), f.store, f.store, 0); err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	e.engine.Apply(objectives(evalObjectives, 30*24*time.Hour), nil)
	at := time.Now().Truncate(time.Minute).Add(-(evalWarm + evalRounds + 20) * time.Minute)
	for range 20 {
		at = at.Add(time.Minute)
		if err := f.scrape(ctx, at.Add(-7*time.Second)); err != nil {
			return 0, 0, err
		}
	}
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
	if n := len(e.engine.Now().Objectives); n != evalObjectives {
		return 0, 0, fmt.Errorf("%d of %d objectives were evaluated", n, evalObjectives)
	}
	with := heap()
	runtime.KeepAlive(e.engine)
	e.engine = nil
	return cost, (with - heap()) / evalObjectives, nil
}
