package metric

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage/remote"
	otlp "github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"

	"evenkeel.dev/evenkeel/internal/kit"
)

// OTLPStats tells what became of an OTLP request.
type OTLPStats struct {
	Points   int    // data points in the request
	Rejected int64  // of them, those that were not stored whole; at least 1 when Reason is set
	Reason   string // why, for partial_success; empty when all were stored
}

// converters are reused: they remember sanitised label names.
type converters struct{ sync.Pool }

func (c *converters) get() *otlp.PrometheusConverter {
	if x, ok := c.Get().(*otlp.PrometheusConverter); ok {
		return x
	}
	return otlp.NewPrometheusConverter(nil)
}

// WriteOTLP stores OTLP metrics under Prometheus' names ("http.server.request.duration" in seconds becomes
// http_server_request_duration_seconds), service.name as job, service.instance.id as instance, the other resource
// attributes as target_info. Delta sums and histograms are stored as they come, one sample a point, with type unknown:
// count them with sum_over_time, or declare the indicator as delta. Start times are kept.
//
// Points that can never be stored are left out and counted; the others are stored, durably, when it returns without
// error. An error means that nothing was stored: Unavailable, try again.
func (s *Store) WriteOTLP(ctx context.Context, md pmetric.Metrics) (OTLPStats, error) {
	st := OTLPStats{Points: md.DataPointCount()}
	v := &verdict{keepGood: true}
	app := &timeLimited{ExemplarAppenderV2: s.appenderV2(ctx, v), v: v, latest: s.opt.Now().Add(futureSlop).UnixMilli()}
	c := s.otlp.get()
	c.Reset(app)
	defer func() { c.Reset(nil); s.otlp.Put(c) }()

	_, err := c.FromMetrics(ctx, md, otlpSettings)
	if fatal := cmpErr(v.fatal, ctx.Err()); fatal != nil {
		_ = app.Rollback()
		if kit.CodeOf(fatal) == kit.Internal {
			fatal = kit.Errorf(kit.Unavailable, "store OTLP metrics: %w", fatal)
		}
		return st, fatal
	}
	if err := app.Commit(); err != nil {
		return st, err
	}
	st.Rejected, st.Reason = rejected(v, err)
	return st, nil
}

var otlpSettings = otlp.Settings{
	AddMetricSuffixes:                    true,
	PromoteResourceAttributes:            otlp.NewPromoteResourceAttributes(config.DefaultOTLPConfig),
	AllowDeltaTemporality:                true,
	LookbackDelta:                        lookback,
	LabelNameUnderscoreSanitization:      true,
	LabelNamePreserveMultipleUnderscores: true,
}

// cmpErr is the first error that is one.
func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// rejected adds up what the appender refused and what could not be translated. A histogram point is several samples,
// so the count is of samples and an upper bound where histograms are refused.
func rejected(v *verdict, translate error) (int64, string) {
	n, reason := int64(v.refused), v.first
	if translate == nil {
		return n, reason
	}
	n++
	text := translate.Error()
	if len(text) > 500 {
		text = text[:500] + "..."
	}
	if reason == "" {
		return n, text
	}
	return n, fmt.Sprintf("%s; %s", reason, text)
}

// serveOTLP is Prometheus' own OTLP path below the API, /api/v1/otlp/v1/metrics.
func serveOTLP(w http.ResponseWriter, r *http.Request, limit int64, write func(context.Context, pmetric.Metrics) (OTLPStats, error)) {
	if err := tooLong(r, limit); err != nil {
		writeError(w, err)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	req, err := remote.DecodeOTLPWriteRequest(r)
	if err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			writeError(w, bodyError(err))
			return
		}
		writeError(w, kit.Errorf(kit.Invalid, "read OTLP metrics: %w", err))
		return
	}
	st, err := write(r.Context(), req.Metrics())
	if err != nil {
		writeError(w, err)
		return
	}
	res := pmetricotlp.NewExportResponse()
	if st.Reason != "" {
		res.PartialSuccess().SetRejectedDataPoints(st.Rejected)
		res.PartialSuccess().SetErrorMessage(st.Reason)
	}
	body, err := res.MarshalProto()
	kind := "application/x-protobuf"
	if r.Header.Get("Content-Type") == "application/json" {
		kind = "application/json"
		body, err = res.MarshalJSON()
	}
	if err != nil {
		writeError(w, err)
		return
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body)
}
