package metric

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"slices"
	"sort"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"

	"evenkeel.dev/evenkeel/internal/kit"
)

const (
	maxTextBytes   = 2 << 30
	maxTextSamples = 20_000_000
)

// OpenOpenMetrics opens a text file in OpenMetrics 1.0 form with a timestamp at each sample, as `promtool tsdb dump-openmetrics`
// writes it. Samples may stand in any order; of two at one time the first counts. The file is turned into blocks in a
// temporary folder.
func OpenOpenMetrics(ctx context.Context, file string, log *slog.Logger) (*Files, error) {
	if log == nil {
		log = slog.Default()
	}
	all, err := readOpenMetrics(file)
	if err != nil {
		return nil, err
	}
	sandbox, err := os.MkdirTemp("", "evenkeel-openmetrics-*")
	if err != nil {
		return nil, fmt.Errorf("create folder for samples: %w", err)
	}
	from, to := extent(all)
	_, err = BackfillBlocks(ctx, sandbox, from, to, func(a, b time.Time, add func(labels.Labels, []Point) error) error {
		for _, s := range all {
			if piece := within(s.Points, a, b); len(piece) > 0 {
				if err := add(s.Labels, piece); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(kit.Errorf(kit.Invalid, "read %s: %w", file, err), os.RemoveAll(sandbox))
	}
	return openSandbox(sandbox, file, log)
}

func readOpenMetrics(file string) ([]*Series, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, kit.Errorf(kit.Invalid, "open OpenMetrics file: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxTextBytes+1))
	if err != nil {
		return nil, kit.Errorf(kit.Invalid, "read OpenMetrics file: %w", err)
	}
	if len(text) > maxTextBytes {
		return nil, kit.Errorf(kit.TooLarge, "%s is larger than %s; write it as blocks with promtool and use those", file, bytesText(maxTextBytes))
	}
	all, err := parseOpenMetrics(text)
	if err != nil {
		return nil, kit.Errorf(kit.Invalid, "read %s: %w", file, err)
	}
	return all, nil
}

// parseOpenMetrics collects the samples of a text by series, sorted by time.
func parseOpenMetrics(text []byte) ([]*Series, error) {
	p := textparse.NewOpenMetricsParser(text, labels.NewSymbolTable())
	bySeries := map[string]*Series{}
	var order []*Series
	n := 0
	for {
		kind, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("after %d samples: %s", n, cut(err.Error(), 300))
		}
		if kind != textparse.EntrySeries {
			continue
		}
		name, t, v := p.Series()
		if t == nil {
			return nil, fmt.Errorf("sample %s has no timestamp; history needs one at each sample", shorten(string(name)))
		}
		if n++; n > maxTextSamples {
			return nil, fmt.Errorf("more than %d samples; write the file as blocks with promtool and use those", maxTextSamples)
		}
		s := bySeries[string(name)]
		if s == nil {
			s = new(Series)
			p.Labels(&s.Labels)
			s.Labels = s.Labels.Copy()
			bySeries[string(name)] = s
			order = append(order, s)
		}
		s.Points = append(s.Points, Point{T: *t, V: v})
	}
	for _, s := range order {
		slices.SortStableFunc(s.Points, func(a, b Point) int { return cmp.Compare(a.T, b.T) })
		s.Points = slices.CompactFunc(s.Points, func(a, b Point) bool { return a.T == b.T })
	}
	return merge(order), nil
}

// merge joins series that are the same but for how their labels were written.
func merge(all []*Series) []*Series {
	slices.SortStableFunc(all, func(a, b *Series) int { return labels.Compare(a.Labels, b.Labels) })
	out := all[:0]
	for _, s := range all {
		if n := len(out); n > 0 && labels.Equal(out[n-1].Labels, s.Labels) {
			last := out[n-1]
			last.Points = append(last.Points, s.Points...)
			slices.SortStableFunc(last.Points, func(a, b Point) int { return cmp.Compare(a.T, b.T) })
			last.Points = slices.CompactFunc(last.Points, func(a, b Point) bool { return a.T == b.T })
			continue
		}
		out = append(out, s)
	}
	return out
}

// extent is the half-open range that holds all samples; empty without any.
func extent(all []*Series) (from, to time.Time) {
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, s := range all {
		first, last = min(first, s.Points[0].T), max(last, s.Points[len(s.Points)-1].T)
	}
	if first > last {
		return time.Time{}, time.Time{}
	}
	return time.UnixMilli(first), time.UnixMilli(last + 1)
}

// within is the part of sorted points in [a, b).
func within(points []Point, a, b time.Time) []Point {
	i := sort.Search(len(points), func(i int) bool { return points[i].T >= ceilMS(a) })
	j := sort.Search(len(points), func(i int) bool { return points[i].T >= ceilMS(b) })
	return points[i:j]
}
