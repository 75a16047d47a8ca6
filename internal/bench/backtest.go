package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

const backtestDays = 30

// backtestCost back-tests one objective of ten series over 30 days, from stored counts (an objective that is evaluated
// anyway) and from raw samples (one that is new), with one policy and with fifty. All is scaled to a thousand objectives.
func backtestCost(ctx context.Context, dir string) (_ figure, err error) {
	cs := counters(1)
	to := time.Now().Truncate(time.Hour).Add(-time.Hour)
	if _, err := metric.BackfillBlocks(ctx, filepath.Join(dir, "metrics"), past(cs, to.Add(-34*24*time.Hour), to)); err != nil {
		return figure{}, err
	}
	files, err := metric.OpenBlocks(filepath.Join(dir, "metrics"), slog.New(slog.DiscardHandler))
	if err != nil {
		return figure{}, err
	}
	defer files.Close()
	q := slo.BacktestQuestion{From: slo.At(to.Add(-backtestDays * 24 * time.Hour)), To: slo.At(to)}.DefaultGrace()
	o := objectives(1, 30*24*time.Hour)[0]
	if err := rawBacktests(ctx, files, o, q); err != nil {
		return figure{}, err
	}
	peer, err := rangeQueries(ctx, files, o, to)
	if err != nil {
		return figure{}, err
	}
	f, err := openFleet(ctx, dir, cs, nil)
	if err != nil {
		return figure{}, err
	}
	defer func() { err = errors.Join(err, f.store.Close()) }()
	e, err := openEvaluation(ctx, filepath.Join(dir, "evaluation.db"), f.store, nil, 0)
	if err != nil {
		return figure{}, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	e.engine.Apply([]slo.Objective{o}, nil)
	if err := e.engine.Round(ctx, to, nil); err != nil {
		return figure{}, err
	}
	ours, err := onceAndFifty("from stored counts", 40, func(ps []budget.Policy) (int, error) {
		v, err := e.engine.Backtest(ctx, o.Name, "", q, ps...)
		return v.Slots, err
	})
	return figure{ours: ours, peer: peer, unit: "CPU-s/1000-SLOs"}, err
}

func rawBacktests(ctx context.Context, src metric.Source, o slo.Objective, q slo.BacktestQuestion) error {
	_, err := onceAndFifty("from raw samples", 10, func(ps []budget.Policy) (int, error) {
		vs, err := budget.Backtest(ctx, o, src, q, ps...)
		if err != nil || len(vs) == 0 {
			return 0, err
		}
		return vs[0].Slots, nil
	})
	return err
}

// onceAndFifty measures one policy and a grid of fifty, and returns the cost of one: CPU seconds a thousand objectives.
func onceAndFifty(what string, n int, run func([]budget.Policy) (slots int, err error)) (float64, error) {
	var cost [2]float64
	for i, count := range []int{1, 50} {
		ps := policies(count)
		before := cpu()
		for range n {
			slots, err := run(ps)
			if err != nil {
				return 0, err
			}
			if slots < backtestDays*1440*9/10 {
				return 0, fmt.Errorf("%s: only %d of %d minutes were there to be tested", what, slots, backtestDays*1440)
			}
		}
		cost[i] = (cpu() - before) / float64(n) * 1000
	}
	fmt.Printf("ours %s: %.1f CPU-s with one policy, %.1f with fifty (%.1f times)\n", what, cost[0], cost[1], cost[1]/cost[0])
	return cost[0], nil
}

func policies(n int) []budget.Policy {
	var out []budget.Policy
	for i := range n {
		pairs := slo.DefaultPairs(1)
		pairs[0].Spend *= 1 + float64(i)/50
		out = append(out, budget.Policy{Name: fmt.Sprint(i), Pairs: pairs})
	}
	return out
}

// rangeQueries is the peer: the burn of every window of the same rules, each minute of 30 days, asked day by day as the
// limits of a server want it. It only reads; it does not judge.
func rangeQueries(ctx context.Context, src metric.Source, o slo.Objective, to time.Time) (float64, error) {
	bad, total := o.Indicator.Bad.Terms[0].Selector, o.Indicator.Total.Terms[0].Selector
	before := cpu()
	for _, w := range []string{"5m", "30m", "1h", "2h", "6h", "1d", "3d"} {
		expr := fmt.Sprintf("sum(rate(%s[%s])) / sum(rate(%s[%s]))", bad, w, total, w)
		for day := range backtestDays {
			from := to.Add(-time.Duration(day+1) * 24 * time.Hour)
			if _, err := src.QueryRange(ctx, expr, from, from.Add(24*time.Hour-time.Minute), time.Minute); err != nil {
				return 0, err
			}
		}
	}
	cost := (cpu() - before) * 1000
	fmt.Printf("peer: range queries of seven windows: %.0f CPU-s\n", cost)
	return cost, nil
}
