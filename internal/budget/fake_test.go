package budget_test

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"math"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/annotations"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// fakeSource is a metric store whose samples arrive when a test says so.
type fakeSource struct {
	series []*fakeSeries
	mark   int64 // of Advance
	late   func([]metric.Late)
	down   bool
	reads  int
}

type fakeSeries struct {
	labels labels.Labels
	points []metric.Point
}

func (f *fakeSource) add(ls labels.Labels) *fakeSeries {
	s := &fakeSeries{labels: ls}
	f.series = append(f.series, s)
	return s
}

// arrive stores a point as a TSDB does: the first at a time wins, and who has read past it hears of it.
func (f *fakeSource) arrive(s *fakeSeries, p metric.Point) {
	i, found := slices.BinarySearchFunc(s.points, p, func(a, b metric.Point) int { return cmp.Compare(a.T, b.T) })
	if found {
		return
	}
	s.points = slices.Insert(s.points, i, p)
	if f.late != nil && p.T <= f.mark {
		f.late([]metric.Late{{Labels: s.labels, T: p.T}})
	}
}

func (f *fakeSource) Advance(_ context.Context, at time.Time) error {
	f.mark = at.UnixMilli()
	return nil
}

func (f *fakeSource) Raw(_ context.Context, selector string, from, to time.Time, visit func(metric.Series) error) error {
	f.reads++
	if f.down {
		return kit.Errorf(kit.Unavailable, "connection refused")
	}
	ms, err := parser.NewParser(parser.Options{}).ParseMetricSelector(selector)
	if err != nil {
		return err
	}
	for _, s := range f.series {
		if !all(ms, s.labels) {
			continue
		}
		var ps []metric.Point
		for _, p := range s.points {
			if p.T >= from.UnixMilli() && p.T < to.UnixMilli() {
				ps = append(ps, p)
			}
		}
		if len(ps) == 0 {
			continue
		}
		if err := visit(metric.Series{Labels: s.labels, Points: ps}); err != nil {
			return err
		}
	}
	return nil
}

func all(ms []*labels.Matcher, ls labels.Labels) bool {
	for _, m := range ms {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

func (f *fakeSource) Series(ctx context.Context, selectors []string, from, to time.Time) ([]labels.Labels, error) {
	var out []labels.Labels
	for _, sel := range selectors {
		err := f.Raw(ctx, sel, from, to, func(s metric.Series) error {
			out = append(out, s.Labels)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (f *fakeSource) Query(context.Context, string, time.Time) (parser.Value, annotations.Annotations, error) {
	return nil, nil, errors.New("not asked in these tests")
}

// QueryRange answers the name of one series with its value at each step, NaN as no sample.
func (f *fakeSource) QueryRange(_ context.Context, expr string, from, to time.Time, step time.Duration) (promql.Matrix, error) {
	var out promql.Matrix
	for _, s := range f.series {
		if s.labels.Get("__name__") != expr {
			continue
		}
		row := promql.Series{Metric: s.labels.DropReserved(func(n string) bool { return n == model.MetricNameLabel })}
		for at := from.UnixMilli(); at <= to.UnixMilli(); at += step.Milliseconds() {
			for _, p := range s.points {
				if p.T == at {
					row.Floats = append(row.Floats, promql.FPoint{T: at, F: p.V})
				}
			}
		}
		out = append(out, row)
	}
	return out, nil
}

func (f *fakeSource) LabelNames(context.Context, []string, time.Time, time.Time) ([]string, error) {
	return nil, nil
}
func (f *fakeSource) LabelValues(context.Context, string, []string, time.Time, time.Time) ([]string, error) {
	return nil, nil
}
func (f *fakeSource) Metadata(context.Context, string) (map[string][]metric.Metadata, error) {
	return nil, nil
}

var stale = math.Float64frombits(value.StaleNaN)

// fakeLedger records facts once a key.
type fakeLedger struct {
	mu     sync.Mutex
	events []event.Event
	keys   map[string]int64
	again  int // facts that were there already
	now    time.Time
	down   bool
}

func (f *fakeLedger) Append(_ context.Context, b ledger.Batch) (ledger.Receipt, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var r ledger.Receipt
	if f.down {
		return r, kit.Errorf(kit.Unavailable, "the disk is full")
	}
	if f.keys == nil {
		f.keys = map[string]int64{}
	}
	for _, e := range b.Events {
		if err := e.Fact.Check(); err != nil {
			return r, err
		}
		seq, known := f.keys[e.Key]
		if !known {
			seq = int64(len(f.events) + 1)
			e.Seq, e.Kind, e.Seen = seq, e.Fact.Kind(), f.now
			f.events = append(f.events, e)
			f.keys[e.Key] = seq
		} else {
			f.again++
		}
		r.Seqs, r.Fresh, r.Last = append(r.Seqs, seq), append(r.Fresh, !known), max(r.Last, seq)
	}
	return r, nil
}

func (f *fakeLedger) Read(_ context.Context, after int64, kinds ...event.Kind) iter.Seq2[event.Event, error] {
	return func(yield func(event.Event, error) bool) {
		for _, e := range f.events {
			if e.Seq > after && slices.Contains(kinds, e.Kind) && !yield(e, nil) {
				return
			}
		}
	}
}

// record puts a fact into the ledger as somebody else would.
func (f *fakeLedger) record(t testing.TB, fact event.Fact, at time.Time) {
	t.Helper()
	f.now = at
	if _, err := f.Append(t.Context(), ledger.Batch{Events: []event.Event{{At: at, By: "user:ana", Key: kit.NewID(at), Fact: fact}}}); err != nil {
		t.Fatal(err)
	}
}

func (f *fakeLedger) of(kind event.Kind) []event.Event {
	var out []event.Event
	for _, e := range f.events {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// rig is an engine over fakes and a real count store.
type rig struct {
	t      testing.TB
	db     *db.DB
	src    *fakeSource
	facts  *fakeLedger
	engine *budget.Engine
	remote bool
	objs   []slo.Objective
	opt    budget.Options
}

func newRig(t testing.TB, d *db.DB, objectives ...slo.Objective) *rig {
	r := &rig{t: t, db: d, src: &fakeSource{}, facts: &fakeLedger{}, objs: objectives}
	return r
}

// start opens an engine over what is stored, as a new process would.
func (r *rig) start() {
	r.t.Helper()
	counts, err := count.Open(r.t.Context(), r.db)
	if err != nil {
		r.t.Fatal(err)
	}
	o := r.opt
	o.Counts, o.Facts = counts, r.facts
	s := budget.Source{Source: r.src}
	if !r.remote {
		s.Advance = r.src.Advance
	}
	o.Sources = map[string]budget.Source{"": s}
	if r.engine, err = budget.New(r.t.Context(), o); err != nil {
		r.t.Fatal(err)
	}
	r.src.late, r.src.mark = nil, math.MinInt64
	if !r.remote {
		r.src.late = r.engine.Late
	}
	r.engine.Apply(r.objs, map[string]string{})
}

func (r *rig) round(at time.Time) {
	r.t.Helper()
	r.facts.now = at
	if err := r.engine.Round(r.t.Context(), at, nil); err != nil {
		r.t.Fatal(err)
	}
}

// recordOnce records a fact under a key of its own.
func (f *fakeLedger) recordOnce(t testing.TB, key string, fact event.Fact, at time.Time) {
	t.Helper()
	now := f.now
	f.now = at
	if _, err := f.Append(t.Context(), ledger.Batch{Events: []event.Event{{At: at, By: "user:ana", Key: key, Fact: fact}}}); err != nil {
		t.Fatal(err)
	}
	f.now = now
}
