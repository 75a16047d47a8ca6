// Package app wires the program together and owns its life: what starts in which order, what ends in which. It is the only
// package that knows all others.
package app

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/command"
	"evenkeel.dev/evenkeel/internal/intake"
	"evenkeel.dev/evenkeel/internal/live"
	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/metric"
	"evenkeel.dev/evenkeel/internal/store/metric/probe"
	"evenkeel.dev/evenkeel/internal/store/org"
	"evenkeel.dev/evenkeel/internal/store/trace"
)

// Options of one run.
type Options struct {
	Version string
	Log     *slog.Logger
	Now     func() time.Time // the wall clock
	Demo    *Demo            // nil = a real installation
	Ready   func(Addresses)  // called once, when everything answers; may be nil
}

// app is a running server.
type app struct {
	cfg     Config
	opt     Options
	log     *slog.Logger
	now     func() time.Time
	started time.Time
	stack   *stack

	db       *db.DB
	key      *ledger.Key
	ledger   *ledger.Ledger
	access   *auth.Keeper
	guard    *auth.Guard
	org      *org.Live
	sources  map[string]source // by name; "" is the default one; empty = none
	probes   *probe.Runner     // nil = none
	counts   *count.Store
	ready    atomic.Bool
	sink     metric.Sink   // nil = none
	store    *metric.Store // nil = not embedded
	traces   *trace.Store
	intake   *intake.Receiver
	budget   *budget.Engine
	commands *command.Commands
	hub      live.Hub
	heard    heard
	usage    usage
	flows    flows
	at       atomic.Pointer[Addresses] // once it listens
}

// Run starts the server, serves until ctx ends, and ends everything in order. A part that fails ends the others.
func Run(ctx context.Context, cfg Config, opt Options) error {
	if err := cfg.Check(); err != nil {
		return err
	}
	a := &app{cfg: cfg, opt: opt, log: opt.Log, now: opt.Now, started: opt.Now()}
	a.stack = newStack(ctx, a.log)
	err := a.start(ctx)
	if err == nil {
		err = a.stack.wait()
	}
	return errors.Join(err, a.stack.unwind())
}

// start brings the parts up in the way of the data; what takes work in comes last.
func (a *app) start(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		a.lockData, a.openLedger, a.joinReplicas, a.openAccess, a.openOrg, a.openMetrics, a.openTraces, a.openBudget,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	a.stack.run("org directory", func(ctx context.Context) error { a.org.Run(ctx); return nil })
	a.openFlows()
	a.stack.run("rates", a.watchFlows)
	if a.store != nil {
		a.stack.run("own figures", a.watchSelf)
	}
	return a.serve(ctx)
}
