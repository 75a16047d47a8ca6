package shop

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// callTimeout is how long a service waits for another.
const callTimeout = 2 * time.Second

// serve answers one request of a route: its own work, its calls, an answer.
func (v *service) serve(g *generation, r route, w http.ResponseWriter, req *http.Request) {
	from := v.shop.opt.Now()
	err := v.handle(req.Context(), g, r)
	if g.queries != nil && err == nil {
		g.queries.Record(req.Context(), v.shop.opt.Now().Sub(from).Seconds(), withDemo)
	}
	if err != nil {
		http.Error(w, err.Error(), statusOf(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"shop":"Harbour Goods (demo)","service":%q}`+"\n", v.plan.name)
}

// handle does the work of a route. An error is the route's failure.
func (v *service) handle(ctx context.Context, g *generation, r route) error {
	t := v.trouble.Load()
	work, fails := r.work, r.fails
	if t != nil {
		work, fails = time.Duration(float64(work)*max(t.slower, 1))+t.delay, max(fails, t.errors)
	}
	v.leak.pause(ctx)
	if t != nil && t.leaks {
		v.leak.grow()
	}
	if err := wait(ctx, v.shop.vary(work, r.spread)); err != nil {
		return err
	}
	if v.shop.chance(fails) {
		trace.SpanFromContext(ctx).SetStatus(codes.Error, t.reason())
		return failure{http.StatusInternalServerError, t.reason()}
	}
	for _, s := range r.calls {
		if !v.shop.chance(s.chance) || v.shop.quiet(s.to) {
			continue
		}
		if err := v.call(ctx, g, s); err != nil && s.hard {
			return failure{http.StatusBadGateway, s.to + " failed: " + err.Error()}
		}
	}
	return nil
}

// failure is an answer other than success.
type failure struct {
	status int
	reason string
}

func (f failure) Error() string { return f.reason }

func statusOf(err error) int {
	if f, ok := err.(failure); ok {
		return f.status
	}
	return http.StatusServiceUnavailable // the caller went away
}

// call makes one step: over HTTP to a service, as a query to a database, as a message on the queue.
func (v *service) call(ctx context.Context, g *generation, s step) error {
	if s.pattern == topic {
		return v.publish(ctx, g)
	}
	st, isStand := standOf(s.to)
	if isStand && st.system != "" {
		return v.query(ctx, g, st, s)
	}
	method, path, _ := strings.Cut(s.pattern, " ")
	if c, ok := componentOf(s.to); ok {
		path = routeOf(c, s.pattern).path
	}
	return ask(ctx, g.clients[s.to], method, "http://"+host(s.to)+path)
}

// query is a database call: a client span by hand, as a driver's instrumentation makes one.
func (v *service) query(ctx context.Context, g *generation, st stand, s step) error {
	verb, table, _ := strings.Cut(s.pattern, " ")
	ctx, span := g.tel.tracer.Start(ctx, s.pattern, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", st.system), attribute.String("db.namespace", st.db),
		attribute.String("db.operation.name", verb), attribute.String("db.collection.name", table),
		attribute.String("server.address", st.host), attribute.String("peer.service", st.name)))
	defer span.End()
	err := ask(ctx, g.clients[st.name], http.MethodPost, "http://"+st.host+"/query")
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return err
}

func ask(ctx context.Context, c *http.Client, method, url string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	if resp.StatusCode >= 500 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// clients are a service's HTTP clients, one a callee: traced, and named where the callee cannot name itself. Databases
// are called without: their spans are made by query.
func (s *Shop) clients(tel *telemetry, c component) map[string]*http.Client {
	out := map[string]*http.Client{}
	for _, r := range c.routes {
		for _, step := range r.calls {
			st, isStand := standOf(step.to)
			if isStand && st.system != "" {
				out[step.to] = &http.Client{Transport: s.net.http}
				continue
			}
			opts := []otelhttp.Option{otelhttp.WithTracerProvider(tel.traces), otelhttp.WithMeterProvider(noop.NewMeterProvider()),
				otelhttp.WithPropagators(propagation.TraceContext{})}
			if isStand {
				opts = append(opts, otelhttp.WithSpanOptions(trace.WithAttributes(attribute.String("peer.service", st.name))))
			}
			out[step.to] = &http.Client{Transport: otelhttp.NewTransport(s.net.http, opts...)}
		}
	}
	return out
}

// lognormal is d spread by e^(sigma z), at most ten times d.
func lognormal(d time.Duration, sigma, z float64) time.Duration {
	return time.Duration(float64(d) * min(math.Exp(sigma*z), 10))
}
