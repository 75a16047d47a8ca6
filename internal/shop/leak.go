package shop

import (
	"context"
	"sync"
	"time"
)

// leak is memory that a service never gives back until its process ends. It is real, and small; the service's gauge
// shows it enlarged to the size a real one would have.
type leak struct {
	mu     sync.Mutex
	chunks [][]byte
	served int
}

const (
	leakChunk   = 16 << 10
	leakMax     = 512 // chunks: 8 MiB at most
	leakEnlarge = 32  // shown as up to 256 MiB
	leakPause   = 900 * time.Millisecond
)

func (l *leak) grow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.chunks) < leakMax {
		l.chunks = append(l.chunks, make([]byte, leakChunk))
	}
}

// held is the leaked memory as the gauge shows it, in bytes.
func (l *leak) held() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return float64(len(l.chunks)) * leakChunk * leakEnlarge
}

// pause is the garbage collector at work over the leaked memory: every third request waits, the longer the more there
// is.
func (l *leak) pause(ctx context.Context) {
	l.mu.Lock()
	n := len(l.chunks)
	l.served++
	skip := l.served%3 != 0
	l.mu.Unlock()
	if n == 0 || skip {
		return
	}
	_ = wait(ctx, time.Duration(float64(leakPause)*float64(n)/leakMax)) // the request's own end is seen by its caller
}

func (l *leak) free() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.chunks = nil
}
