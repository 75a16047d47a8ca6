package metric

import (
	"context"
	"math"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Advance says that samples up to and including at are about to be read: from now on OnLate hears about those that
// come after. It waits for the writes that are under way, so that what they wrote is seen by the reading, and nothing
// falls between. It fails only with ctx; then samples of a write still under way may go unreported until the next
// Advance succeeds. The watermark of a store that was just opened lies before all samples.
func (s *Store) Advance(ctx context.Context, at time.Time) error {
	if err := s.late.advance(ctx, at.UnixMilli()); err != nil {
		return kit.Errorf(kit.Unavailable, "wait for writes under way: %w", err)
	}
	return nil
}

// watermark orders appends against readings. Each transaction belongs to the generation in which it began.
type watermark struct {
	mu      sync.Mutex
	set     bool
	at      int64
	open    *sync.WaitGroup   // transactions begun since the last advance
	earlier []*sync.WaitGroup // generations not waited for to the end
}

// begin registers a transaction: the mark it has to compare with, and what it calls once at its end.
func (w *watermark) begin() (mark int64, done func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open == nil {
		w.open = new(sync.WaitGroup)
	}
	w.open.Add(1)
	if !w.set {
		return math.MinInt64, w.open.Done
	}
	return w.at, w.open.Done
}

func (w *watermark) advance(ctx context.Context, at int64) error {
	w.mu.Lock()
	if w.open != nil {
		w.earlier = append(w.earlier, w.open)
	}
	w.open, w.at, w.set = nil, at, true
	waiting := w.earlier
	w.mu.Unlock()

	over := make(chan struct{})
	go func() { // ends with the last of these transactions, which are short
		for _, g := range waiting {
			g.Wait()
		}
		close(over)
	}()
	select {
	case <-over:
	case <-ctx.Done():
		return ctx.Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.earlier = w.earlier[min(len(waiting), len(w.earlier)):]
	return nil
}
