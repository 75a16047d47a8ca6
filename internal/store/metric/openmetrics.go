package metric

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

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
	_, err = BackfillBlocks(ctx, sandbox, slices.Values(all))
	if err != nil {
		return nil, errors.Join(kit.Errorf(kit.Invalid, "read %s: %w", file, err), os.RemoveAll(sandbox))
	}
	return openSandbox(sandbox, file, log)
}

func readOpenMetrics(file string) ([]Series, error) {
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
func parseOpenMetrics(text []byte) ([]Series, error) {
	p := textparse.NewOpenMetricsParser(text, labels.NewSymbolTable())
	index := map[string]int{}
	var all []Series
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
		i, ok := index[string(name)]
		if !ok {
			i = len(all)
			index[string(name)] = i
			var ls labels.Labels
			p.Labels(&ls)
			all = append(all, Series{Labels: ls.Copy()})
		}
		all[i].Points = append(all[i].Points, Point{T: *t, V: v})
	}
	return merge(all), nil
}

// merge joins series that are the same but for how their labels were written, and sorts their points.
func merge(all []Series) []Series {
	slices.SortStableFunc(all, func(a, b Series) int { return labels.Compare(a.Labels, b.Labels) })
	out := all[:0]
	for _, s := range all {
		if n := len(out); n > 0 && labels.Equal(out[n-1].Labels, s.Labels) {
			out[n-1].Points = append(out[n-1].Points, s.Points...)
			continue
		}
		out = append(out, s)
	}
	for i := range out {
		slices.SortStableFunc(out[i].Points, func(a, b Point) int { return cmp.Compare(a.T, b.T) })
		out[i].Points = slices.CompactFunc(out[i].Points, func(a, b Point) bool { return a.T == b.T })
	}
	return out
}
