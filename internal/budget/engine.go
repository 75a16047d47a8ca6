package budget

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// Options of New. Counts, Facts and Sources are required.
type Options struct {
	Counts  *count.Store
	Facts   Ledger
	Sources map[string]Source // by name; "" is the default one
	Read    db.Q              // the ledger's projections, for what days were closed with before; nil = they never were
	Zone    *time.Location    // days of measures and strips; nil = UTC
	History time.Duration     // how far back the history of a new objective is read at least; 0 = 60 days
	Spare   time.Duration     // wall time a round may spend on history, proofs and new counts; 0 = 20 s
	Results Results           // where result series go; nil = nowhere
	Sloth   bool              // write result series under Sloth's names too
	Log     *slog.Logger      // nil = discard
	Now     func() time.Time  // measures what a round takes; nil = time stands still, and Spare has no end
}

// Source is a metric source and how to treat it.
type Source struct {
	metric.Source
	// Advance, of the embedded store, says that samples up to an instant are about to be read; Late hears about those
	// that come after. Nil for others: their last ten minutes are read again each round.
	Advance func(ctx context.Context, at time.Time) error
}

// Engine evaluates all objectives. Apply, Late and Now may be called from any goroutine; Round from one.
type Engine struct {
	opt     Options
	counts  *count.Store
	log     *slog.Logger
	sources map[string]*source

	mu      sync.Mutex // guards what the next round takes in
	pending *directory
	late    []metric.Late

	// All below belong to the goroutine that runs rounds.
	tick        tickMark    // as stored, once its facts are recorded
	done        slo.Instant // the last tick that was evaluated by this process
	fence       int64       // of the lease under which the last round ran
	stale       bool        // memory is not to be trusted; see restart
	current     *directory
	entries     []count.Entry    // scratch
	gone        []*track         // removed, their marks not stored yet
	fired       map[string]int64 // seq of alert.fired by alert
	marks       map[string]trackMark
	tracks      []*track
	problems    []kit.Problem
	names       map[string][]*track // by metric name that their selectors ask for
	facts       []event.Event       // concluded and not in the ledger yet
	corrections corrections
	watched     watch
	snapshot    atomic.Pointer[Snapshot]

	histories histories // for questions about the past, from any goroutine
}

// directory is the objectives in force.
type directory struct {
	objectives []slo.Objective
	agreed     map[string]string
}

// source is a Source with what the evaluation knows about it.
type source struct {
	Source
	name   string
	failed error   // in this round
	asked  bool    // in this round, and it answered
	down   gapMark // From 0 = it answers
}

// keep is how long samples are held in memory: a source that tells what comes late needs them only for births under watch,
// one whose last minutes are read again must know them again.
func (s *source) keep() time.Duration {
	if s.Advance != nil {
		return 10 * time.Minute
	}
	return slo.Keep
}

// New reads where the evaluation stood. No objective is evaluated before Apply and a Round.
func New(ctx context.Context, o Options) (*Engine, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.History == 0 {
		o.History = 60 * 24 * time.Hour
	}
	if o.Spare == 0 {
		o.Spare = 20 * time.Second
	}
	if o.Now == nil {
		o.Now = func() time.Time { return time.Time{} }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{opt: o, counts: o.Counts, log: o.Log, sources: map[string]*source{}, fired: map[string]int64{}}
	notes, err := o.Counts.Marks(ctx)
	if err != nil {
		return nil, err
	}
	if e.tick, e.marks, err = readMarks(notes); err != nil {
		return nil, err
	}
	for name, s := range o.Sources {
		e.sources[name] = &source{Source: s, name: name, down: e.tick.Sources[name]}
	}
	e.snapshot.Store(&Snapshot{})
	return e, nil
}

// Apply hands over the objectives in force, with the version of each agreement by name; the next round takes them.
func (e *Engine) Apply(objectives []slo.Objective, agreed map[string]string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pending = &directory{slices.Clone(objectives), agreed}
}

// Late is metric.Options.OnLate: series that got samples in a stretch already read.
func (e *Engine) Late(series []metric.Late) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.late = append(e.late, series...)
}

// Now is how all objectives stand after the last round; never nil.
func (e *Engine) Now() *Snapshot { return e.snapshot.Load() }

// take brings the tracks to the objectives in force.
func (e *Engine) take(at slo.Instant) []event.Event {
	e.mu.Lock()
	d := e.pending
	e.pending = nil
	e.mu.Unlock()
	if d == nil {
		return nil
	}
	e.current = d
	old := map[string]*track{}
	for _, t := range e.tracks {
		old[t.plan.Objective.Name] = t
		e.marks[t.plan.Objective.Name] = t.mark
	}
	e.tracks, e.problems, e.names = nil, nil, map[string][]*track{}
	var facts []event.Event
	for _, o := range d.objectives {
		t, err := e.adopt(o, d.agreed[o.Name], old[o.Name], at)
		if err != nil {
			e.problems = append(e.problems, kit.Problem{File: o.File, Line: o.Line, Severity: kit.SeverityError, Rule: "slo-not-evaluated",
				Msg: fmt.Sprintf("objective %s is not evaluated: %v", o.Name, err)})
			continue
		}
		delete(old, o.Name)
		e.tracks = append(e.tracks, t)
		for _, name := range t.intake.names {
			e.names[name] = append(e.names[name], t)
		}
	}
	slices.SortFunc(e.tracks, func(a, b *track) int { return compare(a.plan.Objective.Name, b.plan.Objective.Name) })
	for _, t := range old {
		facts = append(facts, t.remove(at)...)
		e.marks[t.plan.Objective.Name] = t.mark
		e.gone = append(e.gone, t)
	}
	return facts
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// adopt is the track of an objective: the running one where nothing changed.
func (e *Engine) adopt(o slo.Objective, agreed string, was *track, at slo.Instant) (*track, error) {
	if was != nil && was.digest == digestOf(o) {
		was.agreed = agreed
		return was, nil
	}
	if o.Tier < 0 {
		o.Tier = 1
	}
	name := o.Indicator.Metrics
	src := e.sources[name]
	if src == nil {
		return nil, kit.Errorf(kit.NotFound, "metric source %q is not configured", name)
	}
	t, err := newTrack(o, agreed, e.marks[o.Name], at)
	if err != nil {
		return nil, err
	}
	t.source = src
	t.corrections = e.corrections.of(o.Name)
	if was != nil {
		t.proof = was.proof
	}
	return t, nil
}

// remove ends what fires of an objective that is gone.
func (t *track) remove(at slo.Instant) []event.Event {
	var out []event.Event
	for _, name := range sortedKeys(t.groups) {
		g := t.groups[name]
		for _, rule := range sortedKeys(g.mark.Firing) {
			out = append(out, g.endedBy(rule, at, "removed"))
		}
		g.mark.Firing = nil
		t.keep(g)
	}
	if t.mark.Behind == 0 && t.seeded {
		t.mark.Behind = t.through
	}
	t.dirty = true
	return out
}

// Ledger is where conclusions go and corrections come from; *ledger.Ledger is one.
type Ledger interface {
	Append(ctx context.Context, b ledger.Batch) (ledger.Receipt, error)
	Read(ctx context.Context, after int64, kinds ...event.Kind) iter.Seq2[event.Event, error]
}
