// Package live tells browsers which kinds of facts changed, as server-sent events, so that pages fetch just the
// fragments that show them. It carries no content: what a reader may see is decided by the page that is fetched.
package live

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
)

// Round is not a fact: it says that an evaluation round ended, so that every figure of now may have moved.
const Round event.Kind = "evaluator.round"

// The hub's bounds.
const (
	MaxReaders = 512              // streams at once
	Gap        = time.Second      // between two events on one stream
	Beat       = 10 * time.Second // a sign of life on a quiet stream
)

// Hub passes changes to its readers. The zero value is ready.
type Hub struct {
	mu      sync.Mutex
	readers map[*reader]struct{}
	closed  bool
	done    sync.WaitGroup
}

// reader is one open stream: what changed since its last event.
type reader struct {
	pending map[event.Kind]bool
	wake    chan struct{} // holds one token while pending is not empty
	end     chan struct{}
}

// Changed tells every reader that facts of these kinds were recorded. It never waits for a slow one.
func (h *Hub) Changed(kinds ...event.Kind) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for r := range h.readers {
		for _, k := range kinds {
			r.pending[k] = true
		}
		select {
		case r.wake <- struct{}{}:
		default: // it will find these with what it has not sent yet
		}
	}
}

// Readers is how many streams are open.
func (h *Hub) Readers() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.readers)
}

// Close ends every stream and waits for their handlers; later readers are turned away.
func (h *Hub) Close() {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		for r := range h.readers {
			close(r.end)
		}
	}
	h.mu.Unlock()
	h.done.Wait()
}

// ServeHTTP is one reader's stream: "data: kind kind" at most once a second, "data: -" as a sign of life.
func (h *Hub) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r := h.join()
	if r == nil {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "too many live pages are open; this one refreshes when it is loaded again", http.StatusServiceUnavailable)
		return
	}
	defer h.leave(r)
	stream := http.NewResponseController(w)
	_ = stream.SetWriteDeadline(time.Time{}) // not every writer has one
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no")
	if _, err := fmt.Fprint(w, "retry: 3000\n\n"); err != nil || stream.Flush() != nil {
		return
	}
	h.follow(w, stream, req, r)
}

// follow writes until the browser or the hub ends it.
func (h *Hub) follow(w http.ResponseWriter, stream *http.ResponseController, req *http.Request, r *reader) {
	beat := time.NewTicker(Beat)
	defer beat.Stop()
	for {
		line := "-"
		select {
		case <-req.Context().Done():
			return
		case <-r.end:
			return
		case <-beat.C:
		case <-r.wake:
			line = h.take(r)
		}
		if _, err := fmt.Fprintf(w, "data: %s\n\n", line); err != nil || stream.Flush() != nil {
			return
		}
		select { // one event a second; what comes meanwhile is in the next
		case <-req.Context().Done():
			return
		case <-r.end:
			return
		case <-time.After(Gap):
		}
	}
}

func (h *Hub) join() *reader {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.readers) >= MaxReaders {
		return nil
	}
	if h.readers == nil {
		h.readers = map[*reader]struct{}{}
	}
	r := &reader{pending: map[event.Kind]bool{}, wake: make(chan struct{}, 1), end: make(chan struct{})}
	h.readers[r] = struct{}{}
	h.done.Add(1)
	return r
}

func (h *Hub) leave(r *reader) {
	h.mu.Lock()
	delete(h.readers, r)
	h.mu.Unlock()
	h.done.Done()
}

// take empties what is pending into one line, sorted.
func (h *Hub) take(r *reader) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	kinds := slices.Sorted(maps.Keys(r.pending))
	clear(r.pending)
	parts := make([]string, len(kinds))
	for i, k := range kinds {
		parts[i] = string(k)
	}
	return strings.Join(parts, " ")
}
