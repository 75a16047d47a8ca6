package metric

import (
	"fmt"
	"sync/atomic"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunks"
)

// guard counts the series in memory and refuses new ones over the limits. The TSDB asks it once per new series, so a
// sample of a known series costs nothing. What the write-ahead log holds is never refused.
type guard struct {
	limits   Limits
	series   atomic.Int64
	enforced atomic.Bool
}

func newGuard(l Limits) *guard { return &guard{limits: l} }

// enforce ends the leniency of start-up.
func (g *guard) enforce() { g.enforced.Store(true) }

// PreCreation is asked before a series is made.
func (g *guard) PreCreation(ls labels.Labels) error {
	if !g.enforced.Load() {
		return nil
	}
	if n := g.series.Load(); n >= int64(g.limits.Series) {
		return &limitError{fmt.Sprintf("the store holds %d series and takes no new ones (limit series=%d); drop labels with many values at the sender, or raise the limit", n, g.limits.Series)}
	}
	if n := ls.Len(); n > g.limits.Labels {
		return &limitError{fmt.Sprintf("series %s has %d labels (limit labels=%d)", shorten(ls.Get(model.MetricNameLabel)), n, g.limits.Labels)}
	}
	return ls.Validate(func(l labels.Label) error {
		if len(l.Name) > g.limits.LabelBytes || len(l.Value) > g.limits.LabelBytes {
			return &limitError{fmt.Sprintf("label %s of series %s has %d bytes (limit label_bytes=%d)",
				shorten(l.Name), shorten(ls.Get(model.MetricNameLabel)), max(len(l.Name), len(l.Value)), g.limits.LabelBytes)}
		}
		return nil
	})
}

// PostCreation and PostDeletion keep the count.
func (g *guard) PostCreation(labels.Labels) { g.series.Add(1) }

func (g *guard) PostDeletion(gone map[chunks.HeadSeriesRef]labels.Labels) {
	g.series.Add(-int64(len(gone)))
}

// limitError says which limit a series is over. It counts as storage.ErrOutOfBounds, which Prometheus' own receivers
// answer with 400, so that a sender does not try for ever.
type limitError struct{ msg string }

func (e *limitError) Error() string        { return e.msg }
func (e *limitError) Is(target error) bool { return target == storage.ErrOutOfBounds }

// shorten keeps hostile text out of messages and logs: at most 80 bytes of it.
func shorten(s string) string {
	return cut(s, 80)
}
