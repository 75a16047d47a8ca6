package web

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
)

// more adds the other sources to the fixture.
func more(s *Sources) {
	s.Service = serviceFixture
	s.Estate = func(_ context.Context, focus string) (Estate, error) { return estateFixture(focus), nil }
	s.Query = queryFixture
	s.Names = func(_ context.Context, prefix string, limit int) ([]MetricName, error) {
		all := []MetricName{{"http_server_requests_total", "counter", "Requests answered"}, {"http_server_duration_seconds_bucket", "histogram", "Time to answer"}, {"up", "gauge", ""}, {"process_resident_memory_bytes", "gauge", "Resident memory"}}
		return slices.DeleteFunc(all, func(m MetricName) bool { return !strings.Contains(m.Name, prefix) }), nil
	}
	s.Labels = func(context.Context, string, string, int) ([]string, error) { return []string{"code", "service"}, nil }
	s.Ledger = func(context.Context) (LedgerState, error) { return ledgerFixture(), nil }
	s.Fact = factFixture
	s.Verify = func(ctx context.Context, progress func(done, total int64)) (Verdict, error) {
		progress(500000, 1048213)
		return Verdict{At: fixedNow, Facts: 1048213, Took: 41 * time.Second}, nil
	}
	s.Org = func(context.Context) (Org, error) { return orgFixture(), nil }
	s.OrgFile = func(_ context.Context, path string) (SourceText, error) {
		if path != "catalog/payments.yaml" {
			return SourceText{}, kit.Errorf(kit.NotFound, "there is no file %q in the organisation directory", path)
		}
		return SourceText{File: path, Text: paymentsFile, Problems: orgFixture().Problems}, nil
	}
	s.NewToken = func(context.Context, Person, TokenAsk) (string, error) { return "evk_7fq2r9s4x1c8v5b3n6m0", nil }
	s.RevokeToken = func(context.Context, Person, string) error { return nil }
	s.Search = func(_ context.Context, q string, limit int) ([]Hit, error) {
		var out []Hit
		for _, o := range objectives() {
			if strings.Contains(o.Name, q) {
				out = append(out, Hit{o.Name, objectiveHref(o.Name, ""), "objective"})
			}
		}
		return out, nil
	}
}

// emptyMore is the same of an installation in its first second.
func emptyMore(s *Sources) {
	s.Service = func(_ context.Context, ask ServiceAsk) (ServiceDetail, error) {
		return ServiceDetail{}, kit.Errorf(kit.NotFound, "there is no service %q", ask.Name)
	}
	s.Estate = func(context.Context, string) (Estate, error) { return Estate{}, nil }
	s.Query = func(context.Context, QueryAsk) (QueryAnswer, error) { return QueryAnswer{}, nil }
	s.Names = func(context.Context, string, int) ([]MetricName, error) { return nil, nil }
	s.Ledger = func(context.Context) (LedgerState, error) { return LedgerState{}, nil }
	s.Fact = func(_ context.Context, seq int64) (FactDetail, error) {
		return FactDetail{}, kit.Errorf(kit.NotFound, "there is no fact %d", seq)
	}
	s.Org = func(context.Context) (Org, error) { return Org{}, nil }
	s.OrgFile = func(_ context.Context, path string) (SourceText, error) {
		return SourceText{}, kit.Errorf(kit.NotFound, "there is no file %q", path)
	}
	s.Search = func(context.Context, string, int) ([]Hit, error) { return nil, nil }
}

func wave(from time.Time, n int, step time.Duration, mid, swing, late float64) Track {
	t := Track{From: from, Step: step}
	for i := range n {
		v := mid + swing*math.Sin(float64(i)/9) + swing/3*math.Sin(float64(i)*1.7)
		if float64(i) > float64(n)*0.87 {
			v *= late
		}
		t.V = append(t.V, v)
	}
	return t
}

func serviceFixture(_ context.Context, ask ServiceAsk) (ServiceDetail, error) {
	all := servicesOf(objectives(), "loyalty", 2)
	i := slices.IndexFunc(all, func(s Service) bool { return s.Name == ask.Name })
	if i < 0 {
		return ServiceDetail{}, kit.Errorf(kit.NotFound, "there is no service %q", ask.Name)
	}
	d := ServiceDetail{Service: all[i], Description: "Takes an order from cart to confirmed payment.", Kind: "Component", Type: "service", OnCall: "@checkout-primary",
		File: "catalog/" + ask.Name + ".yaml", Line: 3, Version: "v5.18.1", Since: ago(46 * time.Hour), Links: []Link{{"Runbook", "https://runbooks.example/checkout"}}, Range: ask.Range}
	for _, o := range objectives() {
		if o.Service == ask.Name {
			d.Objectives = append(d.Objectives, o)
		}
	}
	step := 2 * time.Minute
	n := int(ask.Range.Len() / step)
	d.Rate, d.Errors = wave(ask.Range.From, n, step, 58, 6, 1), wave(ask.Range.From, n, step, 0.00015, 0.00004, 300)
	for _, q := range []struct{ q, v float64 }{{0.5, 0.118}, {0.95, 0.35}, {0.99, 0.64}} {
		d.Latency = append(d.Latency, Quantile{q.q, wave(ask.Range.From, n, step, q.v, q.v/10, 1.6)})
	}
	for k := 40; k < 46 && k < n; k++ {
		d.Rate.V[k], d.Errors.V[k] = math.NaN(), math.NaN()
	}
	d.Changes = []Change{{At: ago(48 * time.Minute), Kind: "suspect", Title: "payments v2.31.0"}, {At: ago(2 * time.Minute), Kind: "rollback", Title: "payments rolled back"}}
	d.Incidents = []Incident{{Range: kit.Range{From: ago(46 * time.Minute)}, Label: "page open"}}
	d.Graph = graphFixture()
	d.Ceiling = &Ceiling{Service: ask.Name, Target: 0.9995, Value: 0.99957, From: []string{"payments", "accounts"}}
	d.Facts = factsFixture(FactFilter{}).Facts[:4]
	return d, nil
}

func graphFixture() Graph {
	var g Graph
	for _, s := range servicesOf(objectives(), "loyalty", 2) {
		g.Nodes = append(g.Nodes, Node{Name: s.Name, Kind: "service", Tier: s.Tier, Left: s.Left, State: s.State, Owner: s.Owner})
	}
	for _, name := range []string{"web-shop", "acquirer-a", "identity-db", "stock-db"} {
		g.Nodes = append(g.Nodes, Node{Name: name, External: true, Left: math.NaN(), Tier: -1})
	}
	edge := func(from, to, how string) {
		g.Edges = append(g.Edges, Edge{From: from, To: to, Hard: strings.Contains(how, "h"), Failing: strings.Contains(how, "x"), Declared: !strings.Contains(how, "u"), Observed: !strings.Contains(how, "d"), Rate: 12, Errors: 0.001})
	}
	edge("web-shop", "gateway", "hx")
	edge("gateway", "checkout", "hx")
	edge("cart", "checkout", "h")
	edge("checkout", "payments", "hx")
	edge("checkout", "accounts", "h")
	edge("checkout", "inventory", "h")
	edge("checkout", "shipping-quotes", "s")
	edge("checkout", "notifications", "s")
	edge("payments", "acquirer-a", "h")
	edge("accounts", "identity-db", "h")
	edge("inventory", "stock-db", "h")
	edge("gateway", "search", "h")
	edge("search", "catalog", "h")
	edge("catalog", "pricing", "s")
	edge("recommendations", "catalog", "su")
	edge("gateway", "recommendations", "s")
	edge("gateway", "sessions", "h")
	edge("loyalty", "accounts", "hd")
	return g
}

func estateFixture(focus string) Estate {
	e := Estate{Graph: graphFixture(), Points: []Point{{"accounts", 0, 5, 0}, {"payments", 0, 4, 0}, {"catalog", 1, 3, 0}},
		Ceilings:     []Ceiling{{"gateway", 0.9999, 0.9985, []string{"checkout", "sessions"}}, {"checkout", 0.9995, 0.99957, []string{"payments", "accounts"}}},
		Inversions:   []Edge{{From: "gateway", To: "search", Hard: true}},
		Uncatalogued: []Seen{{"coupon-bot", "otlp", ago(9 * time.Hour), 1046100}},
		Undeclared:   []Edge{{From: "recommendations", To: "catalog", Rate: 12}}, Unseen: []Edge{{From: "loyalty", To: "accounts", Rate: math.NaN()}}}
	if focus != "" {
		e.Blast = &Blast{Name: focus, Hard: []string{"checkout", "gateway", "web-shop"}, Soft: []string{"notifications"}}
	}
	return e
}

func queryFixture(_ context.Context, ask QueryAsk) (QueryAnswer, error) {
	if strings.Contains(ask.Expr, "(((") {
		return QueryAnswer{}, kit.Errorf(kit.Invalid, "1:14: parse error: unclosed left parenthesis")
	}
	a := QueryAnswer{Samples: 18240, Took: 9 * time.Millisecond}
	n := int(ask.Range.Len()/ask.Step) + 1
	for i := range 9 {
		a.Series = append(a.Series, QuerySeries{[]kit.Label{{Name: "__name__", Value: "http_server_requests_total"}, {Name: "code", Value: fmt.Sprint(200 + i)}, {Name: "service", Value: "checkout"}}, wave(ask.Range.From, n, ask.Step, 40+10*float64(i), 5, 1)})
	}
	return a, nil
}

func ledgerFixture() LedgerState {
	c := Checkpoint{Size: 1048203, Hash: "nzxU9+Zb1c2", At: ago(93 * time.Second), By: "harbour-goods-1", Note: "evenkeel.dev/harbour-goods\n1048203\nnzxU9+Zb1c2=\n\n— harbour-goods-1 Az3g…"}
	return LedgerState{Facts: 1048213, LastDay: 8114, Root: "9f3c5b0e77aa41d09f3c5b0e77aa41d0", Epoch: 1, Checkpoint: c, Published: &c, Where: "audit-box", Verdict: &Verdict{At: ago(10 * time.Hour), Facts: 1044652, Took: 41 * time.Second}}
}

func factFixture(_ context.Context, seq int64) (FactDetail, error) {
	all := factsFixture(FactFilter{}).Facts
	i := slices.IndexFunc(all, func(e event.Event) bool { return e.Seq == seq })
	if i < 0 {
		return FactDetail{}, kit.Errorf(kit.NotFound, "there is no fact %s; the newest is #1,048,213", kit.Seq(seq))
	}
	e := all[i]
	e.Seen = e.At.Add(586 * time.Millisecond)
	body, err := json.Marshal(e.Fact)
	c := ledgerFixture().Checkpoint
	return FactDetail{Event: e, Body: body, Hash: "5b0e19c3c41d7c2a", Proof: []string{"71c0aa9e", "c41d5b0e", "9f3c07ab"}, Against: &c, Causes: all[3:4], Effects: all[1:2]}, err
}

func orgFixture() Org {
	p := refused().First
	return Org{Source: "/etc/evenkeel/org", Version: "8be01d4", Digest: "sha256:8be01d4a0c", Applied: ago(28 * time.Hour), Refused: refused(), Entities: map[string]int{"components": 20, "groups": 6, "objectives": 41, "systems": 3},
		Problems: []kit.Problem{p, {File: "catalog/search.yaml", Line: 12, Column: 5, Severity: kit.SeverityWarning, Rule: "tier-inversion", Msg: "search is tier 1 and gateway, tier 0, needs it hard", Remedy: "raise its tier or make the dependency soft"}},
		Files:    []OrgFile{{"evenkeel.yaml", "organisation", 0, 0}, {"catalog/payments.yaml", "2 components", 1, 0}, {"catalog/search.yaml", "1 component", 0, 1}, {"objectives/checkout.yaml", "4 objectives", 0, 0}},
		Versions: []OrgVersion{{Version: "c41f0aa", At: ago(3*time.Hour + 27*time.Minute), Files: 31, Errors: 1, Seq: 1047600}, {Version: "8be01d4", At: ago(28 * time.Hour), Files: 31, Changed: []string{"component:default/checkout"}, Seq: 1039002}}}
}

const paymentsFile = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: payments
  labels:
    evenkeel.dev/tier: "0"
spec:
  type: service
` + "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n" + `# the acquirers' side
---
kind: Component
spec:
  owner: group:default/payment
  lifecycle: production
`
