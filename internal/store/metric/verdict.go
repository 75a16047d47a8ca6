package metric

import (
	"errors"
	"fmt"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"

	"evenkeel.dev/evenkeel/internal/kit"
)

// verdict collects the samples of one request that can never be stored. It travels in the request's context through
// Prometheus' receivers to the appender.
type verdict struct {
	keepGood bool // go on without them; otherwise each refusal is returned to the receiver
	refused  int
	first    string // the first reason, with its series
	fatal    error  // a refusal that may pass: the transaction must be rolled back
}

type verdictKey struct{}

// refuse records a refusal, and says what the receiver gets to see: nil where the batch goes on without the sample.
func (v *verdict) refuse(ls labels.Labels, t int64, err error) error {
	if v == nil {
		return err
	}
	if !permanent(err) {
		return v.failed(err)
	}
	v.refused++
	if v.first == "" {
		v.first = fmt.Sprintf("%s at %d: %s", shorten(ls.Get(model.MetricNameLabel)), t, err)
	}
	if v.keepGood {
		return nil
	}
	return err
}

// failed records why the whole transaction cannot be stored now, and returns it.
func (v *verdict) failed(err error) error {
	if v != nil {
		v.fatal = err
	}
	return err
}

// err is nil when nothing was refused.
func (v *verdict) err() error {
	if v.refused == 0 {
		return nil
	}
	return kit.Errorf(kit.Invalid, "%d samples were refused, the others are stored; first: %s", v.refused, v.first)
}

// permanent says whether sending the same sample again can never help.
func permanent(err error) bool {
	var h histogram.Error
	return errors.Is(err, storage.ErrOutOfBounds) || // over a limit, too, and too far in the future
		errors.Is(err, storage.ErrOutOfOrderSample) ||
		errors.Is(err, storage.ErrTooOldSample) ||
		errors.Is(err, storage.ErrDuplicateSampleForTimestamp) ||
		errors.Is(err, tsdb.ErrInvalidSample) ||
		errors.As(err, &h)
}
