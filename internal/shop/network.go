package shop

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// network resolves the shop's fictional host names to the loopback addresses where they listen now.
type network struct {
	mu    sync.Mutex
	hosts map[string]string
	http  *http.Transport
}

func newNetwork() *network {
	n := &network{hosts: map[string]string{}}
	n.http = &http.Transport{
		DialContext:           n.dial,
		MaxIdleConnsPerHost:   32,
		IdleConnTimeout:       30 * time.Second,
		ResponseHeaderTimeout: callTimeout,
	}
	return n
}

func (n *network) dial(ctx context.Context, _, addr string) (net.Conn, error) {
	name, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	to := n.address(name)
	if to == "" {
		return nil, fmt.Errorf("%s: connection refused", name)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", to)
}

func (n *network) set(host, addr string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if addr == "" {
		delete(n.hosts, host)
		return
	}
	n.hosts[host] = addr
}

// address is "" for a host that nobody listens for.
func (n *network) address(host string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hosts[host]
}

func (n *network) close() { n.http.CloseIdleConnections() }

// listenLoopback opens a free port that only this machine reaches.
func listenLoopback() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }
