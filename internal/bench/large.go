package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/migrate"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

const (
	largeServices = 1000
	largeFacts    = 1_000_000
	largeHistory  = 24 * time.Hour // of samples
)

// large is a data and an org directory with 1,000 services, as many objectives, a million facts, and a day of samples.
type large struct{ data, org string }

var (
	largeOnce sync.Once
	largeMade large
	largeErr  error
)

// makeLarge makes it once beside the benchmarks' own directories; the first start has happened.
func makeLarge(ctx context.Context, dir string) (large, error) {
	largeOnce.Do(func() {
		base := filepath.Join(filepath.Dir(dir), "large")
		largeMade = large{filepath.Join(base, "data"), filepath.Join(base, "org")}
		complete := filepath.Join(base, "complete")
		if _, err := os.Stat(complete); err == nil {
			return // kept from an earlier run
		}
		if largeErr = largeMade.fill(ctx); largeErr == nil {
			largeErr = os.WriteFile(complete, nil, 0o600)
		}
	})
	return largeMade, largeErr
}

func (l large) fill(ctx context.Context) error {
	begun := time.Now()
	if err := os.MkdirAll(l.data, 0o700); err != nil {
		return err
	}
	if err := l.writeOrg(); err != nil {
		return err
	}
	now := time.Now().Truncate(time.Minute)
	var busy []*counter // one pod each
	for i, c := range counters(largeServices) {
		if i%(2*rulePods) < 2 {
			busy = append(busy, c)
		}
	}
	if _, err := metric.BackfillBlocks(ctx, filepath.Join(l.data, "metrics"), past(busy, now.Add(-largeHistory), now)); err != nil {
		return err
	}
	if err := l.writeFacts(ctx, now); err != nil {
		return err
	}
	s, err := l.serve(ctx, 5*time.Minute)
	if err != nil {
		return err
	}
	fmt.Printf("made %d services, as many objectives, and %d facts in %.0f s; the first start, which takes the org directory over, %.2f s\n",
		largeServices, largeFacts, time.Since(begun).Seconds(), s.ready.Seconds())
	if err := evaluated(ctx, s); err != nil { // the history of every objective is counted once
		return err
	}
	err = s.stop()
	fmt.Printf("its first round over, it ended %.1f s after SIGTERM\n", s.ending.Seconds())
	return err
}

func (l large) serve(ctx context.Context, limit time.Duration) (*server, error) {
	return startServer(ctx, limit, "serve", "--data", l.data, "--org", l.org, "--otlp-http", "off", "--otlp-grpc", "off")
}

// writeOrg writes 50 teams, 100 systems, 1,000 services that each need two of those before them, and an objective each.
func (l large) writeOrg() error {
	var catalog strings.Builder
	for i := range 50 {
		fmt.Fprintf(&catalog, "---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team-%d}\nspec: {type: team, children: []}\n", i)
	}
	for i := range 100 {
		fmt.Fprintf(&catalog, "---\napiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: system-%d}\nspec: {owner: team-%d}\n", i, i%50)
	}
	for i := range largeServices {
		needs := ""
		if i > 10 {
			needs = fmt.Sprintf("\n  dependsOn: [component:%s, component:%s]", serviceName(i/2), serviceName(i/3))
		}
		fmt.Fprintf(&catalog, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: %s\n  labels: {evenkeel.dev/tier: \"%d\"}\nspec:\n  type: service\n  lifecycle: production\n  owner: team-%d\n  system: system-%d%s\n",
			serviceName(i), min(3, i/100), i%50, i%100, needs)
	}
	slos, err := migrate.WriteOpenSLO(objectives(largeServices, 30*24*time.Hour))
	if err != nil {
		return err
	}
	head := "apiVersion: evenkeel.dev/v1\nkind: Organisation\norganisation: Benchmark\nzone: Europe/Amsterdam\n"
	if err := os.MkdirAll(l.org, 0o700); err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(l.org, "evenkeel.yaml"), []byte(head), 0o600),
		os.WriteFile(filepath.Join(l.org, "catalog.yaml"), []byte(catalog.String()), 0o600),
		os.WriteFile(filepath.Join(l.org, "slos.yaml"), slos, 0o600))
}

func serviceName(i int) string { return fmt.Sprintf("svc%04d", i) }

func (l large) writeFacts(ctx context.Context, now time.Time) (err error) {
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(l.data, "ledger.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	book, err := ledger.Open(ctx, d, ledger.Options{Projections: projection.All, Now: time.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	const batch = 5000
	for from := 0; from < largeFacts; from += batch {
		es := make([]event.Event, batch)
		for i := range es {
			es[i] = largeFact(from+i, now)
		}
		if _, err := book.Append(ctx, ledger.Batch{Lane: ledger.Bulk, Events: es}); err != nil {
			return err
		}
	}
	return nil
}

// largeFact is the n-th fact of 400 days: of ten facts seven are days of objectives, two an alert that fired and ended,
// one a beat.
func largeFact(n int, now time.Time) event.Event {
	at := now.Add(-400 * 24 * time.Hour * time.Duration(largeFacts-n) / largeFacts)
	o := ruleObjective(n / 10 % largeServices)
	e := event.Event{At: at, By: "evaluator:slo", About: event.NewRef("slo", o.Name), Key: fmt.Sprintf("bench/%d", n)}
	id := fmt.Sprintf("bench-%d", n/10)
	counts := &event.Counts{WindowS: 3600, Bad: float64(n % 977), Total: 120_000, Allowed: 120, Burn: 8.14}
	switch n % 10 {
	case 0:
		e.Fact = &event.AlertFired{AlertID: id, GroupKey: o.Name, Rule: "page-1h", Service: o.Service, Severity: "page", StartsAt: at, SLO: o.Name,
			Query: o.Indicator.Bad.Text, Factor: 14.4, Long: counts, Short: counts}
	case 1:
		e.Fact = &event.AlertEnded{AlertID: id, EndsAt: at, How: "resolved", Long: counts, Short: counts}
	case 2:
		e.About = event.NewRef("evaluator", "slo")
		e.Fact = &event.EvaluatorBeat{Evaluator: "slo", Subjects: largeServices, RoundMS: 90}
	default:
		o = ruleObjective(n * 7 % largeServices)
		e.About = event.NewRef("slo", o.Name)
		day := at.Truncate(24 * time.Hour)
		e.Fact = &event.MeasureClosed{Measure: "slo", Subject: "slo:" + o.Name, From: day.Add(-24 * time.Hour), To: day, Num: 17, Den: 1_204_332, Allowed: 1204,
			ValidS: 86_400, Query: o.Indicator.Total.Text, ResultDigest: "sha256:6b86b273ff34fce19d6b804eff5a3f57", PolicyVersion: "8f434346"}
	}
	return e
}
