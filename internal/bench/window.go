package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"evenkeel.dev/evenkeel/internal/store/metric"
)

const (
	windowObjectives = 20
	windowDays       = 91
	windowWarm       = 30
	windowRounds     = 300
)

// windowGrowth runs the same rounds for the same objectives with a window of 1 h and with one of 90 d, both full: 91 days
// of samples are in the store and were counted before.
func windowGrowth(ctx context.Context, dir string) (_ figure, err error) {
	cs := counters(windowObjectives)
	end := time.Now().Truncate(time.Minute).Add(-(windowWarm + windowRounds + 1) * time.Minute)
	if _, err := metric.BackfillBlocks(ctx, filepath.Join(dir, "metrics"), past(cs, end.Add(-windowDays*24*time.Hour), end)); err != nil {
		return figure{}, err
	}
	var both []*evaluation
	f, err := openFleet(ctx, dir, cs, func(l []metric.Late) {
		for _, e := range both {
			e.engine.Late(l)
		}
	})
	if err != nil {
		return figure{}, err
	}
	defer func() { err = errors.Join(err, f.store.Close()) }()
	for i, w := range []time.Duration{time.Hour, 90 * 24 * time.Hour} {
		e, err := openEvaluation(ctx, filepath.Join(dir, fmt.Sprint("evaluation", i, ".db")), f.store, nil, windowDays*24*time.Hour)
		if err != nil {
			return figure{}, err
		}
		defer func() { err = errors.Join(err, e.close()) }()
		e.engine.Apply(objectives(windowObjectives, w), nil)
		both = append(both, e)
	}
	cost, err := windowCosts(ctx, f, both, end)
	if err != nil {
		return figure{}, err
	}
	at := end.Add((windowWarm + windowRounds) * time.Minute)
	peer, err := increaseGrowth(ctx, f.store, at)
	if err != nil {
		return figure{}, err
	}
	events := both[1].engine.Now().Objectives[0].Groups[0].Budget
	fmt.Printf("ours: 1 h %.2f ms, 90 d %.2f ms of CPU a round of %d objectives; the 90 d budget of the first: %+v\n", cost[0]*1000, cost[1]*1000, windowObjectives, events.Total)
	return figure{ours: cost[1] / cost[0], peer: peer, unit: "cost(90d)/cost(1h)"}, nil
}

// past is the counters' history as series, a sample a minute; the counters go on from it.
func past(cs []*counter, from, to time.Time) iter.Seq[metric.Series] {
	rnd := rand.New(rand.NewPCG(4, 4))
	return func(yield func(metric.Series) bool) {
		points := make([]metric.Point, 0, int(to.Sub(from).Minutes())+1)
		for _, c := range cs {
			points = points[:0]
			for t := from.Add(53 * time.Second); t.Before(to); t = t.Add(time.Minute) {
				c.step(t.UnixMilli(), rnd)
				points = append(points, metric.Point{T: t.UnixMilli(), V: c.value})
			}
			if !yield(metric.Series{Labels: labels.NewBuilder(c.labels).Labels(), Points: points}) {
				return
			}
		}
	}
}

// windowCosts runs the rounds in turn, so that both meet the same noise; it returns CPU seconds a round of each.
func windowCosts(ctx context.Context, f *fleet, both []*evaluation, at time.Time) ([2]float64, error) {
	var cost [2]float64
	for round := range windowWarm + windowRounds {
		at = at.Add(time.Minute)
		if err := f.scrape(ctx, at.Add(-7*time.Second)); err != nil {
			return cost, err
		}
		for k := range both {
			i := (k + round) % 2
			spent, err := both[i].cost(ctx, at)
			if err != nil {
				return cost, err
			}
			if round >= windowWarm {
				cost[i] += spent / windowRounds
			}
		}
	}
	return cost, nil
}

// increaseGrowth is how the cost of the same question grows when PromQL answers it.
func increaseGrowth(ctx context.Context, s *metric.Store, at time.Time) (float64, error) {
	var cost [2]float64
	for i, w := range []string{"1h", "90d"} {
		n := []int{2000, 5}[i]
		before := cpu()
		for k := range n {
			o := ruleObjective(k % windowObjectives)
			if _, _, err := s.Query(ctx, "sum(increase("+o.Indicator.Total.Terms[0].Selector+"["+w+"]))", at); err != nil {
				return 0, err
			}
		}
		cost[i] = (cpu() - before) / float64(n)
	}
	fmt.Printf("peer: 1 h %.2f ms, 90 d %.1f ms of CPU an increase() of ten series\n", cost[0]*1000, cost[1]*1000)
	return cost[1] / cost[0], nil
}
