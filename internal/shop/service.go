package shop

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
)

// service is one service of the shop across its restarts and deploys.
type service struct {
	shop    *Shop
	plan    component
	trouble atomic.Pointer[trouble] // what is wrong with it now; nil = well

	mu      sync.Mutex
	version string
	colour  int    // which of two instance names it runs under
	address string // of the first listener, kept where it can be
	lis     net.Listener
	run     *generation // nil while it is down
	leak    leak
}

// generation is one process life of a service: its server and its SDK.
type generation struct {
	server  *http.Server
	tel     *telemetry
	clients map[string]*http.Client
	served  chan struct{} // closed when the server has ended
	queries metric.Float64Histogram
	sent    metric.Int64Counter
}

func newService(s *Shop, c component) *service {
	return &service{shop: s, plan: c, version: c.version}
}

// listen takes a port: the one it had before where that is still free.
func (v *service) listen() error {
	var lis net.Listener
	var err error
	if v.address != "" {
		lis, err = net.Listen("tcp", v.address)
	}
	if lis == nil {
		lis, err = listenLoopback()
	}
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lis, v.address = lis, lis.Addr().String()
	v.shop.net.set(host(v.plan.name), v.address)
	return nil
}

// start begins a life of the service on its open listener.
func (v *service) start(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	tel, err := v.shop.telemetry(ctx, v.plan.name, v.version, v.colour)
	if err != nil {
		return err
	}
	g := &generation{tel: tel, served: make(chan struct{})}
	g.clients = v.shop.clients(tel, v.plan)
	if err := v.instruments(g); err != nil {
		return errors.Join(err, tel.stop(ctx))
	}
	mux := http.NewServeMux()
	for _, r := range v.plan.routes {
		if r.path != "" {
			mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) { v.serve(g, r, w, req) })
		}
	}
	marked := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		labeler, _ := otelhttp.LabelerFromContext(req.Context())
		labeler.Add(demo)
		mux.ServeHTTP(w, req)
	})
	top := http.NewServeMux()
	top.HandleFunc("GET /healthz", v.health)
	top.Handle("/", otelhttp.NewHandler(marked, v.plan.name, otelhttp.WithTracerProvider(tel.traces),
		otelhttp.WithMeterProvider(tel.metrics), otelhttp.WithPropagators(propagation.TraceContext{})))
	g.server = &http.Server{Handler: top, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	lis := v.lis
	go func() {
		defer close(g.served)
		_ = g.server.Serve(lis) // always ends with ErrServerClosed: by stop
	}()
	v.run = g
	return nil
}

func (v *service) instruments(g *generation) (err error) {
	if v.plan.name == "search" {
		g.queries, err = g.tel.meter.Float64Histogram("search.query.duration", metric.WithUnit("s"), metric.WithDescription("Time to answer a search."))
		if err != nil {
			return err
		}
	}
	if v.plan.name == "notifications" {
		g.sent, err = g.tel.meter.Int64Counter("notifications.sent", metric.WithDescription("Messages handed to the relay, by outcome."))
		if err != nil {
			return err
		}
		if _, err = g.tel.meter.Int64ObservableGauge("notifications.waiting", metric.WithDescription("Orders waiting for their message."),
			metric.WithInt64Callback(func(_ context.Context, o metric.Int64Observer) error {
				o.Observe(int64(v.shop.queue.len()), metric.WithAttributes(demo))
				return nil
			})); err != nil {
			return err
		}
	}
	_, err = g.tel.meter.Float64ObservableGauge("process.memory.usage", metric.WithUnit("By"), metric.WithDescription("Memory in use."),
		metric.WithFloat64Callback(func(_ context.Context, o metric.Float64Observer) error {
			o.Observe(v.plan.memory+v.leak.held(), metric.WithAttributes(demo))
			return nil
		}))
	return err
}

func (v *service) health(w http.ResponseWriter, _ *http.Request) {
	if t := v.trouble.Load(); t != nil && t.unhealthy {
		http.Error(w, "unhealthy", http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n"))
}

// stop takes the service down, with the requests in hand given a moment to finish.
func (v *service) stop() {
	v.mu.Lock()
	g, lis := v.run, v.lis
	v.run, v.lis = nil, nil
	v.shop.net.set(host(v.plan.name), "")
	v.mu.Unlock()
	v.end(g, lis)
	v.leak.free()
}

func (v *service) end(g *generation, lis net.Listener) {
	if g == nil {
		if lis != nil {
			_ = lis.Close()
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	if g.server.Shutdown(ctx) != nil {
		_ = g.server.Close()
	}
	<-g.served
	for _, c := range g.clients {
		c.CloseIdleConnections()
	}
	if err := g.tel.stop(ctx); err != nil {
		v.shop.opt.Log.Debug("shop could not send its last telemetry", "service", v.plan.name, "err", err)
	}
}

// deploy starts another version beside the running one, moves traffic over and ends the old one.
func (v *service) deploy(ctx context.Context, version string) error {
	v.mu.Lock()
	g, lis := v.run, v.lis
	v.version, v.address, v.colour = version, "", 1-v.colour
	v.mu.Unlock()
	if err := v.listen(); err != nil {
		return err
	}
	if err := v.start(ctx); err != nil {
		return err
	}
	v.end(g, lis)
	return nil
}

// restart takes the service down and starts it again after a while.
func (v *service) restart(ctx context.Context, down time.Duration) error {
	v.stop()
	if err := wait(ctx, down); err != nil {
		return err
	}
	if err := v.listen(); err != nil {
		return err
	}
	return v.start(ctx)
}

// life is the running generation; nil while the service is down.
func (v *service) life() *generation {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.run
}
