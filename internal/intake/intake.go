// Package intake receives telemetry by the OpenTelemetry protocol (OTLP 1.9): HTTP with protobuf or JSON, and gRPC.
// Metrics go to the metric store, spans to the trace store; log records are declined with a reason until they have a
// home. A success is answered only after the stores have taken the data.
package intake

import (
	"context"
	"log/slog"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"golang.org/x/sync/semaphore"
)

// Options say where telemetry goes and how much of it is taken at once.
type Options struct {
	// Metrics stores a batch durably before it returns. rejected is how many of its points can never be stored, reason
	// says why; the others are. An error means that nothing was: with kit.Invalid, kit.TooLarge or kit.Conflict the
	// sender is told not to try again, with any other one to come back later. Nil refuses metrics with NoMetrics.
	Metrics   func(ctx context.Context, md pmetric.Metrics) (rejected int64, reason string, err error)
	NoMetrics string
	// Traces reduces a batch and says how many of its spans it could not use. Nil refuses traces with NoTraces.
	Traces   func(ptrace.Traces, time.Time) (rejected int)
	NoTraces string
	// Authorize checks the bearer token of a request ("" when there was none) from a remote address. Nil lets all in.
	Authorize func(ctx context.Context, token, remote string) error

	MaxBody  int64            // largest message in bytes, unpacked; 0 = 16 MiB
	InFlight int64            // bytes of messages worked on at once; 0 = 128 MiB
	Now      func() time.Time // required
	Log      *slog.Logger     // failures that are ours; nil = discarded
}

// Receiver takes OTLP over HTTP (Handler) and gRPC (Server). Both share its limits and counters.
type Receiver struct {
	opt    Options
	budget *semaphore.Weighted
	counts counts
}

// New makes a receiver. It starts nothing.
func New(o Options) *Receiver {
	if o.MaxBody <= 0 {
		o.MaxBody = 16 << 20
	}
	if o.InFlight <= 0 {
		o.InFlight = 128 << 20
	}
	o.InFlight = max(o.InFlight, 2*o.MaxBody)
	if o.NoMetrics == "" {
		o.NoMetrics = "this server does not store pushed metrics"
	}
	if o.NoTraces == "" {
		o.NoTraces = "this server does not read traces"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Receiver{opt: o, budget: semaphore.NewWeighted(o.InFlight)}
}
