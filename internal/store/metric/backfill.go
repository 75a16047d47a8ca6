package metric

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
)

// BlockRange is how long a back-filled block is: a multiple of two hours by a power of three, so that the store's own
// compaction goes on from it.
const BlockRange = 54 * time.Hour

// BackfillBlocks writes history as TSDB blocks into dir, before a Store is opened there. For each stretch of at most
// BlockRange it calls fill, which adds the points of every series in [a, b), sorted by time; a series is added at most
// once a stretch, points outside of it are an error. It returns how many blocks were written; a stretch without points
// makes none. Blocks are complete or not there at all.
func BackfillBlocks(ctx context.Context, dir string, from, to time.Time, fill func(a, b time.Time, add func(labels.Labels, []Point) error) error) (int, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return 0, fmt.Errorf("create metric directory: %w", err)
	}
	n := 0
	for a := from; a.Before(to); {
		b := a.Truncate(BlockRange).Add(BlockRange)
		if b.After(to) {
			b = to
		}
		wrote, err := backfillBlock(ctx, dir, a, b, fill)
		if err != nil {
			return n, fmt.Errorf("back-fill block from %s: %w", a.UTC().Format(time.RFC3339), err)
		}
		if wrote {
			n++
		}
		a = b
	}
	return n, nil
}

func backfillBlock(ctx context.Context, dir string, a, b time.Time, fill func(a, b time.Time, add func(labels.Labels, []Point) error) error) (wrote bool, err error) {
	head, closeHead, err := blockHead(b.Sub(a))
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, closeHead()) }()
	mint, maxt := ceilMS(a), ceilMS(b)
	add := func(ls labels.Labels, points []Point) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if n := len(points); n > 0 && (points[0].T < mint || points[n-1].T >= maxt) {
			return fmt.Errorf("points of %s lie outside the stretch", ls)
		}
		return addPoints(ctx, head, ls, points)
	}
	if err := fill(a, b, add); err != nil {
		return false, err
	}
	if head.NumSeries() == 0 {
		return false, nil
	}
	quiet := slog.New(slog.DiscardHandler)
	c, err := tsdb.NewLeveledCompactor(ctx, nil, quiet, []int64{BlockRange.Milliseconds()}, chunkenc.NewPool(), nil)
	if err != nil {
		return false, fmt.Errorf("prepare block: %w", err)
	}
	ids, err := c.Write(dir, head, head.MinTime(), head.MaxTime()+1, nil)
	if err != nil {
		return false, fmt.Errorf("write block: %w", err)
	}
	return len(ids) > 0, nil
}

// blockHead is a head without logs that takes samples of a whole stretch in any order of series.
func blockHead(length time.Duration) (*tsdb.Head, func() error, error) {
	tmp, err := os.MkdirTemp("", "evenkeel-backfill-*")
	if err != nil {
		return nil, nil, fmt.Errorf("create folder for back-fill: %w", err)
	}
	o := tsdb.DefaultHeadOptions()
	o.ChunkRange = 2*length.Milliseconds() + 2 // half of it is how far apart samples may come
	o.ChunkDirRoot = tmp
	o.IsolationDisabled = true
	o.EnableSTStorage.Store(true)
	o.FloatChunkEncoding.Store(uint32(chunkenc.EncXOR2))
	o.EnableHistogramSTEncoding.Store(true)
	head, err := tsdb.NewHead(nil, slog.New(slog.DiscardHandler), nil, nil, o, tsdb.NewHeadStats())
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("prepare back-fill: %w", err), os.RemoveAll(tmp))
	}
	end := func() error { return errors.Join(head.Close(), os.RemoveAll(tmp)) }
	if err := head.Init(math.MinInt64); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return head, end, nil
}

func addPoints(ctx context.Context, head *tsdb.Head, ls labels.Labels, points []Point) error {
	app := head.AppenderV2(ctx)
	var ref storage.SeriesRef
	for _, p := range points {
		var err error
		if ref, err = app.Append(ref, ls, p.ST, p.T, p.V, nil, p.H, storage.AOptions{}); err != nil {
			return errors.Join(fmt.Errorf("add %s at %d: %w", ls, p.T, err), app.Rollback())
		}
	}
	return app.Commit()
}
