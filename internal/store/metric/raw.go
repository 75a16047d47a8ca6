package metric

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Raw implements Source.
func (s *Store) Raw(ctx context.Context, selector string, from, to time.Time, visit func(Series) error) error {
	ms, err := s.parsed.get(selector)
	if err != nil {
		return err
	}
	return rawFrom(ctx, s.db, ms, from, to, visit)
}

// rawFrom reads samples with timestamps in [from, to) of the series that ms match.
func rawFrom(ctx context.Context, db samples, ms []*labels.Matcher, from, to time.Time, visit func(Series) error) error {
	mint, maxt := ceilMS(from), ceilMS(to)-1
	if mint > maxt {
		return nil
	}
	if to.Sub(from) > longRead {
		return rawLong(ctx, db, ms, mint, maxt, visit)
	}
	q, err := db.Querier(mint, maxt)
	if err != nil {
		return kit.Errorf(kit.Unavailable, "open samples: %w", err)
	}
	defer q.Close()
	b := buffers.Get().(*buffer)
	defer buffers.Put(b)
	set := q.Select(ctx, false, nil, ms...)
	for set.Next() {
		if err := b.read(ctx, set.At(), visit); err != nil {
			return err
		}
	}
	return readError(ctx, set.Err())
}

// readError classes the error that ended a reading; nil stays nil.
func readError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return kit.Errorf(kit.Unavailable, "read samples: %w", err)
}

// buffer is what a reading reuses from series to series.
type buffer struct {
	points []Point
	it     chunkenc.Iterator
}

var buffers = sync.Pool{New: func() any { return &buffer{points: make([]Point, 0, 64)} }}

// read hands one series to visit, sample by sample.
func (b *buffer) read(ctx context.Context, s storage.Series, visit func(Series) error) error {
	b.it = s.Iterator(b.it)
	b.points = b.points[:0]
	p := pieces{buffer: b, labels: s.Labels, visit: visit}
	for vt := b.it.Next(); vt != chunkenc.ValNone; vt = b.it.Next() {
		b.points = append(b.points, pointAt(b.it, vt))
		if err := p.full(ctx); err != nil {
			return err
		}
	}
	if err := b.it.Err(); err != nil {
		return kit.Errorf(kit.Unavailable, "decode samples of %s: %w", s.Labels(), err)
	}
	return p.flush()
}

// pieces hands the points of one series on, as many as belong into a piece.
type pieces struct {
	*buffer
	labels func() labels.Labels
	visit  func(Series) error
	ls     labels.Labels
	named  bool
}

// full hands on what was gathered when a piece is full.
func (p *pieces) full(ctx context.Context) error {
	if len(p.points) < PieceLen {
		return nil
	}
	if err := p.flush(); err != nil {
		return err
	}
	return ctx.Err()
}

func (p *pieces) flush() error {
	if len(p.points) == 0 {
		return nil
	}
	if !p.named {
		p.ls, p.named = p.labels(), true
	}
	err := p.visit(Series{Labels: p.ls, Points: p.points})
	p.points = p.points[:0]
	return err
}

func pointAt(it chunkenc.Iterator, vt chunkenc.ValueType) Point {
	if vt == chunkenc.ValFloat {
		t, v := it.At()
		return Point{T: t, V: v, ST: it.AtST()}
	}
	t, h := it.AtFloatHistogram(nil)
	return Point{T: t, V: h.Sum, ST: it.AtST(), H: h}
}

// ceilMS is the first millisecond that is not before t, so that half-open ranges of any resolution stay half-open.
func ceilMS(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}
