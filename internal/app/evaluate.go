package app

import (
	"context"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/command"
	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/evaluator"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/live"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/org"
)

// openBudget opens the counts and starts the evaluation. Without a metric source objectives are shown and not evaluated.
func (a *app) openBudget(ctx context.Context) error {
	counts, err := count.Open(ctx, a.db)
	if err != nil {
		return err
	}
	a.counts = counts
	o := budget.Options{Counts: counts, Facts: a.ledger, Sources: map[string]budget.Source{}, Zone: zoneOf(a.org.Current()),
		Read: a.db.Read(), Now: a.now, Log: a.log}
	for name, s := range a.sources {
		o.Sources[name] = budget.Source{Source: s.Source, Advance: s.advance}
	}
	if a.store != nil {
		o.Results = a.store
	}
	if a.budget, err = budget.New(ctx, o); err != nil {
		return err
	}
	a.commands = &command.Commands{Ledger: a.ledger, Access: a.access, Now: a.now, Owner: a.ownerOf, Service: func(name string) bool {
		_, ok := a.org.Current().Catalog.Service(name)
		return ok
	}}
	a.applyObjectives(ctx, a.org.Current())
	a.stack.run("evaluator", func(ctx context.Context) error {
		return evaluator.Loop(ctx, evaluator.Evaluator{Name: "slo", Run: a.round, Watch: a.watch, Stop: a.budget.Store}, evaluator.Options{
			Leases: a.db, Holder: a.where() + "#" + kit.NewID(a.now()), Clock: wallClock{a.now}, Log: a.log, After: evaluateAfter})
	})
	return nil
}

// evaluateAfter is how long after the minute it is evaluated: what belongs to it has arrived by then.
const evaluateAfter = 5 * time.Second

// round evaluates everything and tells the open pages.
func (a *app) round(ctx context.Context, now time.Time, fence *ledger.Fence) error {
	err := a.budget.Round(ctx, now, fence)
	a.hub.Changed(live.Round)
	return err
}

// watch shows what another server, which leads, has stored, and tells the open pages when that is newer.
func (a *app) watch(ctx context.Context) error {
	was := a.budget.Now()
	err := a.budget.Watch(ctx)
	if is := a.budget.Now(); is != was {
		a.hub.Changed(live.Round)
	}
	return err
}

// leader is the server that evaluates while this one does not, its last sign of life, and whether that is too long ago; ""
// where this one evaluates.
func (a *app) leader(ctx context.Context) (name string, heard time.Time, gone bool) {
	if !a.budget.Now().Watched {
		return "", time.Time{}, false
	}
	held, err := a.db.Leases(ctx, evaluator.Lease("slo"), time.Time{})
	if err != nil || len(held) == 0 {
		return "", time.Time{}, false
	}
	name, _, _ = strings.Cut(held[0].Holder, "#")
	heard = held[0].Until.Add(-evaluator.LeaseTTL)
	return name, heard, !held[0].Until.After(a.now())
}

// wallClock is the machine's time.
type wallClock struct{ now func() time.Time }

func (c wallClock) Now() time.Time { return c.now() }

func (c wallClock) Until(ctx context.Context, at time.Time) error {
	t := time.NewTimer(at.Sub(c.now()))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// applyObjectives hands the objectives in force to the evaluation, with the version of each agreement.
func (a *app) applyObjectives(ctx context.Context, d *org.Directory) {
	inForce, err := projection.CatalogInForce(ctx, a.db.Read())
	if err != nil {
		a.log.Error("versions of agreements not read", "err", err)
	}
	agreed := map[string]string{}
	for _, o := range d.Objectives {
		agreed[o.Name] = inForce.Policies["slo:"+o.Name]
	}
	a.budget.Apply(d.Objectives, agreed)
}

// ownerOf tells which team owns an objective's service.
func (a *app) ownerOf(name string) (team string, known bool) {
	d := a.org.Current()
	for _, o := range d.Objectives {
		if o.Name != name {
			continue
		}
		var e estate.Entity
		e, _ = d.Catalog.Service(o.Service)
		return string(e.Owner), true
	}
	return "", false
}

func zoneOf(d *org.Directory) *time.Location {
	if loc, err := time.LoadLocation(d.Config.Zone); err == nil {
		return loc
	}
	return time.UTC
}
