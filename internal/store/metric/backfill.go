package metric

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math"
	"os"
	"slices"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// BlockRange is how long a back-filled block is, aligned to the epoch: two hours by a power of three, so that the store's
// own compaction goes on from it.
const BlockRange = 54 * time.Hour

// BackfillBlocks writes history as TSDB blocks into dir, before a Store is opened there, and returns how many. Series
// come in pieces as Source.Raw gives them: those of one series in order of time, those of different series in any
// order; points are not kept beyond the step of the iteration. All of it is held compressed in memory, about 2 bytes a
// sample. A block is complete or not there at all; without points there is none.
func BackfillBlocks(ctx context.Context, dir string, series iter.Seq[Series]) (n int, err error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return 0, fmt.Errorf("create metric directory: %w", err)
	}
	blocks := map[int64]*block{}
	defer func() {
		for _, b := range blocks {
			err = errors.Join(err, b.close())
		}
	}()
	for s := range series {
		if err := fillBlocks(ctx, blocks, s); err != nil {
			return 0, fmt.Errorf("back-fill %s: %w", s.Labels, err)
		}
	}
	for _, start := range slices.Sorted(maps.Keys(blocks)) {
		if err := blocks[start].write(ctx, dir); err != nil {
			return n, fmt.Errorf("write block from %s: %w", time.UnixMilli(start).UTC().Format(time.RFC3339), err)
		}
		n++
	}
	return n, nil
}

// fillBlocks spreads a piece over the blocks that its times belong to.
func fillBlocks(ctx context.Context, blocks map[int64]*block, s Series) error {
	length := BlockRange.Milliseconds()
	for i := 1; i < len(s.Points); i++ {
		if s.Points[i].T <= s.Points[i-1].T {
			return fmt.Errorf("the point at %d comes after that at %d", s.Points[i].T, s.Points[i-1].T)
		}
	}
	for points := s.Points; len(points) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		start := points[0].T - (points[0].T%length+length)%length
		n := sort.Search(len(points), func(i int) bool { return points[i].T >= start+length })
		b := blocks[start]
		if b == nil {
			var err error
			if b, err = newBlock(); err != nil {
				return err
			}
			blocks[start] = b
		}
		if err := b.add(ctx, s.Labels, points[:n]); err != nil {
			return err
		}
		points = points[n:]
	}
	return nil
}

// block is a block in the making: a head without logs that takes samples in any order of series.
type block struct {
	head *tsdb.Head
	dir  string // for its chunks
}

func newBlock() (*block, error) {
	tmp, err := os.MkdirTemp("", "evenkeel-backfill-*")
	if err != nil {
		return nil, fmt.Errorf("create folder for back-fill: %w", err)
	}
	o := tsdb.DefaultHeadOptions()
	o.ChunkRange = 2 * BlockRange.Milliseconds() // half of it is how far apart samples may come
	o.ChunkDirRoot = tmp
	o.StripeSize = 512
	o.IsolationDisabled = true
	o.EnableSTStorage.Store(true)
	o.FloatChunkEncoding.Store(uint32(chunkenc.EncXOR2))
	o.EnableHistogramSTEncoding.Store(true)
	head, err := tsdb.NewHead(nil, slog.New(slog.DiscardHandler), nil, nil, o, tsdb.NewHeadStats())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare back-fill: %w", err), os.RemoveAll(tmp))
	}
	b := &block{head, tmp}
	if err := head.Init(math.MinInt64); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare back-fill: %w", err), b.close())
	}
	return b, nil
}

func (b *block) close() error { return errors.Join(b.head.Close(), os.RemoveAll(b.dir)) }

func (b *block) add(ctx context.Context, ls labels.Labels, points []Point) error {
	app := b.head.AppenderV2(ctx)
	var ref storage.SeriesRef
	for _, p := range points {
		var err error
		if ref, err = app.Append(ref, ls, p.ST, p.T, p.V, nil, p.H, storage.AOptions{}); err != nil {
			return errors.Join(fmt.Errorf("at %d: %w", p.T, err), app.Rollback())
		}
	}
	return app.Commit()
}

func (b *block) write(ctx context.Context, dir string) error {
	quiet := slog.New(slog.DiscardHandler)
	c, err := tsdb.NewLeveledCompactor(ctx, nil, quiet, []int64{BlockRange.Milliseconds()}, chunkenc.NewPool(), nil)
	if err != nil {
		return err
	}
	_, err = c.Write(dir, b.head, b.head.MinTime(), b.head.MaxTime()+1, nil)
	return err
}
