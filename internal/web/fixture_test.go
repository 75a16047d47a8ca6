package web

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"evenkeel.dev/evenkeel/internal/chart"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
)

// A company to look at: Thursday 22 October 2026, 14:32 in Amsterdam, checkout burns.
var (
	amsterdam = mustZone("Europe/Amsterdam")
	fixedNow  = time.Date(2026, 10, 22, 12, 32, 4, 0, time.UTC)
)

func mustZone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return z
}

func ago(d time.Duration) time.Time { return fixedNow.Add(-d) }

var everyone = Person{Name: "ines", Role: "admin", May: func(Right) bool { return true }}

// fixture is what a small organisation's sources answer.
func fixture() Sources {
	s := emptySources()
	s.Shell = func(context.Context) (Shell, error) {
		return Shell{Org: "Harbour Goods", Demo: true, Zone: amsterdam, Evaluated: ago(4 * time.Second), Facts: 1048213, Checkpoint: ago(2 * time.Minute), Verified: ago(time.Minute),
			Sources: 19, Fresh: 18, Refused: refused()}, nil
	}
	s.Objectives = func(context.Context) ([]Objective, error) { return objectives(), nil }
	s.Objective = objectiveFixture
	s.Services = func(context.Context) ([]Service, error) { return servicesOf(objectives(), "loyalty", 2), nil }
	s.Backtest = func(context.Context, BacktestAsk) (Backtest, error) { return backtestFixture(), nil }
	s.Correct = func(context.Context, Person, Correction) error { return nil }
	s.Reverse = func(context.Context, Person, string, string, string) error { return nil }
	s.Facts = func(_ context.Context, f FactFilter) (FactPage, error) { return factsFixture(f), nil }
	s.System = func(context.Context) (System, error) { return systemFixture(), nil }
	s.Senders = func(context.Context) ([]SourceState, error) { return systemFixture().Sources, nil }
	more(&s)
	return s
}

// emptySources is an installation in its first second.
func emptySources() Sources {
	s := Sources{
		Clock:      func() time.Time { return fixedNow },
		Who:        func(*http.Request) Person { return everyone },
		Shell:      func(context.Context) (Shell, error) { return Shell{Org: "Example", Zone: time.UTC}, nil },
		Objectives: func(context.Context) ([]Objective, error) { return nil, nil },
		Objective: func(_ context.Context, ask ObjectiveAsk) (ObjectiveDetail, error) {
			return ObjectiveDetail{}, kit.Errorf(kit.NotFound, "there is no objective %q", ask.Name)
		},
		Services: func(context.Context) ([]Service, error) { return nil, nil },
		Facts:    func(context.Context, FactFilter) (FactPage, error) { return FactPage{}, nil },
		System:   func(context.Context) (System, error) { return System{}, nil },
	}
	emptyMore(&s)
	return s
}

func refused() *Refused {
	return &Refused{Errors: 1, InForce: "8be01d4", At: ago(3*time.Hour + 27*time.Minute), First: kit.Problem{File: "catalog/payments.yaml", Line: 41, Column: 7, Severity: kit.SeverityError,
		Msg: "owner group:default/payment is not in the directory", Remedy: "add it under groups/ or name group:default/payments"}}
}

// row is one objective of the fixture.
type row struct {
	service, name string
	tier          int
	target        string
	left, burn    float64
	state         State
	days          string // m met, b burned, x missed, - none; repeated from the left
}

var rows = []row{
	{"checkout", "availability", 0, "0.9995", 0.087, 97.5, Paging, "mxmmmmmmmmmmxmmmmmmmmbmmbbmx"},
	{"checkout", "latency", 0, "0.99", 0.578, 3.1, Burning, "mmmmmmmmmmmmmbmmmmmmmmmmmmbx"},
	{"payments", "availability", 0, "0.9995", 0.241, 41, Paging, "mmmmmmmmmmmmmxmmmmmmmmmmmmmx"},
	{"gateway", "availability", 0, "0.9999", 0.713, 4.2, Ticketed, "mmxmmmmmmmmmmbmmmmmmmmmmmmmb"},
	{"accounts", "availability", 0, "0.9995", 0.826, 0.3, Steady, "mmmmmmmbmmmmmmmmmmmmmbmmmmmm"},
	{"search", "latency", 1, "0.99", 0.339, 1.2, Burning, "mmmmmmmbmbmmmmmm-mmbbmmmbmmb"},
	{"inventory", "reservation-lag", 1, "0.995", 0.415, 2.3, Burning, "mmmmbmmmmmmbmmmmmmmmbbmmmbbb"},
	{"cart", "availability", 1, "0.999", 0.64, 0.8, Steady, "mmmmmmmmmmmmmmmmmmmmmmmmmmmm"},
	{"notifications", "delivery", 1, "0.995", 0.774, math.NaN(), NoData, "mmmmmm-mmmmmmmmmmmmmmm-mmmm-"},
	{"catalog", "availability", 1, "0.999", 0.882, 0.2, Steady, "m"},
	{"sessions", "availability", 1, "0.999", 0.918, 0.1, Steady, "m"},
	{"shipping-quotes", "availability", 2, "0.99", -0.124, 1.6, Spent, "mbbbmxmmbbbxmbbxmmbbxxbbxxmbb"},
	{"reviews", "availability", 2, "0.995", 0.588, 0.4, Steady, "mmmmmbmmmmmmmmmmmmbmmmmmmmmm"},
	{"pricing", "availability", 2, "0.999", 0.692, 0.5, Steady, "m"},
	{"returns", "availability", 2, "0.995", 0.847, 0, Steady, "m"},
	{"recommendations", "freshness", 2, "0.95", 0.951, 0.1, Steady, "mmmmmmbmmmmmmmbmmmmbmmmmmmmm"},
	{"warehouse-reports", "freshness", 3, "0.95", 0.463, 0.9, Steady, "mmmmmmmbmmmmmbmmmmmmmbmmmmmm"},
	{"merch-admin", "availability", 3, "0.99", 0.729, 0.2, Steady, "m"},
	{"image-resizer", "availability", 3, "0.99", 0.97, 0.1, Steady, "mmmmmmmmmmmmbmmmmmmmmmmmmmmm"},
	{"sitemap", "freshness", 3, "0.95", 1, 0, Young, "----------------------mmmmmm"},
}

func daysOf(text string) (out [28]chart.Day) {
	for i := range out {
		switch text[i%len(text)] {
		case 'm':
			out[i] = chart.DayMet
		case 'b':
			out[i] = chart.DayBurned
		case 'x':
			out[i] = chart.DayMissed
		}
	}
	return out
}

func objectives() []Objective {
	var out []Objective
	for i, r := range rows {
		target := slo.MustDecimal(r.target)
		total := 104_793_000 / float64(i+1)
		allowed := total * target.Complement()
		o := Objective{Name: r.service + "-" + r.name, Service: r.service, Owner: "team " + []string{"checkout", "platform", "discovery"}[i%3], Tier: r.tier, Target: target,
			Window: slo.Window{Rolling: 28 * 24 * time.Hour}, State: r.state, Burn: r.burn, Days: daysOf(r.days),
			Budget: Budget{Left: r.left, Bad: allowed * (1 - r.left), Total: total, Allowed: allowed, SLI: 1 - target.Complement()*(1-r.left)}}
		switch {
		case r.left < 0:
			o.SpentAt = ago(76 * time.Hour)
		case r.burn > 1:
			h := time.Duration(r.left / r.burn * float64(28*24*time.Hour))
			o.Spent = kit.Range{From: fixedNow.Add(h), To: fixedNow.Add(h * 2)}
		}
		if r.state == Paging {
			o.Firing = []Firing{{"Page, fast", "page", ago(40 * time.Minute), 1047978}, {"Page, slow", "page", ago(33 * time.Minute), 1047981}}
		}
		if r.state == Ticketed {
			o.Firing = []Firing{{"Ticket", "ticket", ago(3 * time.Hour), 1047001}}
		}
		if r.state == NoData {
			o.Held = ago(13 * time.Minute)
		}
		out = append(out, o)
	}
	return out
}

// servicesOf makes a service of each objective's service, and one without any.
func servicesOf(all []Objective, lonely string, lonelyTier int) []Service {
	var out []Service
	for _, o := range all {
		i := slices.IndexFunc(out, func(s Service) bool { return s.Name == o.Service })
		if i < 0 {
			out = append(out, Service{Name: o.Service, Owner: o.Owner, System: "storefront", Lifecycle: "production", Tier: o.Tier, State: o.State, Left: math.Inf(1), Burn: o.Burn,
				Rate: 60 + o.Budget.Left*100, Errors: (1 - o.Budget.Left) / 1000, P95: 0.08 + o.Budget.Left/10})
			i = len(out) - 1
		}
		s := &out[i]
		s.Objectives++
		if o.State.rank() < s.State.rank() {
			s.State = o.State
		}
		if o.Budget.Left < s.Left {
			s.Left, s.Worst, s.Days = o.Budget.Left, o.Name, o.Days
		}
	}
	if lonely != "" {
		out = append(out, Service{Name: lonely, Owner: "team growth", Tier: lonelyTier, State: Unset, Left: math.NaN(), Burn: math.NaN(), Rate: 4, Errors: 0.001, P95: 0.12})
	}
	return out
}

// simulate is a day-like failure share with spikes, and the budget it leaves.
func simulate(d ObjectiveDetail, step time.Duration) (failing, volume, left Track) {
	n := int(d.Range.Len() / step)
	rnd := rand.New(rand.NewPCG(7, 11))
	failing, volume, left = Track{d.Range.From, step, make([]float64, n)}, Track{d.Range.From, step, make([]float64, n)}, Track{d.Range.From, step, make([]float64, n)}
	spikes := map[int]float64{n * 8 / 100: 0.012, n * 455 / 1000: 0.03, n * 78 / 100: 0.004, n - 1: 0.085}
	bad, allowed := 0.2, 1.0
	for i := range n {
		hour := float64(d.Range.From.Add(step * time.Duration(i)).Hour())
		volume.V[i] = 300000 + 120000*math.Sin((hour-9)/24*2*math.Pi)
		f := 0.00008 + rnd.Float64()*0.00012
		if s, ok := spikes[i]; ok {
			f = s
		}
		if i > n*84/100 && i < n*845/1000 {
			f, volume.V[i] = math.NaN(), math.NaN()
			failing.V[i], left.V[i] = f, left.V[i-1]
			continue
		}
		failing.V[i] = f
		bad += f * volume.V[i] / 52396
		if i == n*44/100 {
			bad -= 0.3
		}
		left.V[i] = allowed - bad
	}
	shift := 0.087 - left.V[n-1]
	for i := range left.V {
		left.V[i] += shift
	}
	return failing, volume, left
}

func objectiveFixture(_ context.Context, ask ObjectiveAsk) (ObjectiveDetail, error) {
	all := objectives()
	i := slices.IndexFunc(all, func(o Objective) bool { return o.Name == ask.Name })
	if i < 0 {
		return ObjectiveDetail{}, kit.Errorf(kit.NotFound, "there is no objective %q", ask.Name)
	}
	d := ObjectiveDetail{Objective: all[i], OnCall: "@checkout-primary", Range: ask.Range}
	if d.Range.From.IsZero() {
		d.Range = kit.Range{From: ago(28 * 24 * time.Hour), To: fixedNow}
	}
	d.Spec = slo.Objective{Name: all[i].Name, Service: all[i].Service, Method: slo.Occurrences, NoData: slo.HoldData, Indicator: slo.Indicator{Kind: slo.GoodTotal,
		Good: slo.Query{Text: `http_server_requests_total{service="checkout", code!~"5.."}[{{.window}}]`}, Total: slo.Query{Text: `http_server_requests_total{service="checkout"}[{{.window}}]`}}}
	d.Failing, d.Volume, d.Left = simulate(d, 2*time.Hour)
	d.Recent = recentFixture()
	d.Rates = []Rate{rateFixture(time.Hour, 97.5), rateFixture(6*time.Hour, 17.2)}
	d.Rules = []Rule{
		{Name: "Page, fast", Severity: "page", Factor: 14.4, Long: WindowNow{Len: time.Hour, Burn: 97.5, Bad: 10462, All: 214000}, Short: WindowNow{Len: 5 * time.Minute, Burn: 49.3}, Spend: 0.02, Since: ago(40 * time.Minute), Seq: 1047978},
		{Name: "Page, slow", Severity: "page", Factor: 6, Long: WindowNow{Len: 6 * time.Hour, Burn: 17.2}, Short: WindowNow{Len: 30 * time.Minute, Burn: 112.2}, Spend: 0.05, Since: ago(33 * time.Minute), Seq: 1047981},
		{Name: "Ticket", Severity: "ticket", Factor: 3, Long: WindowNow{Len: 24 * time.Hour, Burn: 6.2}, Short: WindowNow{Len: 2 * time.Hour, Burn: 48.7}, Spend: 0.11, Since: ago(28 * time.Minute), Seq: 1047990},
		{Name: "Ticket, trickle", Severity: "ticket", Factor: 1, Long: WindowNow{Len: 72 * time.Hour, Burn: 0.8}, Short: WindowNow{Len: 6 * time.Hour, Burn: 17.2}, Spend: 0.11, Held: "12 of 30 failures needed"},
	}
	span := func(at, long time.Duration) kit.Range { return kit.Range{From: ago(at), To: ago(at - long)} }
	day := 24 * time.Hour
	d.Alerts = []Alert{{kit.Range{From: ago(40 * time.Minute)}, "Page, fast", "page", 1047978}, {kit.Range{From: ago(33 * time.Minute)}, "Page, slow", "page", 1047981},
		{span(15*day, 44*time.Minute), "Page, fast", "page", 940001}, {span(15*day, 65*time.Minute), "Page, slow", "page", 940007}, {span(15*day, 143*time.Minute), "Ticket", "ticket", 940009},
		{span(25*day+18*time.Hour, 17*time.Minute), "Page, fast", "page", 890001}, {span(2*day, 7*time.Hour), "Ticket, trickle", "ticket", 1010001}}
	d.Incidents = []Incident{{span(25*day+18*time.Hour, 19*time.Minute), "26 Sep", ""}, {span(15*day+5*time.Hour, 46*time.Minute), "7 Oct", ""}, {kit.Range{From: ago(46 * time.Minute)}, "today", ""}}
	for i, h := range []int{27 * 24, 23 * 24, 21 * 24, 17 * 24, 15*24 + 5, 13 * 24, 9 * 24, 6 * 24, 3 * 24, 46} {
		d.Changes = append(d.Changes, Change{At: ago(time.Duration(h) * time.Hour), Kind: map[bool]string{true: "rollback", false: "deploy"}[i == 4], Title: fmt.Sprintf("v5.%d.0", 10+i), Seq: int64(900000 + i)})
	}
	d.Gaps = []Gap{{span(4*day+11*time.Hour, 4*time.Hour+15*time.Minute), "prom-eu-2", "connection refused", slo.HoldData, 1012430}}
	d.Corrections = []Corrected{{ID: "c1", Range: span(11*day+14*time.Hour, 40*time.Minute), Effect: "exclude", Reason: "Planned maintenance, announced 6 days before", By: "@checkout-lead", Seq: 957402, Delta: 0.009}}
	d.Definition = SourceText{File: "objectives/checkout.yaml", Line: 12, Mark: 26, Version: "3f9c2ab", Since: ago(50 * day), Text: definitionText}
	d.Versions = 4
	d.Ceiling = &Ceiling{Service: "checkout", Target: 0.9995, Value: 0.99957, From: []string{"payments", "accounts"}}
	d.Policy = []PolicyLine{{Left: 0.5, Action: "notify", At: ago(15 * day), Seq: 935000}, {Left: 0.25, Action: "propose-freeze", At: ago(38 * time.Minute), Seq: 1047992}, {Left: 0, Action: "propose-freeze"}}
	d.PolicyFile = "evenkeel.yaml:18"
	d.Proof = &Proof{At: ago(50 * day), Fires: true, Seq: 800100, Rules: []ProofRule{{Rule: "Page, fast", Fires: 3 * time.Minute, Ends: 62 * time.Minute}, {Rule: "Page, slow", Fires: 9 * time.Minute, Ends: 5 * time.Hour}, {Rule: "Page, thin traffic", Fires: -1, Ends: -1, Thin: true}}}
	d.Evidence = []Evidence{{Seq: 1047978, Kind: "alert.fired", Words: "14.4× over 1 h and 5 min, 13:52, with the query and the counts"}, {Seq: 1047931, Kind: "policy.applied", Words: "version 3f9c2ab, 2 Sep"}}
	return d, nil
}

const definitionText = `apiVersion: openslo/v1
kind: SLO
metadata:
  name: checkout-availability
  annotations:
    evenkeel.dev/alert-policy: tier-0
    evenkeel.dev/no-data: hold
spec:
  service: checkout
  budgetingMethod: Occurrences
  timeWindow:
    - duration: 28d
      isRolling: true
  objectives:
    - target: 0.9995
`

func recentFixture() Track {
	t := Track{From: ago(2*time.Hour + 2*time.Minute), Step: 2 * time.Minute}
	for i := range 62 {
		v := 0.286
		if i > 38 {
			v = 0.286 - (0.286-0.087)*math.Sqrt(float64(i-38)/23)
		}
		t.V = append(t.V, v)
	}
	return t
}

func rateFixture(window time.Duration, last float64) Rate {
	rnd := rand.New(rand.NewPCG(uint64(window), 3))
	t := Track{From: ago(24 * time.Hour), Step: 5 * time.Minute}
	for i := range 289 {
		v := 0.25 + 0.1*rnd.Float64()
		if k := i - 279; k >= 0 {
			v = 0.3 * math.Pow(last/0.3, float64(k)/9)
		}
		t.V = append(t.V, v)
	}
	return Rate{window, t}
}

func backtestFixture() Backtest {
	m := time.Minute
	return Backtest{Range: kit.Range{From: ago(30 * 24 * time.Hour), To: fixedNow}, At: ago(8 * time.Hour), Incidents: 2, Against: "2 incidents, impact start from the SLI", Pick: 1,
		Why: "It misses neither incident, pages for nothing once less, and comes 6 min later.",
		Rows: []BacktestRow{
			{Policy: "Two pairs, 14.4× 1 h and 6× 6 h", InForce: true, Pages: 3, Caught: 2, Nothing: 1, Median: 6 * m, Longest: 6 * m, Spend: 0.029, Clears: 28 * m},
			{Policy: "Two pairs, 30× 1 h and 10× 6 h", Pages: 2, Caught: 2, Median: 12 * m, Longest: 13 * m, Spend: 0.06, Clears: 16 * m},
			{Policy: "One pair, 3× 1 d", Pages: 1, Caught: 1, Median: 20 * m, Longest: 20 * m, Spend: 0.092, Clears: 117 * m},
			{Policy: "Plain threshold, 20% for 5 min", Median: -1, Longest: -1, Spend: math.NaN(), Clears: -1},
		}}
}

func factsFixture(f FactFilter) FactPage {
	all := []event.Event{
		{Seq: 1048207, Kind: "evaluator.beat", At: ago(92 * time.Second), By: "evaluator:burn", About: "evaluator:burn", Fact: &event.EvaluatorBeat{Evaluator: "burn", Subjects: 41, RoundMS: 12}},
		{Seq: 1047990, Kind: "budget.crossed", At: ago(38 * time.Minute), By: "evaluator:budget", About: "slo:checkout-availability", Cause: []int64{1047978}, Fact: &event.BudgetCrossed{SLO: "checkout-availability", Threshold: 0.75, Consumed: 0.76, Action: "propose-freeze"}},
		{Seq: 1047981, Kind: "alert.fired", At: ago(33 * time.Minute), By: "evaluator:burn", About: "slo:checkout-availability", Fact: &event.AlertFired{AlertID: "a2", Rule: "Page, slow", Severity: "page", Factor: 6, StartsAt: ago(33 * time.Minute)}},
		{Seq: 1047978, Kind: "alert.fired", At: ago(40 * time.Minute), By: "evaluator:burn", About: "slo:checkout-availability", Fact: &event.AlertFired{AlertID: "a1", Rule: "Page, fast", Severity: "page", Factor: 14.4, StartsAt: ago(40 * time.Minute)}},
		{Seq: 1047600, Kind: "catalog.refused", At: ago(3*time.Hour + 27*time.Minute), By: "org:", About: "org:", Fact: &event.CatalogRefused{Digest: "sha256:aa", Errors: 1, InForce: "8be01d4"}},
		{Seq: 1046100, Kind: "service.observed", At: ago(9 * time.Hour), By: "door:otlp", About: "service:coupon-bot", Fact: &event.ServiceObserved{Name: "coupon-bot", Source: "otlp"}},
		{Seq: 1012430, Kind: "source.gap", At: ago(4*24*time.Hour + 11*time.Hour), By: "evaluator:burn", About: "source:prom-eu-2", Fact: &event.SourceGap{Source: "prom-eu-2", From: ago(4*24*time.Hour + 11*time.Hour), To: ago(4*24*time.Hour + 7*time.Hour), Reason: "connection refused"}},
	}
	var page FactPage
	for _, e := range all {
		if (len(f.Kinds) == 0 || slices.Contains(f.Kinds, e.Kind)) && (f.About == "" || e.About == f.About) {
			page.Facts = append(page.Facts, e)
		}
	}
	return page
}

func systemFixture() System {
	return System{Version: "v0.1.0 (3f9c2ab)", Started: ago(26 * time.Hour), Memory: 148e6, CPU: 0.08, Goroutine: 84,
		Sources: []SourceState{
			{Name: "checkout", Kind: "otlp", Last: ago(2 * time.Second), Every: 10 * time.Second, Lag: 400 * time.Millisecond, Rate: 2210, Spans: 412, Series: 18211},
			{Name: "prom-eu-1", Kind: "remote-write", Last: ago(6 * time.Second), Every: 15 * time.Second, Lag: 1200 * time.Millisecond, Rate: 8120, Spans: math.NaN(), Series: -1},
			{Name: "prom-eu-2", Kind: "prometheus", Last: ago(13 * time.Minute), Every: time.Minute, Lag: -1, Rate: math.NaN(), Spans: math.NaN(), Series: -1, Silent: true, Held: 7, Error: "connection refused"},
		},
		Rates:     []Rated{{"Samples stored", "a second", 10330, wave(ago(time.Hour), 60, time.Minute, 10000, 900, 1)}, {"Spans reduced", "a second", 412, wave(ago(time.Hour), 60, time.Minute, 400, 60, 1)}, {"Facts recorded", "a minute", 5.4, wave(ago(time.Hour), 60, time.Minute, 0.1, 0.05, 1)}},
		Stores:    []Stored{{"Ledger", "data/ledger.db", 912e6, 41e9, "1,048,213 facts"}, {"Metrics", "data/metrics", 3.2e9, 41e9, "115,433 series, 15 d kept"}, {"Counts", "data/counts", 88e6, 41e9, "41 objectives, 400 d kept"}},
		Tokens:    []Token{{ID: "t1", Name: "grafana", Role: "viewer", Created: ago(700 * time.Hour), Expires: fixedNow.Add(900 * time.Hour), Used: ago(time.Minute)}, {ID: "t2", Name: "ci", Role: "operator", Created: ago(900 * time.Hour), Expires: fixedNow.Add(90 * time.Hour), Revoked: true}},
		Evaluator: EvaluatorState{Subjects: 41, Budgets: 44, Round: 12 * time.Millisecond, Last: ago(4 * time.Second), Every: time.Minute, Missed: 3 * time.Minute, Beat: ago(32 * time.Minute), BeatSeq: 1047990},
	}
}
