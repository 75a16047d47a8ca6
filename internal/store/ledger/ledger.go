// Package ledger keeps the facts: append-only, numbered without gaps, each once, and provable.
//
// Append is acknowledged when the facts are on disk, together with every projection of them: callers share commits, and
// each is a savepoint of its own. The facts are the leaves of an RFC 6962 Merkle tree whose signed heads (checkpoints)
// others can hold; Verify recomputes everything and names what does not fit. See docs/ledger.md.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/store/db"
)

// Options of Open. Now is required; everything else has a default.
type Options struct {
	Projections []Projection
	Key         *Key             // signs checkpoints; nil: Checkpoint refuses
	Origin      string           // the ledger's name in checkpoints, such as "example.org/evenkeel"; default the key's name
	Now         func() time.Time // the clock of Seen
	Log         *slog.Logger     // default: discard
	MinFree     int64            // bytes; see watermark. 0 = DefaultMinFree, negative = no watermark
	Holder      string           // names this process in leases; default random
}

// Head is the newest state of the ledger.
type Head struct {
	Seq   int64     // of the newest fact, which is also the size of the tree; 0 when empty
	Hash  tlog.Hash // root of the tree over all facts
	Seen  time.Time // of the newest fact; zero when empty
	Epoch int       // 1, and one more for each declared restore
}

// Ledger is an open ledger. It is safe for concurrent use.
type Ledger struct {
	db    *db.DB
	opt   Options
	log   *slog.Logger
	queue *queue

	state *state // the committer's own; see commit.go

	mu     sync.Mutex
	head   Head
	moved  chan struct{} // closed when head moves
	closed bool

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// Open readies the tables, brings every projection to its version (which reads the ledger from fact 1 where a version
// changed) and starts to accept facts. It reads the head and the edge of the tree only, whatever the ledger's size. Close
// the ledger before the database.
func Open(ctx context.Context, d *db.DB, o Options) (*Ledger, error) {
	if o.Now == nil {
		return nil, errors.New("open ledger: Options.Now is missing")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Origin == "" && o.Key != nil {
		o.Origin = o.Key.Signer.Name()
	}
	if o.MinFree == 0 {
		o.MinFree = DefaultMinFree
	}
	if o.Holder == "" {
		o.Holder = newHolder()
	}
	o.Projections = append(builtin(), o.Projections...)
	if err := checkProjections(o.Projections); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	l := &Ledger{db: d, opt: o, log: o.Log, queue: newQueue(), moved: make(chan struct{})}
	if err := l.prepare(ctx); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	run, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.wg.Go(func() { l.serve(run) })
	if d.Engine() == db.Postgres {
		l.wg.Go(func() { l.follow(run) })
	}
	return l, nil
}

// prepare makes the tables and loads the state.
func (l *Ledger) prepare(ctx context.Context) error {
	if err := l.makeTables(ctx); err != nil {
		return err
	}
	if err := l.readyProjections(ctx); err != nil {
		return err
	}
	return l.db.Write(ctx, func(ctx context.Context, q db.Q) error {
		st, err := l.load(ctx, q)
		if err != nil {
			return err
		}
		l.state = st
		l.setHead(st.head)
		return nil
	})
}

// Close commits what was accepted, refuses the rest and waits for both.
func (l *Ledger) Close() error {
	l.mu.Lock()
	was := l.closed
	l.closed = true
	l.mu.Unlock()
	if was {
		return nil
	}
	l.queue.close()
	l.stop()
	l.wg.Wait()
	return nil
}

// DB is the database that the ledger lies in; projections are read from it.
func (l *Ledger) DB() *db.DB { return l.db }

// Head is the newest state known here; on PostgreSQL other replicas may be a moment ahead.
func (l *Ledger) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// setHead moves the head forward and wakes who waits for it.
func (l *Ledger) setHead(h Head) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.Seq <= l.head.Seq && h.Epoch <= l.head.Epoch {
		return
	}
	l.head = h
	close(l.moved)
	l.moved = make(chan struct{})
}

// Wait returns when the ledger holds a fact after the given seq, at once if it does already, and with ctx's error when
// that ends first.
func (l *Ledger) Wait(ctx context.Context, after int64) error {
	for {
		l.mu.Lock()
		seq, moved := l.head.Seq, l.moved
		l.mu.Unlock()
		if seq > after {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// follow learns of facts that other replicas appended.
func (l *Ledger) follow(ctx context.Context) {
	_ = l.db.Watch(ctx, topic, func() {
		h, err := readHead(ctx, l.db.Read(), "")
		if err != nil {
			if ctx.Err() == nil {
				l.log.Warn("read the ledger's head", "err", err)
			}
			return
		}
		l.setHead(h.Head)
	})
}
