package app

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/intake"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/metric"
	"evenkeel.dev/evenkeel/internal/web"
)

func (a *app) openAccess(ctx context.Context) error {
	var err error
	if a.access, err = auth.Open(ctx, a.ledger); err != nil {
		return err
	}
	if a.cfg.Auth == "tokens" {
		any, err := a.access.Any(ctx, a.now())
		if err != nil {
			return err
		}
		if !any {
			return &kit.Error{Code: kit.Invalid, Msg: "access is by token, and none has been issued: nobody could get in",
				Hint: "run `evenkeel token create --data " + a.cfg.Data + " --name NAME --role admin` first"}
		}
	}
	a.guard = &auth.Guard{Keeper: a.access, Loopback: a.cfg.Auth == "", Now: a.now}
	return nil
}

// serve opens the listeners, all or none, and starts to answer.
func (a *app) serve(ctx context.Context) error {
	handler, err := a.handler()
	if err != nil {
		return err
	}
	a.intake = a.receiver()
	var at Addresses
	webL, err := a.listener("the web server", a.cfg.Listen)
	if err != nil {
		return err
	}
	at.Web = "http://" + webL.Addr().String()
	a.stack.run("web", func(ctx context.Context) error { return serveHTTP(ctx, webL, handler) })
	if a.cfg.OTLPHTTP != "" {
		l, err := a.listener("the OTLP/HTTP receiver", a.cfg.OTLPHTTP)
		if err != nil {
			return err
		}
		at.OTLPHTTP = "http://" + l.Addr().String()
		a.stack.run("OTLP/HTTP", func(ctx context.Context) error { return serveHTTP(ctx, l, a.intake.Handler()) })
	}
	if a.cfg.OTLPGRPC != "" {
		l, err := a.listener("the OTLP/gRPC receiver", a.cfg.OTLPGRPC)
		if err != nil {
			return err
		}
		at.OTLPGRPC = l.Addr().String()
		a.stack.run("OTLP/gRPC", func(ctx context.Context) error { return serveGRPC(ctx, l, a.intake.Server()) })
	}
	if d := a.opt.Demo; d != nil {
		a.stack.run("demo telemetry", func(ctx context.Context) error { return serveHTTP(ctx, d.otlp, a.intake.Handler()) })
		a.stack.run("demo shop", d.shop.Run)
	}
	a.at.Store(&at)
	a.ready.Store(true)
	if a.opt.Ready != nil {
		a.opt.Ready(at)
	}
	return nil
}

// listener opens one; it is closed again if the start fails further on.
func (a *app) listener(what, addr string) (net.Listener, error) {
	l, err := listen(what, addr)
	if err == nil {
		a.stack.onClose(what, func() error { _ = l.Close(); return nil }) // usually closed by its server already
	}
	return l, err
}

// receiver takes OTLP.
func (a *app) receiver() *intake.Receiver {
	o := intake.Options{Traces: a.takeSpans, Now: a.now, Log: a.log, NoMetrics: a.noMetrics(), Authorize: a.mayPush}
	if o.NoMetrics == "" {
		o.Metrics = func(ctx context.Context, md pmetric.Metrics) (int64, string, error) {
			ctx, written := metric.CountWrites(ctx)
			st, err := a.sink.WriteOTLP(ctx, md)
			if err == nil {
				a.hearMetrics(md, written.Samples())
			}
			return st.Rejected, st.Reason, err
		}
	}
	return intake.New(o)
}

// takeSpans reduces spans and counts who sent them.
func (a *app) takeSpans(td ptrace.Traces, at time.Time) int {
	a.hearSpans(td)
	return a.traces.Consume(td, at)
}

// mayPush checks the sender of pushed telemetry.
func (a *app) mayPush(ctx context.Context, token, _ string) error {
	if a.guard.Loopback && token == "" {
		return nil
	}
	c, err := a.access.ByToken(ctx, token, a.now())
	if err != nil {
		return err
	}
	return c.May(auth.WriteMetrics, "")
}

// handler is everything on the web address.
func (a *app) handler() (http.Handler, error) {
	pages, err := web.New(web.Options{Sources: a.desk().Sources(), Live: &a.hub, Log: a.log})
	if err != nil {
		return nil, fmt.Errorf("prepare pages: %w", err)
	}
	a.stack.onClose("pages", func() error { pages.Close(); return nil })
	a.stack.run("live updates", func(ctx context.Context) error { // open pages would hold the server's end up
		<-ctx.Done()
		a.hub.Close()
		return nil
	})
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	answers := http.NewServeMux()
	api.New(answers, a.apiSources())
	mux.Handle("/api/", gzhttp.GzipHandler(answers))
	if a.sink != nil {
		mux.Handle("/prometheus/", a.prometheus(http.StripPrefix("/prometheus", a.sink.Handler())))
	}
	guarded := a.guard.Wrap(mux, refuse)
	outer := http.NewServeMux() // answers without asking who asks
	outer.Handle("/", guarded)
	outer.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	outer.HandleFunc("GET /-/ready", a.isReady)
	outer.Handle("GET /metrics", a.guard.Wrap(a.ownMetrics(), refuse))
	return outer, nil
}

func (a *app) isReady(w http.ResponseWriter, _ *http.Request) {
	if !a.ready.Load() {
		http.Error(w, "starting", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// refuse answers a request whose sender could not be made out.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="evenkeel"`)
	if strings.HasPrefix(r.URL.Path, "/api/") {
		api.Refuse(w, err)
		return
	}
	status := http.StatusUnauthorized
	if kit.CodeOf(err) != kit.Denied {
		status = http.StatusServiceUnavailable
	}
	http.Error(w, err.Error(), status)
}

// prometheus guards the Prometheus API: reading needs one right, writing another.
func (a *app) prometheus(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		right := auth.QueryMetrics
		push := r.Method == http.MethodPost && (r.URL.Path == "/prometheus/api/v1/write" || r.URL.Path == "/prometheus/api/v1/otlp/v1/metrics")
		if push {
			right = auth.WriteMetrics
		}
		if err := auth.From(r.Context()).May(right, ""); err != nil {
			refuse(w, r, err)
			return
		}
		if !push {
			next.ServeHTTP(w, r)
			return
		}
		ctx, written := metric.CountWrites(r.Context())
		next.ServeHTTP(w, r.WithContext(ctx))
		m := message{samples: written.Samples()}
		if ms := written.NewestMS(); ms != 0 {
			m.newest = time.UnixMilli(ms)
		}
		a.heard.note("remote-write", pusher(r), m, a.now())
	})
}

// guardedClient is for requests that leave this machine on behalf of a setting: bounded, without redirects.
func guardedClient() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}
