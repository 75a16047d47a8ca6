package assess

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/prometheus/promql"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// asker asks a source within bounds on the number of questions and on what they answer.
type asker struct {
	source     metric.Source
	maxQueries int
	maxPoints  int64

	mu      sync.Mutex
	queries int
	points  int64
}

// turn counts a question.
func (q *asker) turn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return kit.Errorf(kit.Unavailable, "the time for reading is over")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.queries >= q.maxQueries {
		return kit.Errorf(kit.TooLarge, "%d queries were asked, which is the limit", q.maxQueries)
	}
	if q.points >= q.maxPoints {
		return kit.Errorf(kit.TooLarge, "%s points were read, which is the limit", kit.Count(float64(q.maxPoints)))
	}
	q.queries++
	return nil
}

func (q *asker) got(points int) {
	q.mu.Lock()
	q.points += int64(points)
	q.mu.Unlock()
}

func (q *asker) spent() (queries int, points int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.queries, q.points
}

// at evaluates an expression that gives a vector.
func (q *asker) at(ctx context.Context, expr string, t time.Time) (promql.Vector, error) {
	if err := q.turn(ctx); err != nil {
		return nil, err
	}
	v, _, err := q.source.Query(ctx, expr, t)
	if err != nil {
		return nil, err
	}
	vec, ok := v.(promql.Vector)
	if !ok {
		return nil, kit.Errorf(kit.Unavailable, "the source answered %q with a %T, not a vector", expr, v)
	}
	q.got(len(vec))
	return vec, nil
}

// stretch is how many steps one range query asks for, below every server's limit of 11,000.
const stretch = 10_000

// between evaluates an expression at from, from+step, ... to, and gives each piece of each series to take.
func (q *asker) between(ctx context.Context, expr string, from, to time.Time, step time.Duration, take func(promql.Series)) error {
	for !from.After(to) {
		if err := q.turn(ctx); err != nil {
			return err
		}
		end := from.Add((stretch - 1) * step)
		if end.After(to) {
			end = to
		}
		m, err := q.source.QueryRange(ctx, expr, from, end, step)
		if err != nil {
			return err
		}
		for _, s := range m {
			q.got(len(s.Floats))
			take(s)
		}
		from = end.Add(step)
	}
	return nil
}

// names lists the metrics that had samples between two moments.
func (q *asker) names(ctx context.Context, from, to time.Time) (map[string]bool, error) {
	if err := q.turn(ctx); err != nil {
		return nil, err
	}
	list, err := q.source.LabelValues(ctx, "__name__", nil, from, to)
	out := make(map[string]bool, len(list))
	for _, n := range list {
		out[n] = true
	}
	q.got(len(list))
	return out, err
}
