package metric

import (
	"context"
	"errors"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Append stores samples of float series in one transaction: in memory, in the write-ahead log and visible when it
// returns. Samples that can never be stored (older than the out-of-order window, another value at a time already
// taken, over a limit) are left out and named in one kit.Invalid error; the others are stored all the same. Unavailable
// means nothing was stored: try again later.
func (s *Store) Append(ctx context.Context, samples []kit.Sample) error {
	v := &verdict{keepGood: true}
	app := s.appenderV2(ctx, v)
	var b labels.ScratchBuilder
	for _, x := range samples {
		b.Reset()
		for _, l := range x.Labels {
			b.Add(l.Name, l.Value)
		}
		b.Sort()
		if _, err := app.Append(0, b.Labels(), x.StartMS, x.TimeMS, x.Value, nil, nil, storage.AOptions{}); err != nil {
			return errors.Join(err, app.Rollback())
		}
	}
	if err := app.Commit(); err != nil {
		return err
	}
	return v.err()
}

// writer is the store as Prometheus' receivers and scrapers write to it.
type writer struct{ s *Store }

func (w writer) AppenderV2(ctx context.Context) storage.AppenderV2 {
	v, _ := ctx.Value(verdictKey{}).(*verdict)
	return w.s.appenderV2(ctx, v)
}

func (s *Store) appenderV2(ctx context.Context, v *verdict) storage.ExemplarAppenderV2 {
	if err := s.space.refuse(); err != nil {
		return refusing{v.failed(err)}
	}
	mark, done := s.late.begin()
	return &appender{ExemplarAppenderV2: s.db.AppenderV2(ctx).(storage.ExemplarAppenderV2), s: s, v: v, mark: mark, done: done, w: counted(ctx)}
}

// appender is one transaction. It adds to the TSDB's: metadata is learnt, samples in a stretch already read are
// noted, and refusals are collected so that one bad sample does not sink its neighbours.
type appender struct {
	storage.ExemplarAppenderV2
	s      *Store
	v      *verdict
	mark   int64  // watermark at the start
	done   func() // tells the watermark that the transaction is over
	late   []Late
	family familyMemo
	w      *Written // nil = nobody counts
	n      int64    // samples that were taken
	newest int64    // time of the newest of them
}

func (a *appender) Append(ref storage.SeriesRef, ls labels.Labels, st, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AOptions) (storage.SeriesRef, error) {
	a.s.known.learn(&a.family, ls, o)
	ref, err := a.ExemplarAppenderV2.Append(ref, ls, st, t, v, h, fh, o)
	if err != nil && !errors.Is(err, (*storage.AppendPartialError)(nil)) {
		return 0, a.v.refuse(ls, t, err)
	}
	a.n++
	a.newest = max(a.newest, t)
	if t <= a.mark {
		a.note(ls, t)
	}
	return ref, err
}

func (a *appender) note(ls labels.Labels, t int64) {
	if n := len(a.late); n > 0 && labels.Equal(a.late[n-1].Labels, ls) {
		a.late[n-1].T = min(a.late[n-1].T, t)
		return
	}
	a.late = append(a.late, Late{ls.Copy(), t})
}

func (a *appender) Commit() error {
	err := a.ExemplarAppenderV2.Commit()
	a.done()
	if err != nil {
		a.s.space.recheck()
		return a.v.failed(kit.Errorf(kit.Unavailable, "write samples to %s: %w", a.s.opt.Dir, err))
	}
	a.s.appended.Add(a.n)
	a.w.add(a.n, a.newest)
	if len(a.late) > 0 && a.s.opt.OnLate != nil {
		a.s.opt.OnLate(a.late)
	}
	return nil
}

func (a *appender) Rollback() error {
	defer a.done()
	return a.ExemplarAppenderV2.Rollback()
}

// refusing stands in while there is no space.
type refusing struct{ err error }

func (r refusing) Append(storage.SeriesRef, labels.Labels, int64, int64, float64, *histogram.Histogram, *histogram.FloatHistogram, storage.AOptions) (storage.SeriesRef, error) {
	return 0, r.err
}

func (r refusing) AppendExemplars(storage.SeriesRef, labels.Labels, []exemplar.Exemplar) (storage.SeriesRef, error) {
	return 0, r.err
}
func (r refusing) Commit() error   { return r.err }
func (r refusing) Rollback() error { return nil }
