package metric

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/annotations"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Files is a Source over files that it only reads: the data directory of a Prometheus or of this program, running or
// not, or an OpenMetrics text file.
type Files struct {
	db      *tsdb.DB
	engine  *promql.Engine
	parsed  selectors
	sandbox string
}

// OpenBlocks opens a TSDB directory: blocks, and the samples that are still in its logs. Nothing is written there; what
// opening has to write goes to a temporary folder of links.
func OpenBlocks(dir string, log *slog.Logger) (*Files, error) {
	if log == nil {
		log = slog.Default()
	}
	sandbox, err := os.MkdirTemp("", "evenkeel-blocks-*")
	if err != nil {
		return nil, fmt.Errorf("create folder for reading blocks: %w", err)
	}
	linked, err := linkTree(dir, sandbox)
	if err != nil {
		return nil, errors.Join(kit.Errorf(kit.Invalid, "read metric directory %s: %w", dir, err), os.RemoveAll(sandbox))
	}
	if linked == 0 {
		return nil, errors.Join(kit.Errorf(kit.Invalid, "%s holds no TSDB blocks and no write-ahead log", dir), os.RemoveAll(sandbox))
	}
	return openSandbox(sandbox, dir, log)
}

func openSandbox(sandbox, name string, log *slog.Logger) (*Files, error) {
	o := tsdb.DefaultOptions()
	o.RetentionDuration = (200 * 365 * day).Milliseconds() // keep what is there
	db, err := tsdb.Open(sandbox, log.With("part", "tsdb"), nil, o, nil)
	if err != nil {
		return nil, errors.Join(kit.Errorf(kit.Invalid, "open metric directory %s: %w", name, err), os.RemoveAll(sandbox))
	}
	db.DisableCompactions()
	var eo Options
	eo.setDefaults()
	f := &Files{db: db, sandbox: sandbox}
	f.parsed.parser = parser.NewParser(parser.Options{})
	f.engine = newEngine(eo, f.parsed.parser, nil)
	return f, nil
}

// linkTree mirrors the folders of a TSDB and links its files. It returns how many it linked.
func linkTree(from, to string) (int, error) {
	from, err := filepath.Abs(from)
	if err != nil {
		return 0, err
	}
	n := 0
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		switch name := d.Name(); {
		case d.IsDir() && rel == ".":
			return nil
		case d.IsDir() && filepath.Dir(rel) == "." && !isTSDBFolder(name):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o750)
		case filepath.Dir(rel) == ".": // lock, queries.active, whatever else lies there
			return nil
		}
		n++
		return os.Symlink(path, filepath.Join(to, rel))
	})
	return n, err
}

// isTSDBFolder knows the logs and blocks, which are named by 26 characters of base 32.
func isTSDBFolder(name string) bool {
	return name == "wal" || name == "wbl" || name == "chunks_head" || len(name) == 26 && filepath.Ext(name) == ""
}

// Close ends reading and removes the temporary folder.
func (f *Files) Close() error {
	return errors.Join(f.engine.Close(), f.db.Close(), os.RemoveAll(f.sandbox))
}

// Extent is the time between the oldest and the newest sample; both zero when there is none.
func (f *Files) Extent() (from, to time.Time) {
	mint, maxt := f.db.Head().MinTime(), f.db.Head().MaxTime()
	for _, b := range f.db.Blocks() {
		mint, maxt = min(mint, b.Meta().MinTime), max(maxt, b.Meta().MaxTime-1)
	}
	if mint > maxt {
		return time.Time{}, time.Time{}
	}
	return time.UnixMilli(mint).UTC(), time.UnixMilli(maxt).UTC()
}

// Query implements Source.
func (f *Files) Query(ctx context.Context, expr string, at time.Time) (parser.Value, annotations.Annotations, error) {
	return evaluate(ctx, f.engine, f.db, expr, at)
}

// QueryRange implements Source.
func (f *Files) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) (promql.Matrix, error) {
	return evaluateRange(ctx, f.engine, f.db, expr, from, to, step)
}

// Raw implements Source.
func (f *Files) Raw(ctx context.Context, selector string, from, to time.Time, visit func(Series) error) error {
	ms, err := f.parsed.get(selector)
	if err != nil {
		return err
	}
	return rawFrom(ctx, f.db, ms, from, to, visit)
}

// Series implements Source.
func (f *Files) Series(ctx context.Context, sel []string, from, to time.Time) ([]labels.Labels, error) {
	return seriesOf(ctx, f.db, &f.parsed, sel, from, to)
}

// LabelNames implements Source.
func (f *Files) LabelNames(ctx context.Context, sel []string, from, to time.Time) ([]string, error) {
	return namesOf(f.db, &f.parsed, sel, from, to, labelNames(ctx))
}

// LabelValues implements Source.
func (f *Files) LabelValues(ctx context.Context, name string, sel []string, from, to time.Time) ([]string, error) {
	return namesOf(f.db, &f.parsed, sel, from, to, labelValues(ctx, name))
}

// Metadata implements Source: blocks hold none.
func (f *Files) Metadata(context.Context, string) (map[string][]Metadata, error) {
	return map[string][]Metadata{}, nil
}

var _, _, _ Source = (*Store)(nil), (*Remote)(nil), (*Files)(nil)
