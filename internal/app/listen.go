package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/web"
)

// Addresses are where a started server answers, with the ports that were really taken.
type Addresses struct {
	Web      string // "http://127.0.0.1:8080"
	OTLPHTTP string // "http://127.0.0.1:4318", "" = off
	OTLPGRPC string // "127.0.0.1:4317", "" = off
}

// doors are where OTLP goes in.
func (a *app) doors() []web.Door {
	at := a.at.Load()
	if at == nil {
		return nil
	}
	var out []web.Door
	if at.OTLPHTTP != "" {
		out = append(out, web.Door{Name: "OTLP over HTTP", Address: at.OTLPHTTP})
	}
	if at.OTLPGRPC != "" {
		out = append(out, web.Door{Name: "OTLP over gRPC", Address: at.OTLPGRPC})
	}
	return out
}

// graceful is how long requests under way may take to end at a stop.
const graceful = 10 * time.Second

// listen opens a TCP listener, and says what to do when the port is taken.
func listen(what, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &kit.Error{Code: kit.Invalid, Msg: what + " cannot listen on " + addr, Hint: "stop the program that holds it, or choose another address", Err: err}
	}
	return l, nil
}

// serveHTTP serves a handler until ctx ends, then lets requests finish.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceful)
	defer cancel()
	if err := s.Shutdown(end); err != nil { // event streams do not end by themselves
		_ = s.Close()
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// serveGRPC serves until ctx ends.
func serveGRPC(ctx context.Context, l net.Listener, s *grpc.Server) error {
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stopped := make(chan struct{})
	go func() { s.GracefulStop(); close(stopped) }()
	select {
	case <-stopped:
	case <-time.After(graceful):
		s.Stop()
		<-stopped
	}
	return <-done
}
