package ledger

import (
	"context"
	"fmt"
	"sync/atomic"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// MaxBatch bounds the events of one Append.
const MaxBatch = 10_000

// Batch is what one caller wants recorded: all of it or nothing.
type Batch struct {
	Events []event.Event // Seq and Seen are set by the ledger; a zero At becomes Seen; an empty Key is made from the content
	Lane   Lane          // who goes first under load; the zero lane is Commands
	Fence  *Fence        // checked in the committing transaction; nil = none
	// With writes the caller's own rows (timers, outbox, tokens) in the same transaction. It runs after the facts are
	// there, may run again if the transaction does, and is skipped when every event was recorded before.
	With func(ctx context.Context, q db.Q) error
}

// Fence proves that the caller still holds a lease (db.Lease).
type Fence struct {
	Lease string
	Token int64
}

// Receipt says where the events of a batch stand.
type Receipt struct {
	Seqs  []int64 // one an event, in order; an already recorded key gives its old seq
	Fresh []bool  // false: recorded before
	Last  int64   // the highest of Seqs; 0 for a batch without events
}

// request is a batch on its way to the disk.
type request struct {
	Batch
	records []*record
	size    int64 // bytes
	state   atomic.Int32
	done    chan struct{} // closed when receipt and err are set
	receipt Receipt
	err     error
}

// States of a request: a caller that gives up takes it back from the queue unless the committer has taken it.
const (
	waiting int32 = iota
	taken
	given
)

// Append records the batch and returns when it is on disk with all its projections. A key that is recorded already is not
// recorded again and gives its old seq.
//
// Errors: kit.Invalid names the field; kit.Conflict a lost lease; kit.Unavailable a full lane or disk, with RetryAfter.
// If ctx ends first, the outcome may be unknown: append the same again, the keys make it safe.
func (l *Ledger) Append(ctx context.Context, b Batch) (Receipt, error) {
	r, err := newRequest(b)
	if err != nil {
		return Receipt{}, err
	}
	if len(b.Events) == 0 && b.With == nil {
		return Receipt{}, nil
	}
	if err := l.checkSpace(b.Lane); err != nil {
		return Receipt{}, err
	}
	if err := l.queue.put(r); err != nil {
		return Receipt{}, err
	}
	select {
	case <-r.done:
		return r.receipt, r.err
	case <-ctx.Done():
	}
	if r.state.CompareAndSwap(waiting, given) {
		return Receipt{}, fmt.Errorf("append: %w", ctx.Err())
	}
	select {
	case <-r.done: // it was ready in the same moment
		return r.receipt, r.err
	default:
		return Receipt{}, fmt.Errorf("append: the outcome is unknown, append the same again: %w", ctx.Err())
	}
}

func newRequest(b Batch) (*request, error) {
	if len(b.Events) > MaxBatch {
		return nil, kit.Errorf(kit.TooLarge, "a batch holds %d facts of at most %d; split it", len(b.Events), MaxBatch)
	}
	r := &request{Batch: b, done: make(chan struct{}), records: make([]*record, len(b.Events))}
	for i, e := range b.Events {
		rec, err := encode(e)
		if err != nil {
			if len(b.Events) > 1 {
				err = fmt.Errorf("event %d of %d: %w", i+1, len(b.Events), err)
			}
			return nil, err
		}
		r.records[i] = rec
		r.size += int64(len(rec.body) + 200)
	}
	return r, nil
}

func (r *request) finish(err error) {
	r.err = err
	close(r.done)
}
