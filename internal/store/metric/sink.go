package metric

import (
	"context"
	"net/http"

	"go.opentelemetry.io/collector/pdata/pmetric"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Sink takes samples: the embedded Store keeps them, a Remote forwards them. Nil from either means accepted by the
// store that keeps them.
type Sink interface {
	Append(ctx context.Context, samples []kit.Sample) error
	WriteOTLP(ctx context.Context, md pmetric.Metrics) (OTLPStats, error)
	Handler() http.Handler // the Prometheus HTTP API
}

var _, _ Sink = (*Store)(nil), (*Remote)(nil)
