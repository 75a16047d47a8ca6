package ledger

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// state is what the committer knows of the ledger between commits. A commit works on a copy and replaces it on success.
type state struct {
	head   Head
	layout int64
	tree   *tree
	live   []*projection // at their version and applied up to head
}

// load reads the state under the head's lock and catches up the projections that other writers left behind.
func (l *Ledger) load(ctx context.Context, q db.Q) (*state, error) {
	row, err := readHead(ctx, q, l.db.ForUpdate())
	if err != nil {
		return nil, err
	}
	t, err := loadTree(ctx, q, row.Seq)
	if err != nil {
		return nil, err
	}
	if got := t.root(); got != row.Hash {
		return nil, &kit.Error{Code: kit.Internal, Msg: fmt.Sprintf("the Merkle tree over %d facts does not have the root that the ledger's head names", row.Seq),
			Hint: "the database was changed from outside: run ledger verify, which names what, and restore from a backup"}
	}
	st := &state{head: row.Head, layout: row.layout, tree: t}
	if st.live, err = l.liveProjections(ctx, q, row.Seq); err != nil {
		return nil, err
	}
	return st, nil
}

// serve commits what the queue holds until ctx ends and the queue is empty.
func (l *Ledger) serve(ctx context.Context) {
	callers := 1
	for {
		if calls, _ := l.queue.waiting(); calls == 0 {
			select {
			case <-l.queue.came:
				continue
			case <-ctx.Done():
				if calls, _ := l.queue.waiting(); calls == 0 {
					return
				}
			}
		}
		l.queue.fill(ctx, callers)
		group := l.queue.take()
		if len(group) == 0 {
			continue
		}
		callers = len(group)
		l.commit(group)
	}
}

// commitTimeout bounds a commit on a server that hangs; a local file needs none.
const commitTimeout = 30 * time.Second

// commit records a group in one transaction and answers each caller.
func (l *Ledger) commit(group []*request) {
	start := l.opt.Now()
	ctx := context.Background() // the callers' contexts end their waiting, not the commit they share
	if l.db.Engine() == db.Postgres {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, commitTimeout)
		defer cancel()
	}
	c, err := l.write(ctx, group, false)
	if len(group) > 1 && errors.As(err, new(*fault)) {
		c, err = l.write(ctx, group, true)
	}
	if err != nil {
		for _, r := range group {
			r.finish(fmt.Errorf("append: %w", err))
		}
		return
	}
	l.state = c.st
	l.setHead(c.st.head)
	l.queue.took(c.fresh, l.opt.Now().Sub(start)) // before the answers, after which a test's clock may move
	for _, r := range group {
		r.finish(r.err)
	}
}

// commit is one transaction.
type commit struct {
	l      *Ledger
	q      db.Q
	st     *state // after the facts added so far, except its tree
	seenUS int64
	leaves []tlog.Hash
	fences map[string]int64
	buf    []byte
	fresh  int
}

// write runs the transaction of a group. At first the group goes in as one, which is cheap; where that fails for a caller's
// fault it is taken back and the callers go in one by one, each in a savepoint, so that only the bad one fails.
func (l *Ledger) write(ctx context.Context, group []*request, apart bool) (c *commit, err error) {
	err = l.db.Write(ctx, func(ctx context.Context, q db.Q) error {
		c = &commit{l: l, q: q, fences: map[string]int64{}}
		if err := c.begin(ctx); err != nil {
			return err
		}
		for _, r := range group {
			r.receipt, r.err = Receipt{}, nil
		}
		if apart {
			err = c.each(ctx, group)
		} else if err = guard(l, func() error { return c.add(ctx, group...) }); err != nil && c.callers(err) {
			err = &fault{err}
		}
		if err != nil {
			return err
		}
		return c.finish(ctx)
	})
	return c, err
}

// each adds the callers one by one; what is one caller's fault is that caller's answer.
func (c *commit) each(ctx context.Context, group []*request) error {
	for _, r := range group {
		r.receipt = Receipt{}
		err := c.part(ctx, func() error { return c.add(ctx, r) })
		if err != nil && !c.callers(err) {
			return err
		}
		r.err = err
	}
	return nil
}

// callers says that err is a caller's fault: the others can go on without it. A lost race, a full disk or a server that went
// away are everybody's.
func (c *commit) callers(err error) bool {
	var s *shared
	return !errors.As(err, &s) && !c.l.db.Fatal(err)
}

// shared marks an error of the ledger itself, fault one of a caller.
type (
	shared struct{ error }
	fault  struct{ error }
)

func (s *shared) Unwrap() error { return s.error }
func (f *fault) Unwrap() error  { return f.error }

// guard turns a panic into an error: a caller's bug must not take the others down.
func guard(l *Ledger, fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			l.log.Error("panic in an append", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return fn()
}

// part runs fn in a savepoint and takes back what it did to c when it fails.
func (c *commit) part(ctx context.Context, fn func() error) error {
	head, leaves, fresh := c.st.head, len(c.leaves), c.fresh
	err := db.Savepoint(ctx, c.q, func() error { return guard(c.l, fn) })
	if err != nil {
		c.st.head, c.leaves, c.fresh = head, c.leaves[:leaves], fresh
		clear(c.fences) // their locks went with the savepoint
	}
	return err
}

// begin locks the head. Where another writer moved it, or a projection changed, the state is read anew.
func (c *commit) begin(ctx context.Context) error {
	row, err := readHead(ctx, c.q, c.l.db.ForUpdate())
	if err != nil {
		return err
	}
	old := c.l.state
	if old.head.Seq == row.Seq && old.head.Hash == row.Hash && old.head.Epoch == row.Epoch && old.layout == row.layout {
		st := *old
		c.st = &st
	} else if c.st, err = c.l.load(ctx, c.q); err != nil {
		return err
	}
	c.seenUS = max(c.l.opt.Now().UnixMicro(), micros(c.st.head.Seen)) // Seen never runs backwards, whatever the clock does
	return nil
}

// add records the requests' new facts, projects them and runs the callers' own writes.
func (c *commit) add(ctx context.Context, group ...*request) error {
	for _, r := range group {
		if err := c.fence(ctx, r.Fence); err != nil {
			return err
		}
	}
	fresh, err := c.number(ctx, group)
	if err != nil {
		return err
	}
	if err := c.insert(ctx, fresh); err != nil {
		return err
	}
	if err := c.project(ctx, fresh); err != nil {
		return err
	}
	for _, r := range group {
		if r.With == nil || len(r.records) > 0 && !anyTrue(r.receipt.Fresh) {
			continue
		}
		if err := r.With(ctx, c.q); err != nil {
			return err
		}
	}
	return nil
}

func (c *commit) fence(ctx context.Context, f *Fence) error {
	if f == nil {
		return nil
	}
	if token, ok := c.fences[f.Lease]; ok && token == f.Token {
		return nil
	}
	if err := c.l.db.CheckFence(ctx, c.q, f.Lease, f.Token); err != nil {
		return err
	}
	c.fences[f.Lease] = f.Token
	return nil
}

// number gives each new record its seq and fills the receipts. It returns the new records in order.
func (c *commit) number(ctx context.Context, group []*request) ([]*record, error) {
	n := 0
	for _, r := range group {
		n += len(r.records)
	}
	if n == 0 {
		return nil, nil
	}
	all := make([]*record, 0, n)
	for _, r := range group {
		all = append(all, r.records...)
	}
	known, err := c.known(ctx, all)
	if err != nil {
		return nil, err
	}
	seq := c.st.head.Seq
	fresh := all[:0:0]
	for _, r := range group {
		r.receipt = Receipt{Seqs: make([]int64, len(r.records)), Fresh: make([]bool, len(r.records))}
		for i, rec := range r.records {
			old, ok := known[rec.key]
			if !ok {
				if rec.causeMax > seq {
					return nil, kit.Errorf(kit.Invalid, "fact %s names the cause %d, which is not recorded", rec.kind, rec.causeMax)
				}
				seq++
				c.stamp(rec, seq)
				known[rec.key], old = seq, seq
				fresh = append(fresh, rec)
				r.receipt.Fresh[i] = true
			}
			r.receipt.Seqs[i] = old
			r.receipt.Last = max(r.receipt.Last, old)
		}
	}
	if len(fresh) > 0 {
		c.st.head.Seq, c.st.head.Seen = seq, time.UnixMicro(c.seenUS).UTC()
		c.fresh += len(fresh)
	}
	return fresh, nil
}

// stamp puts a record in its place and makes the event that projections see: times in the ledger's microseconds.
func (c *commit) stamp(r *record, seq int64) {
	r.seq, r.seenUS = seq, c.seenUS
	e := &r.event
	if e.At.IsZero() {
		r.atUS = c.seenUS
	}
	e.Seq, e.At, e.Seen = seq, time.UnixMicro(r.atUS).UTC(), time.UnixMicro(c.seenUS).UTC()
	c.leaves = append(c.leaves, r.hash(&c.buf))
	if f, ok := e.Fact.(*event.EpochOpened); ok {
		c.st.head.Epoch = f.Epoch
	}
}

// finish moves the head, the tree and the projections' marks, and wakes the other replicas.
func (c *commit) finish(ctx context.Context) error {
	if len(c.leaves) == 0 {
		return nil
	}
	c.st.tree = c.st.tree.grow(c.leaves)
	if err := c.st.tree.save(ctx, c.q); err != nil {
		return err
	}
	c.st.head.Hash = c.st.tree.root()
	if err := (headRow{c.st.head, c.st.layout}).write(ctx, c.q); err != nil {
		return err
	}
	if err := markApplied(ctx, c.q, c.st.live, c.st.head.Seq); err != nil {
		return err
	}
	return c.l.db.Wake(ctx, c.q, topic)
}

func anyTrue(v []bool) bool {
	for _, b := range v {
		if b {
			return true
		}
	}
	return false
}
