package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/metric"
	"evenkeel.dev/evenkeel/internal/store/org"
	"evenkeel.dev/evenkeel/internal/store/trace"
)

// ledgerName stands in checkpoints; the key's file keeps it from the first start on.
const ledgerName = "evenkeel.dev/ledger"

// checkpointEvery is how often a signed checkpoint is made and handed out.
const checkpointEvery = 10 * time.Minute

func (a *app) openLedger(ctx context.Context) error {
	d, err := db.Open(ctx, a.cfg.ledgerURL())
	if err != nil {
		return err
	}
	a.db = d
	a.stack.onClose("database", d.Close)
	if a.key, err = ledger.OpenKey(filepath.Join(a.cfg.Data, "ledger.key"), ledgerName); err != nil {
		return err
	}
	a.ledger, err = ledger.Open(ctx, d, ledger.Options{Projections: projection.All, Key: a.key, Now: a.now, Log: a.log})
	if err != nil {
		return err
	}
	a.stack.onClose("ledger", a.ledger.Close)
	publishers, err := a.publishers(ctx)
	if err != nil {
		return err
	}
	a.stack.run("checkpoints", func(ctx context.Context) error { return a.publish(ctx, publishers) })
	a.stack.run("changes", a.watchLedger)
	return nil
}

// publishers are where checkpoints go: a folder of the data directory always, and what the configuration names.
func (a *app) publishers(ctx context.Context) ([]ledger.Publisher, error) {
	own := filepath.Join(a.cfg.Data, "checkpoints")
	if err := os.MkdirAll(own, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of checkpoints: %w", err)
	}
	out := []ledger.Publisher{ledger.ToFolder(own, false)}
	for _, where := range a.cfg.Checkpoint {
		kind, rest, _ := strings.Cut(where, ":")
		switch kind {
		case "file":
			out = append(out, ledger.ToFolder(rest, true))
		case "git":
			p, err := ledger.ToGit(ctx, rest)
			if err != nil {
				return nil, err
			}
			out = append(out, p)
		case "http", "https":
			out = append(out, ledger.ToWebhook(where, guardedClient()))
		default:
			return nil, kit.Errorf(kit.Invalid, "checkpoint %q: write file:DIR, git:DIR or https://...", where)
		}
	}
	return out, nil
}

// publish hands out a checkpoint at the start and every few minutes; a receiver that does not answer is tried again.
func (a *app) publish(ctx context.Context, ps []ledger.Publisher) error {
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	if a.ledger.Wait(ctx, 0) != nil {
		return nil // the server ends before the first fact
	}
	for {
		if err := a.ledger.Publish(ctx, ps...); err != nil && ctx.Err() == nil {
			a.log.Warn("checkpoint not handed out; trying again", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// watchLedger tells open pages which kinds of facts came in.
func (a *app) watchLedger(ctx context.Context) error {
	after := a.ledger.Head().Seq
	for {
		if err := a.ledger.Wait(ctx, after); err != nil {
			return nil // the server ends
		}
		kinds := map[event.Kind]bool{}
		for e, err := range a.ledger.Read(ctx, after) {
			if err != nil {
				break
			}
			kinds[e.Kind], after = true, e.Seq
		}
		for k := range kinds {
			a.hub.Changed(k)
		}
	}
}

// orgDir is the org directory: the one that was named, or an own one to begin with.
func (a *app) orgDir() string {
	if a.cfg.Org != "" {
		return a.cfg.Org
	}
	return filepath.Join(a.cfg.Data, "org")
}

func (a *app) openOrg(ctx context.Context) error {
	dir := a.orgDir()
	if a.cfg.Org == "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make org directory: %w", err)
		}
	}
	history, err := org.OpenHistory(filepath.Join(a.cfg.Data, "org-versions"))
	if err != nil {
		return err
	}
	inForce, err := projection.CatalogInForce(ctx, a.db.Read())
	if err != nil {
		return err
	}
	a.org, err = org.Open(ctx, dir, org.LiveOptions{
		InForce: inForce, Now: a.now, History: history, Log: a.log, Record: a.record, Applied: a.applied,
		Options: org.Options{CheckScrape: func(job []byte) error { return metric.CheckScrape([]json.RawMessage{job}, dir) }},
	})
	return err
}

// record appends facts of the org directory.
func (a *app) record(ctx context.Context, events []event.Event) (int64, error) {
	r, err := a.ledger.Append(ctx, ledger.Batch{Lane: ledger.Commands, Events: events})
	return r.Last, err
}

// applied carries a version that came into force to the parts that follow it.
func (a *app) applied(d *org.Directory) {
	a.log.Info("org directory in force", "version", d.Version, "entities", d.Catalog.Len(), "objectives", len(d.Objectives))
	if a.store != nil {
		a.applyScrape(d)
	}
	if a.probes != nil {
		a.applyProbes(d)
	}
	if a.budget != nil {
		a.applyObjectives(context.Background(), d)
	}
}

func (a *app) openTraces(context.Context) error {
	a.traces = trace.New(trace.Options{}, a.now())
	if a.sink != nil {
		a.stack.run("traces", a.flushTraces)
	}
	return nil
}

// declared says whether files know that one service needs another.
func declared(cat *estate.Catalog, from, to string) bool {
	ties, _ := cat.Compare([]estate.Call{{From: from, To: to}})
	return slices.ContainsFunc(ties, func(t estate.Tie) bool { return t.Declared && t.Observed })
}

// flushTraces turns what spans were reduced to into samples, and what they showed for the first time into facts.
func (a *app) flushTraces(ctx context.Context) error {
	tick := time.NewTicker(15 * time.Second)
	defer tick.Stop()
	told := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := a.now()
		_, err := a.sink.WriteOTLP(ctx, a.traces.Metrics(now))
		switch {
		case err == nil:
			told = ""
		case ctx.Err() == nil && kit.CodeOf(err) != kit.Unavailable && err.Error() != told:
			told = err.Error() // once, not at every tick: a store that is only read refuses each
			a.log.Warn("metrics of traces not stored", "err", err)
		}
		if err := a.recordObserved(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("observed services not recorded", "err", err)
		}
	}
}

// recordObserved appends what telemetry showed for the first time.
func (a *app) recordObserved(ctx context.Context) error {
	cat := a.org.Current().Catalog
	var events []event.Event
	for _, o := range a.traces.Observed() {
		if o.From != "" {
			f := &event.DependencyObserved{From: o.From, To: o.To, Via: o.Via, Traced: o.TraceID, Declared: declared(cat, o.From, o.To)}
			events = append(events, event.Event{Kind: f.Kind(), At: o.At, By: "system:traces", About: event.NewRef("service", o.From),
				Key: fmt.Sprintf("observed/%s/%s/%d", o.From, o.To, o.At.Unix()/86400), Fact: f})
			continue
		}
		if _, known := cat.Service(o.Service); known {
			continue
		}
		f := &event.ServiceObserved{Name: o.Service, Source: "otlp"}
		events = append(events, event.Event{Kind: f.Kind(), At: o.At, By: "system:traces", About: event.NewRef("service", o.Service),
			Key: fmt.Sprintf("observed/%s/%d", o.Service, o.At.Unix()/86400), Fact: f})
	}
	if len(events) == 0 {
		return nil
	}
	_, err := a.ledger.Append(ctx, ledger.Batch{Lane: ledger.Bulk, Events: events})
	return err
}
