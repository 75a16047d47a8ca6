package metric

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"evenkeel.dev/evenkeel/internal/kit"
)

// seriesPerWrite is how many series one forwarded request holds.
const seriesPerWrite = 2000

// Append forwards samples to metrics.write_url by remote write 1.0, which knows no start times. Invalid means that they
// were refused for good, Unavailable that they should come again.
func (r *Remote) Append(ctx context.Context, samples []kit.Sample) error {
	c := new(collector)
	var b labels.ScratchBuilder
	for _, x := range samples {
		b.Reset()
		for _, l := range x.Labels {
			b.Add(l.Name, l.Value)
		}
		b.Sort()
		c.add(b.Labels(), prompb.TimeSeries{Samples: []prompb.Sample{{Timestamp: x.TimeMS, Value: x.Value}}})
	}
	return r.forward(ctx, c.series)
}

// WriteOTLP forwards OTLP metrics to metrics.write_url under the same names that the embedded store gives them.
func (r *Remote) WriteOTLP(ctx context.Context, md pmetric.Metrics) (OTLPStats, error) {
	st := OTLPStats{Points: md.DataPointCount()}
	if err := r.canForward(); err != nil {
		return st, err
	}
	app := new(collector)
	c := r.otlp.get()
	c.Reset(app)
	_, err := c.FromMetrics(ctx, md, otlpSettings)
	c.Reset(nil)
	r.otlp.Put(c)
	if ctx.Err() != nil {
		return st, kit.Errorf(kit.Unavailable, "translate OTLP metrics: %w", ctx.Err())
	}
	st.Rejected, st.Reason = rejected(new(verdict), err)
	return st, r.forward(ctx, app.series)
}

func (r *Remote) canForward() error {
	if r.opt.WriteURL != "" {
		return nil
	}
	return &kit.Error{Code: kit.Invalid, Msg: "this server keeps no samples: it reads them from " + r.base.Redacted(),
		Hint: "send telemetry there, or set metrics.write_url to have it forwarded"}
}

func (r *Remote) forward(ctx context.Context, series []prompb.TimeSeries) error {
	if err := r.canForward(); err != nil {
		return err
	}
	for len(series) > 0 {
		n := min(len(series), seriesPerWrite)
		if err := r.send(ctx, series[:n]); err != nil {
			return err
		}
		series = series[n:]
	}
	return nil
}

func (r *Remote) send(ctx context.Context, series []prompb.TimeSeries) error {
	plain, err := proto.Marshal(&prompb.WriteRequest{Timeseries: series})
	if err != nil {
		return fmt.Errorf("encode remote write request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, r.opt.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.opt.WriteURL, bytes.NewReader(snappy.Encode(nil, plain)))
	if err != nil {
		return kit.Errorf(kit.Invalid, "forward samples: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("Content-Encoding", "snappy")
	req.Header.Set("X-Prometheus-Remote-Write-Version", "0.1.0")
	req.Header.Set("User-Agent", "evenkeel")
	res, err := r.client.Do(req)
	if err != nil {
		return r.unreachable(err)
	}
	defer res.Body.Close()
	if res.StatusCode/100 == 2 {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(res.Body, 300))
	answer := &statusError{res.StatusCode, strings.TrimSpace(strings.ToValidUTF8(string(text), "?"))}
	if res.StatusCode/100 == 4 && res.StatusCode != http.StatusTooManyRequests {
		return kit.Errorf(kit.Invalid, "the metric store refused forwarded samples: %w", answer)
	}
	return kit.Errorf(kit.Unavailable, "the metric store does not take forwarded samples now: %w", answer)
}

// collector gathers what would be appended into a remote write request.
type collector struct {
	series []prompb.TimeSeries
}

func (c *collector) add(ls labels.Labels, s prompb.TimeSeries) {
	s.Labels = prompb.FromLabels(ls, nil)
	c.series = append(c.series, s)
}

func (c *collector) Append(_ storage.SeriesRef, ls labels.Labels, _, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, _ storage.AOptions) (storage.SeriesRef, error) {
	switch {
	case fh != nil:
		c.add(ls, prompb.TimeSeries{Histograms: []prompb.Histogram{prompb.FromFloatHistogram(t, fh)}})
	case h != nil:
		c.add(ls, prompb.TimeSeries{Histograms: []prompb.Histogram{prompb.FromIntHistogram(t, h)}})
	default:
		c.add(ls, prompb.TimeSeries{Samples: []prompb.Sample{{Timestamp: t, Value: v}}})
	}
	return 0, nil
}

func (c *collector) Commit() error   { return nil }
func (c *collector) Rollback() error { return nil }
