package assess

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// minutes is what happened in each minute of a history. NaN in total: nothing is known about it.
type minutes struct {
	from       time.Time // begin of the first
	bad, total []float64 // events
}

// readMinutes evaluates two expressions, of events a minute, at the end of each minute in [from, to). The second may be
// empty where no such series exist: then nothing failed. For goodOnly the second counts good events.
func readMinutes(ctx context.Context, q *asker, total, part string, goodOnly bool, from, to time.Time) (*minutes, error) {
	n := int(to.Sub(from) / time.Minute)
	m := &minutes{from: from, bad: make([]float64, n), total: make([]float64, n)}
	for i := range m.total {
		m.total[i] = math.NaN()
	}
	read := func(expr string, into []float64) error {
		return q.between(ctx, expr, from.Add(time.Minute), to, time.Minute, func(s promql.Series) {
			for _, p := range s.Floats {
				i := int((p.T-from.UnixMilli())/60_000) - 1
				if i >= 0 && i < n && !math.IsNaN(p.F) && !math.IsInf(p.F, 0) {
					into[i] = max(0, p.F)
				}
			}
		})
	}
	if err := read(total, m.total); err != nil {
		return nil, err
	}
	if err := read(part, m.bad); err != nil {
		return nil, err
	}
	for i, t := range m.total {
		if goodOnly {
			m.bad[i] = t - m.bad[i]
		}
		m.bad[i] = min(max(0, m.bad[i]), t)
		if math.IsNaN(t) {
			m.bad[i] = 0
		}
	}
	return m, nil
}

// sums counts the events in [from, to), and the minutes that something is known about.
func (m *minutes) sums(from, to time.Time) (bad, total float64, known int) {
	a := max(0, int(from.Sub(m.from)/time.Minute))
	b := min(len(m.total), int(to.Sub(m.from)/time.Minute))
	for i := a; i < b; i++ {
		if math.IsNaN(m.total[i]) {
			continue
		}
		bad, total, known = bad+m.bad[i], total+m.total[i], known+1
	}
	return bad, total, known
}

// Names under which the minutes of an objective are played to the evaluator.
const (
	playedTotal = "assess_events"
	playedBad   = "assess_bad_events"
)

// playable is an objective over minutes that were read already.
func playable(o slo.Objective) slo.Objective {
	o.Indicator = slo.Indicator{Kind: slo.BadTotal, Delta: true,
		Total: slo.Query{Text: playedTotal, Terms: []slo.Term{{Selector: playedTotal, Factor: 1}}},
		Bad:   slo.Query{Text: playedBad, Terms: []slo.Term{{Selector: playedBad, Factor: 1}}}}
	return o
}

// played is a metric source that holds nothing but the minutes of one objective, as increments.
type played struct {
	metric.Source // nil: only Raw is asked of it
	minutes       *minutes
}

// Raw implements metric.Source.
func (p played) Raw(_ context.Context, selector string, from, to time.Time, visit func(metric.Series) error) error {
	values := p.minutes.total
	if selector == playedBad {
		values = p.minutes.bad
	}
	s := metric.Series{Labels: labels.FromStrings(model.MetricNameLabel, selector)}
	for i, v := range values {
		t := p.minutes.from.UnixMilli() + int64(i+1)*60_000 - 1
		if t < from.UnixMilli() || t >= to.UnixMilli() || math.IsNaN(p.minutes.total[i]) {
			continue
		}
		s.Points = append(s.Points, metric.Point{T: t, V: v})
		if len(s.Points) == metric.PieceLen {
			if err := visit(s); err != nil {
				return err
			}
			s.Points = s.Points[:0]
		}
	}
	if len(s.Points) == 0 {
		return nil
	}
	return visit(s)
}

// perMinute is PromQL for the events a minute that a selector's counters count.
func perMinute(selector string, window time.Duration) string {
	return fmt.Sprintf("60 * sum(rate(%s[%dm]))", selector, int(window/time.Minute))
}
