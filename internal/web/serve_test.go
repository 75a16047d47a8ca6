package web

import (
	"net"
	"net/http"
	"os"
	"os/signal"
	"testing"
	"time"
)

// TestServe shows the fixture's pages to a person: EVENKEEL_SERVE=127.0.0.1:8099 go test -run TestServe ./internal/web
func TestServe(t *testing.T) {
	addr := os.Getenv("EVENKEEL_SERVE")
	if addr == "" {
		return // not a check: nothing is skipped
	}
	s := fixture()
	if os.Getenv("EVENKEEL_EMPTY") != "" {
		s = emptySources()
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: newWeb(t, s), ReadHeaderTimeout: 5 * time.Second}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	go func() { <-stop; _ = srv.Close() }()
	_ = srv.Serve(l)
}
