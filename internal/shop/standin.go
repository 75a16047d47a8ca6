package shop

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// standIn plays a system that sends no telemetry: it answers over HTTP after a while.
type standIn struct {
	stand
	shop    *Shop
	trouble atomic.Pointer[trouble]
	server  *http.Server
	served  chan struct{}
}

func newStandIn(s *Shop, st stand) *standIn { return &standIn{stand: st, shop: s} }

func (s *standIn) listen() error {
	lis, err := listenLoopback()
	if err != nil {
		return err
	}
	s.server = &http.Server{Handler: http.HandlerFunc(s.answer), ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	s.served = make(chan struct{})
	go func(lis net.Listener) {
		defer close(s.served)
		_ = s.server.Serve(lis) // ends with close
	}(lis)
	s.shop.net.set(s.host, lis.Addr().String())
	return nil
}

func (s *standIn) answer(w http.ResponseWriter, req *http.Request) {
	t := s.trouble.Load()
	d := s.shop.vary(s.work, s.spread)
	if t != nil {
		d = time.Duration(float64(d)*max(t.slower, 1)) + t.delay
	}
	if wait(req.Context(), d) != nil {
		return
	}
	if t != nil && s.shop.chance(t.errors) {
		http.Error(w, t.reason(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *standIn) close() {
	if s.server != nil {
		_ = s.server.Close()
		<-s.served
	}
}
