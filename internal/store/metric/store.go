package metric

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/compression"
)

// Store is the embedded metric store: a TSDB directory, the PromQL engine over it, and the doors into both. A sample
// whose append returned nil survives kill -9; power loss may cost about the last second.
type Store struct {
	opt      Options
	db       *tsdb.DB
	engine   *promql.Engine
	parser   parser.Parser
	reg      *prometheus.Registry
	guard    *guard
	space    *space
	late     watermark
	known    families
	met      metSeries
	parsed   selectors
	otlp     converters
	scraper  *scraper
	started  time.Time
	appended atomic.Int64

	stop   context.CancelFunc
	wg     sync.WaitGroup
	closed func() error
}

// Open opens or creates the store in o.Dir and starts its upkeep. It recovers by itself: a damaged write-ahead log is
// cut at the first unreadable record and reported to o.OnRepair. Close it to end.
func Open(ctx context.Context, o Options) (*Store, error) {
	o.setDefaults()
	if err := os.MkdirAll(o.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("create metric directory: %w", err)
	}
	s := &Store{opt: o, reg: prometheus.NewRegistry(), started: o.Now()}
	s.parser = parser.NewParser(parser.Options{})
	s.parsed.parser = s.parser
	s.guard = newGuard(o.Limits)
	s.space = newSpace(o.Dir, o.MinFree, o.Now)
	db, err := tsdb.Open(o.Dir, o.Log.With("part", "tsdb"), s.reg, s.tsdbOptions(), nil)
	if err != nil {
		return nil, fmt.Errorf("open metric store in %s: %w", o.Dir, err)
	}
	s.db = db
	s.guard.enforce()
	s.engine = newEngine(o, s.parser, s.reg)
	if err := s.reportRepair(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	s.scraper, err = newScraper(s)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	upkeep, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.wg.Go(func() { s.keepSynced(upkeep) })
	s.closed = sync.OnceValue(func() error {
		s.scraper.close()
		s.stop()
		s.wg.Wait()
		return errors.Join(s.engine.Close(), s.db.Close())
	})
	return s, nil
}

// Close ends scraping and upkeep, and flushes and closes the files. A second call gives the answer of the first.
func (s *Store) Close() error { return s.closed() }

// Metrics are the store's own: prometheus_tsdb_..., prometheus_engine_..., scrape and remote write counters.
func (s *Store) Metrics() prometheus.Gatherer { return s.reg }

func (s *Store) tsdbOptions() *tsdb.Options {
	o := tsdb.DefaultOptions()
	o.RetentionDuration = s.opt.Retention.Milliseconds()
	o.MaxBytes = s.opt.MaxBytes
	o.MaxBlockDuration = max(o.MinBlockDuration, min(31*day, s.opt.Retention/10).Milliseconds())
	o.OutOfOrderTimeWindow = s.opt.OutOfOrder.Milliseconds()
	o.WALCompression = compression.Snappy
	o.EnableExemplarStorage = true
	o.MaxExemplars = int64(s.opt.Exemplars)
	o.SeriesLifecycleCallback = s.guard
	// Start times are kept beside the samples: a counter that began between two reads is counted from zero.
	o.EnableSTStorage = true
	o.FloatChunkEncoding = chunkenc.EncXOR2
	o.EnableHistogramSTEncoding = true
	return o
}

// walDirs are the folders whose newest segments hold what was accepted last.
func (s *Store) walDirs() []string {
	return []string{filepath.Join(s.opt.Dir, "wal"), filepath.Join(s.opt.Dir, "wbl")}
}
