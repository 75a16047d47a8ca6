package metric

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"sync"

	"github.com/grafana/regexp"
	"github.com/prometheus/common/route"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/features"
	"github.com/prometheus/prometheus/util/notifications"
	v1 "github.com/prometheus/prometheus/web/api/v1"
)

// Handler serves the Prometheus HTTP API under /api/v1/...; mount it behind http.StripPrefix("/prometheus", ...).
// Queries, series, labels, metadata, targets, status, exemplars and remote read are Prometheus' own code; remote write
// and OTLP are its receivers with this store's limits in front. Admin calls answer that they are off.
func (s *Store) Handler() http.Handler {
	build := sync.OnceValue(func() http.Handler { // at the first question: it takes a while to write its OpenAPI document
		r := route.New()
		s.newAPI().Register(r)
		return http.StripPrefix("/api/v1", s.bounded(r))
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, r *http.Request) { build().ServeHTTP(w, r) })
	mux.HandleFunc("GET /api/v1/metadata", s.serveMetadata)
	mux.Handle("POST /api/v1/write", s.remoteWrite())
	mux.HandleFunc("POST /api/v1/otlp/v1/metrics", func(w http.ResponseWriter, r *http.Request) {
		serveOTLP(w, r, s.opt.Limits.BodyBytes, s.WriteOTLP)
	})
	return mux
}

// bounded keeps forms small: a query is text.
func (s *Store) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		next.ServeHTTP(w, r)
	})
}

// newAPI is the one place that knows the 40 positional parameters of Prometheus' API.
func (s *Store) newAPI() *v1.API {
	const (
		admin, search, agent, remoteWrite, otlp = false, true, false, false, false
		deltaToCumulative, nativeDelta          = false, true
		typeAndUnitLabels, appendMetadata, cost = false, true, false
		maxSearch, readConcurrency, readFrame   = 1000, 4, 1 << 20
	)
	readSamples := s.opt.Limits.QuerySamples
	return v1.NewAPI(
		s.engine, sampleAndChunkQueryable{s.db}, writer{s}, s.db,
		func(context.Context) v1.ScrapePoolsRetriever { return s.scraper.manager },
		func(context.Context) v1.TargetRetriever { return s.scraper.manager },
		func(context.Context) v1.AlertmanagerRetriever { return nothing{} },
		s.scraper.config, map[string]string{}, v1.GlobalURLOptions{Scheme: "http"},
		func(h http.HandlerFunc) http.HandlerFunc { return h },
		stats{s}, s.opt.Dir, admin, search, maxSearch, s.opt.Log.With("part", "prometheus api"),
		func(context.Context) v1.RulesRetriever { return nothing{} },
		readSamples, readConcurrency, readFrame, agent, regexp.MustCompile("^$"),
		s.runtimeInfo, &v1.PrometheusVersion{Version: "3.0.0+evenkeel-" + s.opt.Version, GoVersion: runtime.Version()},
		func() []notifications.Notification { return nil },
		func() (<-chan notifications.Notification, func(), bool) { return nil, func() {}, false },
		s.reg, s.reg, nil, remoteWrite, nil, otlp, deltaToCumulative, nativeDelta,
		lookback, typeAndUnitLabels, appendMetadata, nil, features.NewRegistry(), v1.OpenAPIOptions{},
		s.parser, cost, s.opt.Limits.QueryTime,
	)
}

func (s *Store) runtimeInfo() (v1.RuntimeInfo, error) {
	host, err := os.Hostname()
	if err != nil {
		return v1.RuntimeInfo{}, fmt.Errorf("read host name: %w", err)
	}
	return v1.RuntimeInfo{StartTime: s.started, ServerTime: s.opt.Now(), Hostname: host, ReloadConfigSuccess: true,
		GoroutineCount: runtime.NumGoroutine(), GOMAXPROCS: runtime.GOMAXPROCS(0),
		StorageRetention: s.opt.Retention.String()}, nil
}

// sampleAndChunkQueryable is the database as the API reads it.
type sampleAndChunkQueryable struct{ *tsdb.DB }

var _ storage.SampleAndChunkQueryable = sampleAndChunkQueryable{}

// stats shows the database to the status pages and keeps the admin calls away from it.
type stats struct{ s *Store }

var errAdmin = errors.New("admin calls are off")

func (d stats) Delete(context.Context, int64, int64, ...*labels.Matcher) error { return errAdmin }
func (d stats) CleanTombstones() error                                         { return errAdmin }
func (d stats) Snapshot(string, bool) error                                    { return errAdmin }
func (d stats) BlockMetas() ([]tsdb.BlockMeta, error)                          { return d.s.db.BlockMetas(), nil }
func (d stats) WALReplayStatus() (tsdb.WALReplayStatus, error)                 { return tsdb.WALReplayStatus{}, nil }
func (d stats) Stats(label string, limit int) (*tsdb.Stats, error) {
	return d.s.db.Head().Stats(label, limit), nil
}

// nothing stands for the parts of a Prometheus server that live elsewhere in this product: rules and alert delivery.
type nothing struct{}

func (nothing) Alertmanagers() []*url.URL            { return nil }
func (nothing) DroppedAlertmanagers() []*url.URL     { return nil }
func (nothing) RuleGroups() []*rules.Group           { return nil }
func (nothing) AlertingRules() []*rules.AlertingRule { return nil }

var _ v1.TSDBAdminStats = stats{}
