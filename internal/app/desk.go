package app

import (
	"context"
	"time"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/app/pages"
	"evenkeel.dev/evenkeel/internal/kit"
)

// desk gives the pages what they show.
func (a *app) desk() *pages.Desk {
	d := &pages.Desk{
		Now: a.now, Version: a.opt.Version, Demo: a.opt.Demo != nil, Local: loopback(a.cfg.Listen), Started: a.started,
		Ledger: a.ledger, Key: a.key, Access: a.access, Commands: a.commands, Org: a.org, Budget: a.budget, Metrics: a.metrics(), Traces: a.traces, Leader: a.leader,
		Telemetry: a.telemetry, Stored: a.stored, Rates: a.flows.rated, Doors: a.doors, CPU: func() float64 { return a.usage.sample(a.now()) },
	}
	if a.opt.Demo != nil {
		d.Changes = a.opt.Demo.changes
	}
	return d
}

// apiSources gives the API what it speaks for.
func (a *app) apiSources() api.Sources {
	return api.Sources{
		Version: a.opt.Version, Now: a.now, Log: a.log, Access: a.access, Ledger: a.ledger, Key: a.key, Commands: a.commands,
		Snapshot: a.budget.Now, Budget: a.budget, Started: a.started, Ready: a.ready.Load, Directory: a.org.Current, Traces: a.traces, Reload: a.org.Reload,
		Refused: func() (problems []kit.Problem, at time.Time) {
			if r := a.org.Refused(); r != nil {
				return r.Problems, r.At
			}
			return nil, time.Time{}
		},
		Telemetry: func() (out []api.SourceState) {
			for _, s := range a.telemetry() {
				state := api.SourceState{Name: s.Name, Kind: s.Kind, EveryS: s.Every.Seconds(), Error: s.Error, Silent: s.Silent}
				if !s.Last.IsZero() {
					state.Last = &s.Last
				}
				out = append(out, state)
			}
			return out
		},
		Stored: func(ctx context.Context) (out []api.StoreState) {
			for _, s := range a.stored(ctx) {
				out = append(out, api.StoreState{Name: s.Name, Place: s.Place, Bytes: s.Bytes, Free: s.Free})
			}
			return out
		},
	}
}
