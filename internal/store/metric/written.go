package metric

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/prometheus/tsdb/index"
)

// Written counts what the requests under one context stored.
type Written struct {
	samples, newest atomic.Int64
}

type writtenKey struct{}

// CountWrites makes writes under the returned context count into w.
func CountWrites(ctx context.Context) (_ context.Context, w *Written) {
	w = new(Written)
	return context.WithValue(ctx, writtenKey{}, w), w
}

func counted(ctx context.Context) *Written {
	w, _ := ctx.Value(writtenKey{}).(*Written)
	return w
}

// Samples is how many were stored.
func (w *Written) Samples() int64 { return w.samples.Load() }

// NewestMS is the time of the newest of them, Unix milliseconds; 0 = none.
func (w *Written) NewestMS() int64 { return w.newest.Load() }

func (w *Written) add(n, newest int64) {
	if w == nil || n == 0 {
		return
	}
	w.samples.Add(n)
	for {
		was := w.newest.Load()
		if newest <= was || w.newest.CompareAndSwap(was, newest) {
			return
		}
	}
}

// Appended is how many samples were stored since the start, by all doors.
func (s *Store) Appended() int64 { return s.appended.Load() }

// Retention is how long samples are kept.
func (s *Store) Retention() time.Duration { return s.opt.Retention }

// SeriesInMemory is how many series had a sample in the last hours.
func (s *Store) SeriesInMemory() int64 { return int64(s.db.Head().NumSeries()) }

// SeriesOf is how many series in memory carry one of the values of a label, by value; values without any are left out.
func (s *Store) SeriesOf(ctx context.Context, label string, values []string) (map[string]int64, error) {
	ir, err := s.db.Head().Index()
	if err != nil {
		return nil, err
	}
	defer ir.Close()
	out := map[string]int64{}
	for _, v := range values {
		p, err := ir.Postings(ctx, label, v)
		if err != nil {
			return nil, err
		}
		if n := length(p); n > 0 {
			out[v] = n
		}
	}
	return out, nil
}

func length(p index.Postings) (n int64) {
	for p.Next() {
		n++
	}
	return n
}
