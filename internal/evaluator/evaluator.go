// Package evaluator runs what concludes on a tick: one goroutine, whole minutes, under a lease, so that of several
// replicas one concludes and a frozen one cannot.
package evaluator

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Evaluator is one thing that concludes on a tick.
type Evaluator struct {
	Name string // of its lease, "slo"
	// Run evaluates everything up to the whole minute at now, whatever was missed since the last run included; the same
	// minute twice does nothing. The fence belongs into every append.
	Run func(ctx context.Context, now time.Time, fence *ledger.Fence) error
	// Watch shows what the process that leads has stored, where this one does not lead; called every few seconds then. May
	// be nil.
	Watch func(ctx context.Context) error
	// Stop stores where the evaluation stands; called once after the last Run, where there was one. May be nil.
	Stop func(ctx context.Context) error
}

// Leases hands out named leases; *db.DB is one.
type Leases interface {
	Lease(ctx context.Context, name, holder string, ttl time.Duration, now time.Time) (fence int64, ok bool, err error)
	Release(ctx context.Context, name, holder string) error
}

// Clock is the time, and how to wait for it. app's is the machine's; tests have their own.
type Clock interface {
	Now() time.Time
	// Until waits for an instant of Now's time, or for ctx and gives its error. It may return early: whoever waits looks
	// at Now again.
	Until(ctx context.Context, at time.Time) error
}

// Options of Loop.
type Options struct {
	Leases Leases
	Holder string // new for each start of a process
	Clock  Clock
	Log    *slog.Logger  // nil = discard
	After  time.Duration // how long after the minute a tick is evaluated: scrapes of the minute have come by then; 0 = at once
	Led    func(bool)    // told when this process begins and ceases to evaluate; may be nil
}

// LeaseTTL is for how long a leader that fell silent is waited for.
const LeaseTTL = 90 * time.Second

// standby is how often a process that does not hold the lease asks for it: soon after a leader fell silent another one
// goes on, and not only at the next minute.
const standby = 5 * time.Second

// Lease names the lease of an evaluator.
func Lease(name string) string { return "evaluator:" + name }

// stopTime is what Stop and giving back the lease may take after ctx has ended.
const stopTime = 10 * time.Second

// Loop runs an evaluator each whole minute until ctx ends, and then stops cleanly. A round that took too long, or a
// machine that slept, is followed by one round that evaluates all ticks since. A clock that steps back makes it wait until
// the next minute it has not seen; one that leaps is a stall. Errors of a round are logged, and the next round tries
// again. It returns nil when ctx ended.
func Loop(ctx context.Context, e Evaluator, o Options) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	l := &loop{Evaluator: e, Options: o, lease: Lease(e.Name)}
	defer l.stop()
	for {
		now := o.Clock.Now()
		minute := now.Add(-o.After).Truncate(time.Minute)
		l.tick(ctx, now, minute)
		if ctx.Err() != nil {
			return nil
		}
		next := minute.Add(time.Minute + o.After)
		if soon := now.Add(standby); !l.leading && soon.Before(next) {
			next = soon
		}
		if err := o.Clock.Until(ctx, next); err != nil {
			return nil
		}
	}
}

type loop struct {
	Evaluator
	Options
	lease   string
	leading bool
	ran     bool
	fence   int64
	last    time.Time // the newest minute that was evaluated
}

// tick takes or renews the lease and runs the minute.
func (l *loop) tick(ctx context.Context, now, minute time.Time) {
	fence, ok, err := l.Leases.Lease(ctx, l.lease, l.Holder, LeaseTTL, now)
	if err != nil {
		if ctx.Err() == nil {
			l.Log.Error("take the lease of the evaluation", "evaluator", l.Name, "err", err)
		}
		return
	}
	l.lead(ok, fence)
	if !ok {
		l.watch(ctx)
	}
	if !ok || !minute.After(l.last) {
		return
	}
	err = l.Run(ctx, minute, &ledger.Fence{Lease: l.lease, Token: fence})
	l.ran = true
	switch {
	case err == nil:
		l.last = minute
	case kit.CodeOf(err) == kit.Conflict:
		l.Log.Warn("another process evaluates now", "evaluator", l.Name)
		l.lead(false, 0)
	case ctx.Err() == nil && !errors.Is(err, context.Canceled):
		l.Log.Error("evaluate", "evaluator", l.Name, "minute", minute.Format(time.RFC3339), "err", err)
	}
}

func (l *loop) watch(ctx context.Context) {
	if l.Watch == nil {
		return
	}
	if err := l.Watch(ctx); err != nil && ctx.Err() == nil {
		l.Log.Warn("show what the leading process stored", "evaluator", l.Name, "err", err)
	}
}

func (l *loop) lead(leading bool, fence int64) {
	if leading == l.leading && fence == l.fence {
		return
	}
	l.Log.Info("evaluation", "evaluator", l.Name, "leading", leading)
	l.leading, l.fence = leading, fence
	if l.Led != nil {
		l.Led(leading)
	}
}

// stop stores where the evaluation stands and gives the lease back, so that a successor goes on at once.
func (l *loop) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if l.ran && l.Stop != nil && l.leading {
		if err := l.Stop(ctx); err != nil {
			l.Log.Error("store where the evaluation stands", "evaluator", l.Name, "err", err)
		}
	}
	if l.leading {
		if err := l.Leases.Release(ctx, l.lease, l.Holder); err != nil {
			l.Log.Error("give the lease back", "evaluator", l.Name, "err", fmt.Errorf("release: %w", err))
		}
	}
}
