package metric

import (
	"context"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"

	"evenkeel.dev/evenkeel/internal/kit"
)

// longRead is from how long a stretch on samples are read chunk by chunk: half the price of a sample, but a chunk at
// either end is decoded in vain.
const longRead = 3 * time.Hour

// samples is where both kinds of reading come from; *tsdb.DB is one.
type samples interface {
	storage.Queryable
	storage.ChunkQueryable
}

// rawLong is rawFrom for long stretches: whole chunks are decoded where they lie, and what is outside [mint, maxt] is
// passed over. Overlapping chunks of samples that came late are merged by the store.
func rawLong(ctx context.Context, db storage.ChunkQueryable, ms []*labels.Matcher, mint, maxt int64, visit func(Series) error) error {
	q, err := db.ChunkQuerier(mint, maxt)
	if err != nil {
		return kit.Errorf(kit.Unavailable, "open samples: %w", err)
	}
	defer q.Close()
	b := buffers.Get().(*buffer)
	defer buffers.Put(b)
	set := q.Select(ctx, false, &storage.SelectHints{Start: mint, End: maxt, DisableTrimming: true}, ms...)
	var it chunks.Iterator
	for set.Next() {
		s := set.At()
		p := pieces{buffer: b, labels: s.Labels, visit: visit}
		b.points = b.points[:0]
		for it = s.Iterator(it); it.Next(); {
			if err := p.chunk(ctx, it.At(), mint, maxt); err != nil {
				return err
			}
		}
		if err := it.Err(); err != nil {
			return kit.Errorf(kit.Unavailable, "read samples of %s: %w", s.Labels(), err)
		}
		if err := p.flush(); err != nil {
			return err
		}
	}
	return readError(ctx, set.Err())
}

// chunk gathers the points of one chunk that lie in [mint, maxt].
func (p *pieces) chunk(ctx context.Context, c chunks.Meta, mint, maxt int64) error {
	p.it = c.Chunk.Iterator(p.it)
	for vt := p.it.Next(); vt != chunkenc.ValNone; vt = p.it.Next() {
		if vt == chunkenc.ValFloat {
			t, v := p.it.At()
			if t < mint || t > maxt {
				continue
			}
			p.points = append(p.points, Point{T: t, V: v, ST: p.it.AtST()})
		} else if t := p.it.AtT(); t >= mint && t <= maxt {
			p.points = append(p.points, pointAt(p.it, vt))
		}
		if err := p.full(ctx); err != nil {
			return err
		}
	}
	if err := p.it.Err(); err != nil {
		return kit.Errorf(kit.Unavailable, "decode samples of %s: %w", p.labels(), err)
	}
	return nil
}
