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
	"slices"
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
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
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
		Commands: &command.Commands{Ledger: l, Access: keeper, Now: clock, Owner: owners},
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

// holders is who has a right, as agreed; the program's own table is checked against it.
var holders = map[auth.Right]string{
	auth.Read: "viewer responder owner operator auditor admin", auth.CorrectBudget: "owner operator admin", auth.VerifyLedger: "operator auditor admin",
	auth.ReadEvidence: "auditor admin", auth.ReloadOrg: "operator admin", auth.ManageAccess: "admin",
}

// operations is every operation with a request that works, and the right it needs.
var operations = []struct {
	method, path, body string
	right              auth.Right
	status             int
}{
	{"GET", "/slos", "", auth.Read, 200},
	{"GET", "/slos/{name}", "", auth.Read, 200},
	{"GET", "/slos/{name}/series", "", auth.Read, 200},
	{"POST", "/slos/{name}/backtest", `{"policies":[{"name":"mine","pairs":[{"factor":8,"long":"2h","short":"10m"}]}]}`, auth.Read, 200},
	{"GET", "/slos/{name}/corrections", "", auth.Read, 200},
	{"POST", "/slos/{name}/corrections", `{"from":"2h","to":"1h","effect":"exclude","reason":"planned work"}`, auth.CorrectBudget, 201},
	{"DELETE", "/slos/{name}/corrections/{id}", "", auth.CorrectBudget, 404},
	{"GET", "/export/slos", "", auth.Read, 200},
	{"GET", "/services", "", auth.Read, 200},
	{"GET", "/services/{name}", "", auth.Read, 200},
	{"GET", "/services/{name}/history", "", auth.Read, 200},
	{"GET", "/estate", "", auth.Read, 200},
	{"GET", "/estate/single-points", "", auth.Read, 200},
	{"GET", "/estate/ceilings", "", auth.Read, 200},
	{"GET", "/estate/blast-radius", "", auth.Read, 200},
	{"GET", "/alerts", "", auth.Read, 200},
	{"GET", "/alerts/{id}", "", auth.Read, 200},
	{"GET", "/facts", "", auth.Read, 200},
	{"GET", "/facts/{seq}", "", auth.Read, 200},
	{"GET", "/facts/{seq}/chain", "", auth.Read, 200},
	{"GET", "/facts/{seq}/proof", "", auth.Read, 200},
	{"GET", "/ledger", "", auth.Read, 200},
	{"GET", "/ledger/checkpoint", "", auth.Read, 200},
	{"POST", "/ledger/verify", "", auth.VerifyLedger, 200},
	{"GET", "/ledger/export", "", auth.ReadEvidence, 200},
	{"GET", "/org", "", auth.Read, 200},
	{"GET", "/org/versions", "", auth.Read, 200},
	{"POST", "/org/reload", "", auth.ReloadOrg, 200},
	{"GET", "/tokens", "", auth.ManageAccess, 200},
	{"POST", "/tokens", `{"name":"ci","role":"viewer"}`, auth.ManageAccess, 201},
	{"DELETE", "/tokens/{id}", "", auth.ManageAccess, 404},
	{"GET", "/system", "", auth.Read, 200},
}

// fill puts values into a path.
func fill(path string) string {
	name := "checkout-availability"
	if strings.HasPrefix(path, "/services") {
		name = "checkout"
	}
	path = strings.NewReplacer("{name}", name, "{seq}", "1", "{id}", "a0000").Replace(path)
	if strings.HasSuffix(path, "blast-radius") {
		path += "?of=db"
	}
	return "/api/v1" + path
}

func TestEachRoleMayDoWhatItsRightsSayAndRefusalsAreRecorded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := open(t, d)
		f.fired(t, 2)
		for _, role := range auth.Roles {
			c := auth.Caller{Name: string(role), Role: role, Teams: []string{"group:default/team-checkout"}}
			refused := 0
			for _, op := range operations {
				code, _, body := f.do(t, c, op.method, fill(op.path), op.body)
				want := op.status
				if !slices.Contains(strings.Fields(holders[op.right]), string(role)) {
					want = http.StatusForbidden
					refused++
				}
				if code != want {
					t.Errorf("%s: %s %s answered %d, want %d: %s", role, op.method, op.path, code, want, body)
				}
			}
			found, err := f.ledger.Find(t.Context(), ledger.Filter{Kinds: []event.Kind{"access.refused"}, By: c.By(), Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			if len(found.Events) != refused {
				t.Errorf("%s: %d refusals recorded, want %d", role, len(found.Events), refused)
			}
		}
		for _, op := range operations {
			if code, _, body := f.do(t, auth.Caller{}, op.method, fill(op.path), op.body); code != http.StatusUnauthorized {
				t.Errorf("nobody: %s %s answered %d, want 401: %s", op.method, op.path, code, body)
			}
		}
	})
}

func TestTheDescriptionListsEveryOperation(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	var doc struct {
		OpenAPI string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	f.get(t, "/api/openapi.json", &doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("openapi %q", doc.OpenAPI)
	}
	n := 0
	for path, methods := range doc.Paths {
		for method := range methods {
			n++
			known := false
			for _, op := range operations {
				known = known || "/api/v1"+op.path == path && strings.EqualFold(op.method, method)
			}
			if !known {
				t.Errorf("%s %s has no line in the table of operations", method, path)
			}
		}
	}
	if n != len(operations) {
		t.Errorf("%d operations described, %d in the table", n, len(operations))
	}
	if code, _, body := f.do(t, admin, "GET", "/api/openapi.yaml", ""); code != 200 || !strings.Contains(body, "openapi: ") {
		t.Errorf("YAML: %d %.60s", code, body)
	}
}

func TestWrongInputNamesEachField(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	for _, c := range []struct {
		method, path, body string
		status             int
		fields             []string
	}{
		{"GET", "/slos?limit=0", "", 422, []string{"query.limit"}},
		{"GET", "/slos?state=sad&limit=9999", "", 422, []string{"query.state", "query.limit"}},
		{"GET", "/slos?servce=checkout&stat=paging", "", 422, []string{"query.servce", "query.stat"}},
		{"GET", "/slos?tier=7", "", 422, []string{"query.tier"}},
		{"GET", "/facts?kind=alert.fird,alert.fired", "", 422, []string{"query.kind"}},
		{"GET", "/ledger/export?kind=alert.fird", "", 422, []string{"query.kind"}},
		{"GET", "/slos?cursor=%25", "", 422, []string{"query.cursor"}},
		{"GET", "/slos/nope", "", 404, nil},
		{"GET", "/slos/checkout-availability/series?step=7s", "", 422, []string{"query.step"}},
		{"GET", "/slos/checkout-availability/series?from=90d&step=1m", "", 422, []string{"query.step"}},
		{"GET", "/slos/checkout-availability/series?from=now&to=2h", "", 422, []string{"query.from"}},
		{"GET", "/slos/checkout-availability/series?burn=fast", "", 422, []string{"query.burn"}},
		{"POST", "/slos/checkout-availability/corrections", `{"from":"1h","to":"2h","effect":"exclude","reason":"x"}`, 422, []string{"body.to"}},
		{"POST", "/slos/checkout-availability/corrections", `{"from":"soon","to":"1h","effect":"hide","reason":""}`, 422, []string{"body.effect", "body.reason"}},
		{"POST", "/slos/checkout-availability/backtest", `{"policies":[{"name":"x","pairs":[{"factor":2,"long":"long","short":"5 moons"}]}]}`, 422, []string{"body.policies.0.pairs.0.long", "body.policies.0.pairs.0.short"}},
		{"GET", "/facts?from=then&knownAt=never", "", 422, []string{"query.from", "query.knownAt"}},
		{"GET", "/facts?cursor=abc", "", 422, []string{"query.cursor"}},
		{"GET", "/facts/0", "", 422, []string{"path.seq"}},
		{"GET", "/facts/999999", "", 404, nil},
		{"GET", "/services?at=once", "", 422, []string{"query.at"}},
		{"GET", "/services/nobody", "", 404, nil},
		{"GET", "/estate/blast-radius", "", 422, []string{"query.of"}},
		{"GET", "/org/versions?cursor=x", "", 422, []string{"query.cursor"}},
		{"POST", "/tokens", `{"name":"","role":"root","scopes":["fly"],"life":"400d"}`, 422, []string{"body.name", "body.role", "body.scopes", "body.expires"}},
		{"POST", "/tokens", `{"name":"a","role":"viewer","life":"long"}`, 422, []string{"body.life"}},
		{"POST", "/tokens", `{"nam":"a"}`, 422, []string{"body.nam", "body"}},
		{"POST", "/tokens", `{`, 400, nil},
	} {
		code, head, body := f.do(t, admin, c.method, "/api/v1"+c.path, c.body)
		if code != c.status || head.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %s %s, want %d as a problem", c.method, c.path, code, head.Get("Content-Type"), body, c.status)
		}
		if len(c.fields) > 0 && strings.Contains(body, "validation failed") {
			t.Errorf("%s %s says that something failed, and not what: %s", c.method, c.path, body)
		}
		for _, field := range c.fields {
			if !strings.Contains(body, `"location":"`+field+`"`) {
				t.Errorf("%s %s: no word about %s in %s", c.method, c.path, field, body)
			}
		}
	}
}

func TestAnAnswerThatDidNotChangeIsNotSentAgain(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	f.fired(t, 1)
	for _, op := range operations {
		if op.method != "GET" || op.path == "/export/slos" || op.path == "/ledger/export" { // these are streamed
			continue
		}
		path := strings.TrimPrefix(fill(op.path), "/api/v1")
		_, head, _ := f.do(t, admin, "GET", "/api/v1"+path, "")
		etag := head.Get("ETag")
		if cache := head.Get("Cache-Control"); cache != "private, no-cache" {
			t.Errorf("%s may be kept as %q", path, cache)
		}
		if etag == "" {
			t.Errorf("%s has no ETag", path)
			continue
		}
		code, head, body := f.do(t, admin, "GET", "/api/v1"+path, "", "If-None-Match", etag)
		if code != http.StatusNotModified || body != "" || head.Get("ETag") != etag {
			t.Errorf("%s again: %d %q", path, code, body)
		}
	}
	_, head, _ := f.do(t, admin, "GET", "/api/v1/facts", "")
	f.fired(t, 3)
	if code, _, _ := f.do(t, admin, "GET", "/api/v1/facts", "", "If-None-Match", head.Get("ETag")); code != http.StatusOK {
		t.Errorf("changed facts: %d, want 200", code)
	}
}

type listed[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// walk reads all pages and runs meanwhile between them.
func walk[T any](t *testing.T, f *fixture, path string, meanwhile func()) []T {
	t.Helper()
	var all []T
	cursor := ""
	for range 1000 {
		var p listed[T]
		f.get(t, path+"&cursor="+cursor, &p)
		all = append(all, p.Items...)
		if p.Next == "" {
			return all
		}
		cursor = p.Next
		meanwhile()
	}
	t.Fatalf("%s has no end", path)
	return nil
}

func TestPagesShowEachItemOnceWhileMoreComeIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := open(t, d)
		last := f.fired(t, 25)
		extra := 0
		more := func() {
			extra++
			a := &event.AlertFired{AlertID: fmt.Sprintf("b%04d", extra), GroupKey: "g", Rule: "page-1h", Severity: "page", StartsAt: now, SLO: "checkout-availability"}
			if _, err := f.ledger.Append(t.Context(), ledger.Batch{Events: []event.Event{{Kind: a.Kind(), At: now, By: budget.By, About: "slo:checkout-availability", Key: a.AlertID, Fact: a}}}); err != nil {
				t.Fatal(err)
			}
		}
		facts := walk[api.Fact](t, f, "/api/v1/facts?limit=4", more)
		for i, x := range facts {
			if x.Seq != last-int64(i) {
				t.Fatalf("fact %d of the list is %d, want %d", i, x.Seq, last-int64(i))
			}
		}
		if int64(len(facts)) != last {
			t.Errorf("%d facts, want %d", len(facts), last)
		}
		alerts := walk[api.Alert](t, f, "/api/v1/alerts?limit=4", more)
		seen := map[string]int{}
		for _, a := range alerts {
			seen[a.ID]++
		}
		for i := range 25 {
			if id := fmt.Sprintf("a%04d", i); seen[id] != 1 {
				t.Errorf("alert %s listed %d times", id, seen[id])
			}
		}
	})
}

func TestFreeTextIsForThoseWhoMayReadItAndReadingIsRecorded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := open(t, d)
		var done struct {
			Seq int64  `json:"seq"`
			ID  string `json:"id"`
		}
		code, _, body := f.do(t, admin, "POST", "/api/v1/slos/checkout-availability/corrections", `{"from":"2h","to":"1h","effect":"good","reason":"a secret matter"}`)
		if err := json.Unmarshal([]byte(body), &done); err != nil || code != 201 {
			t.Fatalf("%d %s", code, body)
		}
		path := fmt.Sprintf("/api/v1/facts/%d", done.Seq)
		viewer := auth.Caller{Name: "vera", Role: auth.Viewer}
		if code, _, body := f.do(t, viewer, "GET", path, ""); code != 200 || strings.Contains(body, "secret") {
			t.Errorf("plain: %d %s", code, body)
		}
		if code, _, body := f.do(t, viewer, "GET", path+"?texts=true", ""); code != 403 || strings.Contains(body, "secret") {
			t.Errorf("a viewer with texts: %d %s", code, body)
		}
		auditor := auth.Caller{Name: "aud", Role: auth.Auditor}
		if code, _, body := f.do(t, auditor, "GET", path+"?texts=true", ""); code != 200 || !strings.Contains(body, "a secret matter") {
			t.Errorf("an auditor with texts: %d %s", code, body)
		}
		if code, _, body := f.do(t, auditor, "GET", "/api/v1/ledger/export?texts=true", ""); code != 200 || !strings.Contains(body, "a secret matter") {
			t.Errorf("export: %d %s", code, body)
		} else if r, err := ledger.VerifyBundle(strings.NewReader(body), f.src.Key.Verifier); err != nil || !r.OK() || r.Facts < done.Seq {
			t.Errorf("exported bundle: %+v %v", r, err)
		}
		found, err := f.ledger.Find(t.Context(), ledger.Filter{Kinds: []event.Kind{"access.read"}})
		if err != nil || len(found.Events) != 2 {
			t.Errorf("%d reads recorded, %v; want 2", len(found.Events), err)
		}
		if code, _, body := f.do(t, admin, "DELETE", "/api/v1/slos/checkout-availability/corrections/"+done.ID+"?reason=mistake", ""); code != 204 {
			t.Errorf("take back: %d %s", code, body)
		}
		var list []api.SLOCorrection
		f.get(t, "/api/v1/slos/checkout-availability/corrections", &list)
		if len(list) != 1 || list[0].Revoked == nil {
			t.Errorf("corrections %+v", list)
		}
	})
}

func TestAnOwnerCorrectsOnlyTheOwnTeamsBudgets(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	owner := auth.Caller{Name: "jonas", Role: auth.Owner, Teams: []string{"group:default/team-checkout"}}
	body := `{"from":"2h","to":"1h","effect":"exclude","reason":"planned work"}`
	if code, _, answer := f.do(t, owner, "POST", "/api/v1/slos/checkout-availability/corrections", body); code != 201 {
		t.Errorf("own team: %d %s", code, answer)
	}
	if code, _, answer := f.do(t, owner, "POST", "/api/v1/slos/payments-availability/corrections", body); code != 403 {
		t.Errorf("another team: %d %s", code, answer)
	}
}

func TestServicesAreShownAsOfAMoment(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := open(t, d)
		var s api.ServiceDetail
		f.get(t, "/api/v1/services/checkout", &s)
		if s.Tier != 0 || s.Owner != "group:default/team-checkout" || s.State != "healthy" || len(s.Needs) != 2 || s.Ceiling == nil || s.Ceiling.Serial > 0.9995 {
			t.Errorf("checkout %+v", s)
		}
		f.get(t, "/api/v1/services/checkout?at=now", &s)
		if s.Seq == 0 {
			t.Errorf("as of now: no fact named in %+v", s)
		}
		if code, _, body := f.do(t, admin, "GET", "/api/v1/services/checkout?at=30d", ""); code != 404 {
			t.Errorf("before the first version: %d %s", code, body)
		}
		var r api.Radius
		f.get(t, "/api/v1/estate/blast-radius?of=resource:db", &r)
		if len(r.Fails) != 2 {
			t.Errorf("blast radius %+v", r)
		}
	})
}

func TestAVersionWithErrorsIsRefusedWithThem(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	f.write(t, "broken.yaml", "kind: [\n")
	code, _, body := f.do(t, admin, "POST", "/api/v1/org/reload", "")
	if code != 422 || !strings.Contains(body, "broken.yaml:") {
		t.Errorf("reload: %d %s", code, body)
	}
	var o api.Org
	f.get(t, "/api/v1/org", &o)
	if o.Refused == nil || o.Entities["Component"] != 2 {
		t.Errorf("org %+v", o)
	}
}

func TestVerifyingFindsARewriteByAnOlderCheckpoint(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := open(t, d)
		f.fired(t, 3)
		var c api.Checkpoint
		f.get(t, "/api/v1/ledger/checkpoint", &c)
		f.fired(t, 5)
		ask, _ := json.Marshal(map[string][]string{"checkpoints": {c.Note}})
		code, _, body := f.do(t, admin, "POST", "/api/v1/ledger/verify", string(ask))
		var v api.Verdict
		if err := json.Unmarshal([]byte(body), &v); err != nil || code != 200 || !v.OK || v.Checkpoints == 0 {
			t.Errorf("verify: %d %s", code, body)
		}
		if err := d.Write(t.Context(), func(ctx context.Context, q db.Q) error {
			_, err := q.ExecContext(ctx, "UPDATE fact SET actor = 'user:mallory' WHERE seq = 2")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, _, body := f.do(t, admin, "POST", "/api/v1/ledger/verify", ""); !strings.Contains(body, `"ok":false`) || !strings.Contains(body, "altered") {
			t.Errorf("an altered fact: %s", body)
		}
	})
}
