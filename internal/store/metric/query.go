package metric

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"evenkeel.dev/evenkeel/internal/kit"
)

func newEngine(o Options, p parser.Parser, reg prometheus.Registerer) *promql.Engine {
	return promql.NewEngine(promql.EngineOpts{
		Logger:               o.Log,
		Reg:                  reg,
		MaxSamples:           o.Limits.QuerySamples,
		Timeout:              o.Limits.QueryTime,
		ActiveQueryTracker:   newTurnstile(o.Limits.Queries),
		LookbackDelta:        lookback,
		EnableAtModifier:     true,
		EnableNegativeOffset: true,
		Parser:               p,
	})
}

// turnstile lets so many queries run at once; the others wait for their turn or their deadline.
type turnstile chan struct{}

func newTurnstile(n int) turnstile { return make(turnstile, n) }

func (t turnstile) GetMaxConcurrent() int { return cap(t) }
func (t turnstile) Delete(int)            { <-t }
func (t turnstile) Close() error          { return nil }

func (t turnstile) Insert(ctx context.Context, _ string) (int, error) {
	select {
	case t <- struct{}{}:
		return 0, nil
	case <-ctx.Done():
		return 0, promql.ErrQueryTimeout("a free place: too many queries are running, try again later")
	}
}

// Query implements Source.
func (s *Store) Query(ctx context.Context, expr string, at time.Time) (parser.Value, annotations.Annotations, error) {
	return evaluate(ctx, s.engine, s.db, expr, at)
}

// QueryRange implements Source.
func (s *Store) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) (promql.Matrix, error) {
	return evaluateRange(ctx, s.engine, s.db, expr, from, to, step)
}

func evaluate(ctx context.Context, e *promql.Engine, db storage.Queryable, expr string, at time.Time) (parser.Value, annotations.Annotations, error) {
	q, err := e.NewInstantQuery(ctx, db, nil, expr, at)
	if err != nil {
		return nil, nil, queryError(expr, err)
	}
	res := q.Exec(ctx) // never closed: that would hand the result's memory to the next query
	if res.Err != nil {
		return nil, res.Warnings, queryError(expr, res.Err)
	}
	return res.Value, res.Warnings, nil
}

func evaluateRange(ctx context.Context, e *promql.Engine, db storage.Queryable, expr string, from, to time.Time, step time.Duration) (promql.Matrix, error) {
	if err := checkRange(from, to, step); err != nil {
		return nil, err
	}
	q, err := e.NewRangeQuery(ctx, db, nil, expr, from, to, step)
	if err != nil {
		return nil, queryError(expr, err)
	}
	res := q.Exec(ctx)
	if res.Err != nil {
		return nil, queryError(expr, res.Err)
	}
	m, err := res.Matrix()
	if err != nil {
		return nil, queryError(expr, err)
	}
	return m, nil
}

// MaxSteps is how many points a series of a range query has at most, as with Prometheus.
const MaxSteps = 11_000

func checkRange(from, to time.Time, step time.Duration) error {
	switch {
	case step <= 0:
		return kit.Errorf(kit.Invalid, "step %s must be positive", step)
	case to.Before(from):
		return kit.Errorf(kit.Invalid, "the range ends (%s) before it begins (%s)", to.Format(time.RFC3339), from.Format(time.RFC3339))
	case to.Sub(from)/step > MaxSteps:
		return kit.Errorf(kit.TooLarge, "%s in steps of %s are more than %d points a series; choose a longer step", to.Sub(from), step, MaxSteps)
	}
	return nil
}

// queryError classes an error of the engine.
func queryError(expr string, err error) error {
	var (
		many     promql.ErrTooManySamples
		late     promql.ErrQueryTimeout
		canceled promql.ErrQueryCanceled
		broken   promql.ErrStorage
	)
	expr = shorten(expr)
	switch {
	case errors.As(err, &many):
		return kit.Errorf(kit.TooLarge, "query %q reads too much: %w", expr, err)
	case errors.As(err, &late):
		return kit.Errorf(kit.Unavailable, "query %q took too long: %w", expr, err)
	case errors.As(err, &canceled):
		return kit.Errorf(kit.Unavailable, "query %q was cancelled: %w", expr, err)
	case errors.As(err, &broken):
		return kit.Errorf(kit.Unavailable, "query %q: %w", expr, err)
	}
	return kit.Errorf(kit.Invalid, "query %q: %w", expr, err)
}

// Series implements Source.
func (s *Store) Series(ctx context.Context, sel []string, from, to time.Time) ([]labels.Labels, error) {
	return seriesOf(ctx, s.db, &s.parsed, sel, from, to)
}

// LabelNames implements Source.
func (s *Store) LabelNames(ctx context.Context, sel []string, from, to time.Time) ([]string, error) {
	return namesOf(s.db, &s.parsed, sel, from, to, labelNames(ctx))
}

// LabelValues implements Source.
func (s *Store) LabelValues(ctx context.Context, name string, sel []string, from, to time.Time) ([]string, error) {
	return namesOf(s.db, &s.parsed, sel, from, to, labelValues(ctx, name))
}

// lister asks one querier for the names that one selector leaves.
type lister func(storage.Querier, []*labels.Matcher) ([]string, error)

func labelNames(ctx context.Context) lister {
	return func(q storage.Querier, ms []*labels.Matcher) ([]string, error) {
		names, _, err := q.LabelNames(ctx, &storage.LabelHints{}, ms...)
		return names, err
	}
}

func labelValues(ctx context.Context, name string) lister {
	return func(q storage.Querier, ms []*labels.Matcher) ([]string, error) {
		values, _, err := q.LabelValues(ctx, name, &storage.LabelHints{}, ms...)
		return values, err
	}
}

func seriesOf(ctx context.Context, db storage.Queryable, c *selectors, sel []string, from, to time.Time) ([]labels.Labels, error) {
	sets, err := c.sets(sel)
	if err != nil {
		return nil, err
	}
	mint, maxt := from.UnixMilli(), to.UnixMilli()
	q, err := db.Querier(mint, maxt)
	if err != nil {
		return nil, kit.Errorf(kit.Unavailable, "open samples: %w", err)
	}
	defer q.Close()
	var found []storage.SeriesSet
	hints := &storage.SelectHints{Start: mint, End: maxt, Func: "series"}
	for _, ms := range sets {
		found = append(found, q.Select(ctx, true, hints, ms...))
	}
	var out []labels.Labels
	set := storage.NewMergeSeriesSet(found, 0, storage.ChainedSeriesMerge)
	for set.Next() {
		out = append(out, set.At().Labels())
	}
	if err := set.Err(); err != nil {
		return nil, kit.Errorf(kit.Unavailable, "list series: %w", err)
	}
	return out, nil
}

func namesOf(db storage.Queryable, c *selectors, sel []string, from, to time.Time, list lister) ([]string, error) {
	sets, err := c.sets(sel)
	if err != nil {
		return nil, err
	}
	if len(sets) == 0 {
		sets = [][]*labels.Matcher{nil}
	}
	q, err := db.Querier(from.UnixMilli(), to.UnixMilli())
	if err != nil {
		return nil, kit.Errorf(kit.Unavailable, "open samples: %w", err)
	}
	defer q.Close()
	var out []string
	for _, ms := range sets {
		names, err := list(q, ms)
		if err != nil {
			return nil, kit.Errorf(kit.Unavailable, "list labels: %w", err)
		}
		out = append(out, names...)
	}
	slices.Sort(out)
	return slices.Clip(slices.Compact(out)), nil
}
