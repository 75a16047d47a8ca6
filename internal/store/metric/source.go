// Package metric keeps samples and answers questions about them: an embedded Prometheus TSDB with its PromQL engine
// and HTTP API, or the same over the HTTP API of a Prometheus, Mimir, Thanos or VictoriaMetrics that exists already.
package metric

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/annotations"
)

// Source is where samples are read: the embedded Store, a Remote server, or Files. All methods may be called from
// several goroutines at once. Errors are kit.Errors: Invalid for a question that is wrong, TooLarge for one over a
// limit that the message names, Unavailable for a source that does not answer or does not make sense.
type Source interface {
	// Query evaluates a PromQL expression at an instant: promql.Vector, Scalar, Matrix or String.
	Query(ctx context.Context, expr string, at time.Time) (parser.Value, annotations.Annotations, error)

	// QueryRange evaluates an expression at from, from+step, ... up to and including to.
	QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) (promql.Matrix, error)

	// Raw reads the stored samples of every series that a selector (`http_requests_total{code=~"5.."}`) matches, with
	// timestamps in [from, to), as they were written: nothing interpolated, native histograms included, without
	// duplicates. Staleness markers (value.IsStaleNaN) come from the embedded store and from files; Prometheus' HTTP
	// API leaves them out, and start times too. visit gets a series in one or more pieces of at most PieceLen points;
	// the pieces of one series come in order of time, those of different series in any order. A series without a
	// sample in the range does not come at all. Points are valid only during the call. An error of visit ends the
	// reading and is returned as it is.
	Raw(ctx context.Context, selector string, from, to time.Time, visit func(Series) error) error

	// Series lists the label sets that any of the selectors matches and that may have samples in [from, to].
	Series(ctx context.Context, selectors []string, from, to time.Time) ([]labels.Labels, error)

	// LabelNames lists label names, sorted; no selectors mean all series.
	LabelNames(ctx context.Context, selectors []string, from, to time.Time) ([]string, error)

	// LabelValues lists the values of one label, sorted; no selectors mean all series.
	LabelValues(ctx context.Context, name string, selectors []string, from, to time.Time) ([]string, error)

	// Metadata lists what is known about a metric family, or about all of them when metric is "". A source that keeps
	// none answers an empty map.
	Metadata(ctx context.Context, metric string) (map[string][]Metadata, error)
}

// PieceLen is how many points of one series a single visit of Source.Raw gets at most.
const PieceLen = 8192

// Series is one series, or a piece of it, with its samples in order of time.
type Series struct {
	Labels labels.Labels
	Points []Point
}

// Point is one stored sample.
type Point struct {
	T  int64                     // Unix milliseconds
	V  float64                   // the value; the sum of observations for a histogram
	ST int64                     // start time in Unix milliseconds, 0 where unknown
	H  *histogram.FloatHistogram // native histogram, nil for a float; owned by the receiver
}

// Metadata describes a metric family.
type Metadata struct {
	Type string `json:"type"` // counter, gauge, histogram, gaugehistogram, summary, info, stateset, unknown
	Help string `json:"help"`
	Unit string `json:"unit"`
}
