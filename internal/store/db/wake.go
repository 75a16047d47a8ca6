package db

import (
	"context"
	"sync"
)

// Wake tells everyone who watches topic that this transaction brought something, once it is committed. q is the one that
// Write handed out.
func (d *DB) Wake(ctx context.Context, q Q, topic string) error { return d.eng.notify(ctx, q, topic) }

// Watch calls f after each commit that woke topic, from this process or, on PostgreSQL, any other; several commits may
// make one call, and a call may come for nothing. Where the server cannot notify (a pooler, a compatible engine without
// LISTEN) it calls f four times a second. f is also called once at the start. Watch returns ctx's error when it ends.
func (d *DB) Watch(ctx context.Context, topic string, f func()) error {
	return d.eng.watch(ctx, topic, f)
}

// wakes carries topics within this process.
type wakes struct {
	mu   sync.Mutex
	next map[string]chan struct{} // closed by the next wake
}

func (w *wakes) channel(topic string) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == nil {
		w.next = map[string]chan struct{}{}
	}
	ch := w.next[topic]
	if ch == nil {
		ch = make(chan struct{})
		w.next[topic] = ch
	}
	return ch
}

func (w *wakes) wake(topic string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ch := w.next[topic]; ch != nil {
		close(ch)
		delete(w.next, topic)
	}
}

func (w *wakes) watch(ctx context.Context, topic string, f func()) error {
	for {
		ch := w.channel(topic) // before f looks, so that no wake falls between
		f()
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
