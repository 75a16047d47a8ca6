package probe

import (
	"context"
	"hash/fnv"
	"log/slog"
	"math"
	"reflect"
	"sync"
	"time"

	"github.com/prometheus/prometheus/model/value"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Runner runs declared probes, each at its interval, and hands the samples on.
type Runner struct {
	net   Network
	sink  func(context.Context, []kit.Sample) error
	now   func() time.Time
	log   *slog.Logger
	run   func(context.Context, *check) Result
	turns chan struct{} // bounds how many run at once

	mu      sync.Mutex
	closed  bool
	running map[string]*loop

	seen sync.Mutex // apart from mu, which Apply holds while it waits for runs to end
	last map[string]Result
}

const maxAtOnce = 64

// NewRunner prepares a runner; Apply starts it. sink takes the samples of one run; an error is logged and the run lost.
func NewRunner(n Network, sink func(context.Context, []kit.Sample) error, now func() time.Time, log *slog.Logger) *Runner {
	r := &Runner{net: n, sink: sink, now: now, log: log, turns: make(chan struct{}, maxAtOnce),
		running: map[string]*loop{}, last: map[string]Result{}}
	r.run = func(ctx context.Context, c *check) Result { return c.run(ctx, n, now()) }
	return r
}

// loop is one probe that is running.
type loop struct {
	probe Probe
	stop  context.CancelFunc
	over  chan struct{}
}

// Apply puts a new list in force: probes that stay the same go on undisturbed, the series of those that went are
// marked stale. A wrong probe is kit.Invalid, and the old list stays in force.
func (r *Runner) Apply(probes []Probe) error {
	want := map[string]*check{}
	for _, p := range probes {
		c, err := prepare(p)
		if err != nil {
			return err
		}
		if want[p.Name] != nil {
			return kit.Errorf(kit.Invalid, "probe %q is declared twice", p.Name)
		}
		want[p.Name] = c
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return kit.Errorf(kit.Unavailable, "probes are stopped")
	}
	for name, l := range r.running {
		if c := want[name]; c != nil && reflect.DeepEqual(c.Probe, l.probe) {
			delete(want, name)
			continue
		}
		l.end()
		delete(r.running, name)
		if want[name] == nil {
			r.retire(l.probe)
		}
	}
	for name, c := range want {
		ctx, stop := context.WithCancel(context.Background())
		l := &loop{c.Probe, stop, make(chan struct{})}
		r.running[name] = l
		go func() {
			defer close(l.over)
			r.loop(ctx, c)
		}()
	}
	return nil
}

func (l *loop) end() {
	l.stop()
	<-l.over
}

// Close stops all probes and waits for those under way.
func (r *Runner) Close() {
	r.mu.Lock()
	r.closed = true
	loops := r.running
	r.running = map[string]*loop{}
	r.mu.Unlock()
	for _, l := range loops {
		l.stop()
	}
	for _, l := range loops {
		<-l.over
	}
}

// Last is the latest result of a probe; false before its first run.
func (r *Runner) Last(name string) (Result, bool) {
	r.seen.Lock()
	defer r.seen.Unlock()
	res, ok := r.last[name]
	return res, ok
}

// loop runs a probe at once, and then at its own offset within the interval, so that probes do not run together.
func (r *Runner) loop(ctx context.Context, c *check) {
	h := fnv.New64a()
	_, _ = h.Write([]byte(c.Name))
	offset := time.Duration(h.Sum64() % uint64(c.Interval))
	for {
		select {
		case <-ctx.Done():
			return
		case r.turns <- struct{}{}:
		}
		r.once(ctx, c)
		<-r.turns
		now := r.now()
		next := now.Add(-offset).Truncate(c.Interval).Add(c.Interval + offset)
		timer := time.NewTimer(next.Sub(now))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

func (r *Runner) once(ctx context.Context, c *check) {
	res := r.run(ctx, c)
	if ctx.Err() != nil {
		return // stopped in the middle: no verdict
	}
	if err := r.sink(ctx, res.Samples(c.Probe)); err != nil {
		r.log.Warn("probe result is lost", "probe", c.Name, "err", err)
	}
	r.seen.Lock()
	defer r.seen.Unlock()
	r.last[c.Name] = res
}

// retire ends the series of a probe that is no longer declared.
func (r *Runner) retire(p Probe) {
	last, ran := r.Last(p.Name)
	if !ran {
		return
	}
	r.seen.Lock()
	delete(r.last, p.Name)
	r.seen.Unlock()
	gone := last.Samples(p)
	for i := range gone {
		gone[i].TimeMS, gone[i].Value = r.now().UnixMilli(), math.Float64frombits(value.StaleNaN)
	}
	if err := r.sink(context.Background(), gone); err != nil {
		r.log.Warn("staleness of a removed probe is lost", "probe", p.Name, "err", err)
	}
}
