package main

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate"
)

// The peer of the evaluation: the rules that Sloth would write for the same objectives (our own export under its names, 17
// rules an objective), run by Prometheus' rule engine over Prometheus' storage with 3.2 days of raw samples and 30.2 days
// of the two recorded sides that the 30-day rule sums (Sloth's own sums and counts one recorded ratio: as many samples). An objective has 5 pods x 2 codes of one counter, a sample a minute.

const (
	ruleObjectives = 100
	rulePods       = 5
	ruleRounds     = 4 // the first is not counted
	ruleStep       = int64(60_000)
	ruleBlock      = int64(72 * 3600 * 1000)
	ruleRawMS      = int64(3.2 * 86_400_000)
	ruleRecordedMS = int64(30.2 * 86_400_000)
)

// ruleObjective is the i-th objective that both sides evaluate.
func ruleObjective(i int) slo.Objective {
	service := fmt.Sprintf("svc%04d", i)
	sel := fmt.Sprintf(`http_request_duration_seconds_count{job=%q}`, service)
	bad := fmt.Sprintf(`http_request_duration_seconds_count{job=%q,code=~"5.."}`, service)
	return slo.Objective{
		Name: service + "-availability", Service: service, Tier: 1,
		Target: slo.MustDecimal("0.999"), Window: slo.Window{Rolling: 30 * 24 * time.Hour}, Method: slo.Occurrences, NoData: slo.Excluded,
		Indicator: slo.Indicator{Kind: slo.BadTotal,
			Total: slo.Query{Text: "sum(rate(" + sel + "[{{.window}}]))", Terms: []slo.Term{{Selector: sel, Factor: 1}}},
			Bad:   slo.Query{Text: "sum(rate(" + bad + "[{{.window}}]))", Terms: []slo.Term{{Selector: bad, Factor: 1}}}},
	}
}

// counter is one synthetic counter with a daily wave.
type counter struct {
	labels      labels.Labels
	ref         storage.SeriesRef
	value, base float64
	phase       float64
	errors      bool
}

func counters(n int) []*counter {
	var out []*counter
	for i := range n {
		for p := range rulePods {
			for _, code := range []string{"200", "500"} {
				out = append(out, &counter{
					labels: labels.FromStrings("__name__", "http_request_duration_seconds_count", "job", fmt.Sprintf("svc%04d", i),
						"pod", fmt.Sprintf("svc%04d-%d", i, p), "code", code),
					base: 20 + float64(i%37), phase: float64(i%24) / 24, errors: code == "500"})
			}
		}
	}
	return out
}

func (c *counter) step(t int64, rnd *rand.Rand) {
	wave := 1 + 0.8*math.Sin(2*math.Pi*(float64(t/1000%86400)/86400+c.phase))
	x := c.base * wave * 60 * (0.9 + 0.2*rnd.Float64())
	if c.errors {
		x *= 0.0004
	}
	c.value += math.Floor(x + rnd.Float64())
}

// rulesCost measures CPU seconds a round and 1,000 objectives.
func rulesCost(ctx context.Context, dir string) (float64, error) {
	now := time.Now().UnixMilli() / ruleBlock * ruleBlock
	raw := counters(ruleObjectives)
	store := filepath.Join(dir, "peer")
	if err := writeRuleHistory(ctx, store, raw, now); err != nil {
		return 0, fmt.Errorf("write history: %w", err)
	}
	o := tsdb.DefaultOptions()
	o.RetentionDuration = 60 * 86_400_000
	db, err := tsdb.Open(store, slog.New(slog.DiscardHandler), nil, o, nil)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.DisableCompactions()
	groups, err := loadRules(ctx, dir, db)
	if err != nil {
		return 0, err
	}
	return evalRules(ctx, db, groups, raw, now)
}

func writeRuleHistory(ctx context.Context, dir string, raw []*counter, now int64) error {
	rnd := rand.New(rand.NewPCG(1, 1))
	var recorded []labels.Labels
	for i := range ruleObjectives {
		o := ruleObjective(i)
		for _, name := range []string{"evenkeel:sli_bad:rate5m", "evenkeel:sli_total:rate5m"} {
			recorded = append(recorded, labels.FromStrings("__name__", name, "sloth_id", o.Service+"-"+o.Name, "sloth_service", o.Service, "sloth_slo", o.Name))
		}
	}
	for begin := (now - ruleRecordedMS) / ruleBlock * ruleBlock; begin < now; begin += ruleBlock {
		if err := writeRuleBlock(ctx, dir, raw, recorded, begin, now, rnd); err != nil {
			return err
		}
	}
	return nil
}

func writeRuleBlock(ctx context.Context, dir string, raw []*counter, recorded []labels.Labels, begin, now int64, rnd *rand.Rand) error {
	w, err := tsdb.NewBlockWriter(slog.New(slog.DiscardHandler), dir, ruleBlock)
	if err != nil {
		return err
	}
	defer w.Close()
	for _, c := range raw {
		c.ref = 0
	}
	refs := make([]storage.SeriesRef, len(recorded))
	app := w.Appender(ctx)
	for t := begin; t < begin+ruleBlock; t += ruleStep {
		if t >= now-ruleRawMS {
			for _, c := range raw {
				c.step(t, rnd)
				if c.ref, err = app.Append(c.ref, c.labels, t, c.value); err != nil {
					return err
				}
			}
		}
		for i, l := range recorded {
			if refs[i], err = app.Append(refs[i], l, t, recordedRate(i, rnd)); err != nil {
				return err
			}
		}
		if t/ruleStep%100 == 0 {
			if err := app.Commit(); err != nil {
				return err
			}
			app = w.Appender(ctx)
		}
	}
	if err := app.Commit(); err != nil {
		return err
	}
	_, err = w.Flush(ctx)
	return err
}

// recordedRate is a plausible value of a recorded side, bad and total in turn, events a second.
func recordedRate(i int, rnd *rand.Rand) float64 {
	if i%2 == 0 {
		return 0.04 * (0.5 + rnd.Float64())
	}
	return 100 * (0.5 + rnd.Float64())
}

func loadRules(ctx context.Context, dir string, db *tsdb.DB) (map[string]*rules.Group, error) {
	var objectives []slo.Objective
	for i := range ruleObjectives {
		objectives = append(objectives, ruleObjective(i))
	}
	body, problems := migrate.WriteRules(objectives)
	if len(problems) > 0 {
		return nil, fmt.Errorf("write rules: %s", problems[0])
	}
	file := filepath.Join(dir, "rules.yml")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return nil, err
	}
	p := parser.NewParser(parser.Options{})
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 5e7, Timeout: 10 * time.Minute, LookbackDelta: 5 * time.Minute,
		EnableAtModifier: true, EnableNegativeOffset: true, Parser: p})
	m := rules.NewManager(&rules.ManagerOptions{QueryFunc: rules.EngineQueryFunc(engine, db), AppendableV2: db, Queryable: db, Context: ctx,
		Parser: p, NotifyFunc: func(context.Context, string, ...*rules.Alert) {}, Logger: slog.New(slog.DiscardHandler)})
	groups, errs := m.LoadGroups(time.Minute, labels.EmptyLabels(), "", nil, false, file)
	if len(errs) > 0 {
		return nil, errs[0]
	}
	return groups, nil
}

func evalRules(ctx context.Context, db *tsdb.DB, groups map[string]*rules.Group, raw []*counter, now int64) (float64, error) {
	names := make([]string, 0, len(groups))
	for name := range groups {
		names = append(names, name)
	}
	slices.Sort(names)
	rnd := rand.New(rand.NewPCG(2, 2))
	spent, t := 0.0, now
	for _, c := range raw {
		c.ref = 0
	}
	for round := range 10 + ruleRounds {
		t += ruleStep
		if err := appendCounters(ctx, db, raw, t, rnd); err != nil {
			return 0, err
		}
		if round < 10 { // ten minutes in memory before the first evaluation
			continue
		}
		runtime.GC()
		before := cpu()
		for _, name := range names {
			groups[name].Eval(ctx, time.UnixMilli(t))
		}
		if round > 10 {
			spent += cpu() - before
		}
	}
	for _, g := range groups {
		for _, r := range g.Rules() {
			if err := r.LastError(); err != nil {
				return 0, fmt.Errorf("rule %s: %w", r.Name(), err)
			}
		}
	}
	return spent / (ruleRounds - 1) * 1000 / ruleObjectives, nil
}

func appendCounters(ctx context.Context, db *tsdb.DB, raw []*counter, t int64, rnd *rand.Rand) error {
	app := db.Appender(ctx)
	for _, c := range raw {
		c.step(t, rnd)
		var err error
		if c.ref, err = app.Append(c.ref, c.labels, t, c.value); err != nil {
			return err
		}
	}
	return app.Commit()
}
