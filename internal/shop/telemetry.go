package shop

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// demo marks everything that the shop sends.
var demo = attribute.String("demo", "true")

// buckets are the bounds of http.server.request.duration, in seconds. Fewer than the convention's fourteen: thirty days
// of each are written at every start of the demo.
var buckets = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5}

// telemetry is the SDK of one running service.
type telemetry struct {
	metrics *sdkmetric.MeterProvider
	traces  *sdktrace.TracerProvider
	meter   metric.Meter
	tracer  trace.Tracer
}

// instance names a process of a service. A deploy moves to the other colour, so that two lives never share a series.
func instance(name string, colour int) string { return name + [2]string{"-blue", "-green"}[colour] }

func (s *Shop) telemetry(ctx context.Context, name, version string, colour int) (*telemetry, error) {
	res := resource.NewSchemaless(
		attribute.String("service.name", name),
		attribute.String("service.version", version),
		attribute.String("service.instance.id", instance(name, colour)),
		attribute.String("deployment.environment.name", "demo"),
		demo,
	)
	me, err := otlpmetrichttp.New(ctx, otlpmetrichttp.WithEndpointURL(s.opt.OTLP+"/v1/metrics"), otlpmetrichttp.WithHeaders(s.opt.Headers))
	if err != nil {
		return nil, err
	}
	te, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(s.opt.OTLP+"/v1/traces"), otlptracehttp.WithHeaders(s.opt.Headers))
	if err != nil {
		return nil, err
	}
	t := &telemetry{
		metrics: sdkmetric.NewMeterProvider(
			sdkmetric.WithResource(res),
			sdkmetric.WithReader(sdkmetric.NewPeriodicReader(metricsTo{me, s.opt.Log}, sdkmetric.WithInterval(s.opt.Every))),
			sdkmetric.WithView(views),
			sdkmetric.WithCardinalityLimit(200),
		),
		traces: sdktrace.NewTracerProvider(
			sdktrace.WithResource(res),
			sdktrace.WithBatcher(tracesTo{te, s.opt.Log}, sdktrace.WithMaxQueueSize(2048)),
			sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(s.opt.Traced))),
		),
	}
	t.meter, t.tracer = t.metrics.Meter("harbour-goods"), t.traces.Tracer("harbour-goods")
	return t, nil
}

// views keep the request histogram small (no addresses, no ports: those change with every start), drop the body sizes,
// and give the search's own duration a native histogram.
func views(i sdkmetric.Instrument) (sdkmetric.Stream, bool) {
	switch {
	case i.Name == "http.server.request.duration":
		return sdkmetric.Stream{Name: i.Name, Description: i.Description, Unit: i.Unit,
			Aggregation:     sdkmetric.AggregationExplicitBucketHistogram{Boundaries: buckets, NoMinMax: true},
			AttributeFilter: attribute.NewAllowKeysFilter("http.request.method", "http.response.status_code", "http.route", "demo"),
		}, true
	case strings.HasPrefix(i.Name, "http.server."):
		return sdkmetric.Stream{Aggregation: sdkmetric.AggregationDrop{}}, true
	case i.Name == "search.query.duration":
		return sdkmetric.Stream{Name: i.Name, Description: i.Description, Unit: i.Unit,
			Aggregation: sdkmetric.AggregationBase2ExponentialHistogram{MaxSize: 160, MaxScale: nativeSchema, NoMinMax: true}}, true
	}
	return sdkmetric.Stream{}, false
}

// nativeSchema is the resolution of native histograms: 2^3 buckets to each doubling.
const nativeSchema = 3

// stop sends what is left and ends the SDK's goroutines.
func (t *telemetry) stop(ctx context.Context) error {
	return errors.Join(t.metrics.Shutdown(ctx), t.traces.Shutdown(ctx))
}

// metricsTo and tracesTo keep export errors out of the SDK's global error handler, which belongs to the product.
type metricsTo struct {
	*otlpmetrichttp.Exporter
	log *slog.Logger
}

func (e metricsTo) Export(ctx context.Context, m *metricdata.ResourceMetrics) error {
	if err := e.Exporter.Export(ctx, m); err != nil {
		e.log.Debug("shop could not send metrics", "err", err)
	}
	return nil
}

type tracesTo struct {
	sdktrace.SpanExporter
	log *slog.Logger
}

func (e tracesTo) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.log.Debug("shop could not send spans", "err", err)
	}
	return nil
}
