package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/command"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/org"
	"evenkeel.dev/evenkeel/internal/store/trace"
)

var now = time.Date(2026, 10, 22, 14, 32, 0, 0, time.UTC)

const catalog = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: checkout, labels: {evenkeel.dev/tier: "0"}}
spec: {type: service, lifecycle: production, owner: group:team-checkout, dependsOn: ["component:payments", "resource:db"]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: payments, labels: {evenkeel.dev/tier: "1"}}
spec: {type: service, lifecycle: production, owner: group:team-payments, dependsOn: ["resource:db"]}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: db, annotations: {evenkeel.dev/availability: "0.9995"}}
spec: {type: database, owner: group:team-payments}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-checkout}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: team-payments}
spec: {type: team, children: []}
`

const objective = `apiVersion: openslo/v1
kind: SLO
metadata: {name: %s}
spec:
  service: %s
  budgetingMethod: Occurrences
  timeWindow: [{duration: 28d, isRolling: true}]
  indicator:
    metadata: {name: %[1]s-sli}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{job="%[2]s",code!~"5.."}'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'http_requests_total{job="%[2]s"}'}}}
  objectives: [{target: 0.999}]
`

// fixture is an API over a real ledger; the evaluation is made up.
type fixture struct {
	ledger  *ledger.Ledger
	keeper  *auth.Keeper
	src     api.Sources
	live    *org.Live
	dir     string
	handler http.Handler
}

func open(t *testing.T, d *db.DB) *fixture {
	t.Helper()
	ctx := t.Context()
	key, err := ledger.OpenKey(filepath.Join(t.TempDir(), "ledger.key"), "example.org/evenkeel")
	if err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return now }
	l, err := ledger.Open(ctx, d, ledger.Options{Projections: projection.All, Key: key, Now: clock, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	keeper, err := auth.Open(ctx, l)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{ledger: l, keeper: keeper, dir: t.TempDir()}
	f.write(t, "catalog.yaml", catalog)
	f.write(t, "slos.yaml", fmt.Sprintf(objective, "checkout-availability", "checkout")+"---\n"+fmt.Sprintf(objective, "payments-availability", "payments"))
	f.live, err = org.Open(ctx, f.dir, org.LiveOptions{Now: clock, Record: func(ctx context.Context, es []event.Event) (int64, error) {
		r, err := l.Append(ctx, ledger.Batch{Events: es})
		return r.Last, err
	}})
	if err != nil {
		t.Fatal(err)
	}
	snap := f.snapshot(t)
	owners := func(name string) (string, bool) {
		s := snap.Find(name)
		if s == nil {
			return "", false
		}
		e, _ := f.live.Current().Catalog.Service(s.Objective.Service)
		return string(e.Owner), true
	}
	f.src = api.Sources{
		Version: "v1.2.3", Now: clock, Log: slog.New(slog.DiscardHandler), Access: keeper, Ledger: l, Key: key,
		Commands: &command.Commands{Ledger: l, Access: keeper, Now: clock, Owner: owners, Service: func(name string) bool { _, ok := f.live.Current().Catalog.Service(name); return ok }},
		Snapshot: func() *budget.Snapshot { return snap }, Budget: past{}, Directory: f.live.Current, Reload: f.live.Reload,
		Refused: func() ([]kit.Problem, time.Time) {
			if r := f.live.Refused(); r != nil {
				return r.Problems, r.At
			}
			return nil, time.Time{}
		},
		Traces: trace.New(trace.Options{}, now), Started: now.Add(-time.Hour), Ready: func() bool { return true },
		Telemetry: func() []api.SourceState { return []api.SourceState{{Name: "otlp", Kind: "otlp", Last: &now}} },
		Stored:    func(context.Context) []api.StoreState { return nil },
	}
	mux := http.NewServeMux()
	api.New(mux, f.src)
	f.handler = mux
	return f
}

func (f *fixture) write(t *testing.T, name, body string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) snapshot(t *testing.T) *budget.Snapshot {
	t.Helper()
	snap := &budget.Snapshot{At: now}
	for _, o := range f.live.Current().Objectives {
		plan, err := slo.NewPlan(o, nil)
		if err != nil {
			t.Fatal(err)
		}
		snap.Objectives = append(snap.Objectives, &budget.Status{Objective: o, Plan: plan, Filling: 1,
			Groups: []budget.Group{{State: budget.Healthy, Since: now.AddDate(0, -2, 0), Budget: slo.Budget{From: slo.At(now.AddDate(0, 0, -28)), To: slo.At(now), Sums: slo.Sums{Bad: 3, Total: 10_000, Allowed: 10}, Consumed: 0.3, Remaining: 0.7}}}})
	}
	return snap
}

// past is an evaluation with one point.
type past struct{}

func (past) Series(_ context.Context, name, _ string, from, to time.Time, step time.Duration, burns ...time.Duration) (budget.Series, error) {
	if !strings.HasPrefix(name, "checkout") {
		return budget.Series{}, kit.Errorf(kit.NotFound, "objective %s does not exist", name)
	}
	return budget.Series{Step: step, Burns: burns, Points: []budget.Point{{At: to, Remaining: 0.7, Bad: 1, Total: 10, Burn: make([]float64, len(burns))}}}, nil
}

func (past) Backtest(_ context.Context, _, group string, q slo.BacktestQuestion, policies ...budget.Policy) (budget.Verdict, error) {
	v := budget.Verdict{Group: group, From: q.From.Time(), To: q.To.Time(), Slots: 10, Asked: 20, Tradeoff: "none"}
	for _, p := range policies {
		v.Trials = append(v.Trials, budget.Trial{Policy: p, Backtest: slo.Backtest{Plan: &slo.Plan{}, Incidents: len(q.Incidents)}})
	}
	return v, nil
}

var admin = auth.Caller{Name: "ines", Role: auth.Admin}

// do asks as somebody and returns the answer's status, head and body.
func (f *fixture) do(t *testing.T, as auth.Caller, method, path, body string, head ...string) (int, http.Header, string) {
	t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(auth.With(t.Context(), as), method, path, in)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	w := httptest.NewRecorder()
	f.handler.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.String()
}

func (f *fixture) get(t *testing.T, path string, out any) {
	t.Helper()
	code, _, body := f.do(t, admin, http.MethodGet, path, "")
	if code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, code, body)
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	if err := dec.Decode(out); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, body)
	}
}

// fired records alerts that fired a minute apart, the newest last, and returns the last seq.
func (f *fixture) fired(t *testing.T, n int) int64 {
	t.Helper()
	var es []event.Event
	for i := range n {
		at := now.Add(-time.Duration(n-i) * time.Minute)
		a := &event.AlertFired{AlertID: fmt.Sprintf("a%04d", i), GroupKey: "checkout-availability", Rule: "page-1h", Service: "checkout", Severity: "page", StartsAt: at, SLO: "checkout-availability", Factor: 14.4}
		es = append(es, event.Event{Kind: a.Kind(), At: at, By: budget.By, About: "slo:checkout-availability", Key: a.AlertID, Fact: a})
	}
	r, err := f.ledger.Append(t.Context(), ledger.Batch{Events: es})
	if err != nil {
		t.Fatal(err)
	}
	return r.Last
}
