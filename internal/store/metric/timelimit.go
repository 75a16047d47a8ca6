package metric

import (
	"fmt"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// timeLimited refuses samples from the future, as Prometheus' receivers do: one of them would make the TSDB take
// everything from the present for late.
type timeLimited struct {
	storage.ExemplarAppenderV2
	v      *verdict
	latest int64 // Unix milliseconds
}

func (a *timeLimited) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AOptions) (storage.SeriesRef, error) {
	if t > a.latest {
		return 0, a.v.refuse(ls, t, fmt.Errorf("%w: the timestamp is more than %s in the future", storage.ErrOutOfBounds, futureSlop))
	}
	return a.ExemplarAppenderV2.Append(ref, ls, st, t, v, h, fh, o)
}
