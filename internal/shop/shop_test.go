package shop_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"evenkeel.dev/evenkeel/internal/intake"
	"evenkeel.dev/evenkeel/internal/shop"
	"evenkeel.dev/evenkeel/internal/store/trace"
)

// receiver is a product as the shop sees it: OTLP in, metrics by name and spans reduced.
type receiver struct {
	*httptest.Server
	spans *trace.Store

	mu      sync.Mutex
	metrics map[string]map[string]bool // metric -> service
	changed chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{spans: trace.New(trace.Options{Wait: 6 * time.Second}, time.Now()), metrics: map[string]map[string]bool{}, changed: make(chan struct{}, 1)}
	in := intake.New(intake.Options{Now: time.Now, Metrics: r.take, Traces: func(td ptrace.Traces, now time.Time) int {
		n := r.spans.Consume(td, now)
		r.wake()
		return n
	}})
	r.Server = httptest.NewServer(in.Handler())
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) wake() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *receiver) take(_ context.Context, md pmetric.Metrics) (int64, string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rm := range md.ResourceMetrics().All() {
		name, _ := rm.Resource().Attributes().Get("service.name")
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				if r.metrics[m.Name()] == nil {
					r.metrics[m.Name()] = map[string]bool{}
				}
				r.metrics[m.Name()][name.Str()] = true
			}
		}
	}
	r.wake()
	return 0, "", nil
}

// until waits for a condition, asked whenever telemetry came in.
func (r *receiver) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	limit := time.After(40 * time.Second)
	for !ok() {
		select {
		case <-r.changed:
		case <-limit:
			r.mu.Lock()
			defer r.mu.Unlock()
			t.Fatalf("%s did not happen; metrics %v, edges %v", what, r.metrics, edges(r.spans))
		}
	}
}

func edges(s *trace.Store) []string {
	var out []string
	for _, e := range s.Graph(time.Now(), time.Hour) {
		out = append(out, e.From+" -> "+e.To+" ("+e.Via+")")
	}
	return out
}

func TestTheShopServesAndItsTelemetryShowsTheEstate(t *testing.T) {
	r := newReceiver(t)
	s, err := shop.New(shop.Options{OTLP: r.URL, Seed: 1, Load: 5, Every: 500 * time.Millisecond, Traced: 1, Now: time.Now, Show: []shop.Fault{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()

	resp, err := http.Get(s.URL("gateway") + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()

	for _, want := range shop.Edges() {
		line := want.From + " -> " + want.To + " (" + want.Via + ")"
		r.until(t, "edge "+line, func() bool { return slices.Contains(edges(r.spans), line) })
	}
	r.until(t, "metrics of every kind", func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.metrics["http.server.request.duration"]) >= 8 && r.metrics["search.query.duration"]["search"] &&
			r.metrics["notifications.sent"]["notifications"] && len(r.metrics["process.memory.usage"]) >= 10
	})
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("stopping: %v", err)
	}
	if _, err := http.Get(s.URL("gateway") + "/healthz"); err == nil {
		t.Fatal("the gateway still answers after the shop stopped")
	}
}
