package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/incident"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Backtest is how alert policies would have done on one objective: the recommended one first.
type Backtest struct {
	SLO       string    `json:"slo"`
	Group     string    `json:"group,omitempty"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Covered   float64   `json:"covered" doc:"Share of the minutes that have samples"`
	Events    float64   `json:"events"`
	Incidents int       `json:"incidents" doc:"Judged; without any, recall and detection are null"`
	Trials    []Trial   `json:"trials" doc:"The recommended policy first"`
	Tradeoff  string    `json:"tradeoff,omitempty" doc:"What the first gives up against the next"`
}

// Trial is how one policy did.
type Trial struct {
	Policy       string   `json:"policy"`
	Rules        []string `json:"rules"`
	Pages        int      `json:"pages"`
	PagesPerWeek float64  `json:"pagesPerWeek"`
	Detected     int      `json:"detected" doc:"Incidents with a page"`
	Precision    *float64 `json:"precision" doc:"Pages that belong to an incident; null without pages"`
	Recall       *float64 `json:"recall" doc:"Incidents with a page; null without incidents"`
	DetectP50S   *float64 `json:"detectP50S"`
	DetectP95S   *float64 `json:"detectP95S"`
	ResetP50S    *float64 `json:"resetP50S"`
	SpentMax     *float64 `json:"spentMax" doc:"Largest share of the budget spent before an incident's page"`
	Refused      []string `json:"refused,omitempty" doc:"Rules that can never fire, and why"`
}

// Pair is a burn-rate rule that a policy is made of.
type Pair struct {
	Severity string  `json:"severity,omitempty" enum:"page,ticket" default:"page"`
	Factor   float64 `json:"factor" exclusiveMinimum:"0" doc:"Burn rate both windows must exceed"`
	Long     string  `json:"long" doc:"Such as 1h"`
	Short    string  `json:"short" doc:"Such as 5m"`
}

// Policy is an alert policy to be tried.
type Policy struct {
	Name  string `json:"name" minLength:"1" maxLength:"200"`
	Pairs []Pair `json:"pairs" minItems:"1" maxItems:"16"`
}

// Labelled is a labelled time of trouble.
type Labelled struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Name string    `json:"name,omitempty"`
}

func (s *server) backtests() {
	handle(s, operation{id: "backtest-slo", method: http.MethodPost, path: "/slos/{name}/backtest", tag: "Objectives", needs: auth.Read, summary: "Try alert policies on the past",
		about: "By the evaluator that alerts live, over the counts it stored. Without incidents, those that are known: of the ledger and of the org directory."}, s.backtest)
}

type backtestIn struct {
	Name string `path:"name"`
	Body struct {
		Group     string     `json:"group,omitempty" doc:"Key of a group; the one with the least budget when left out"`
		From      string     `json:"from,omitempty" doc:"Default 30 days before to"`
		To        string     `json:"to,omitempty" doc:"Default now"`
		Policies  []Policy   `json:"policies,omitempty" maxItems:"64" doc:"Tried beside the grid"`
		NoGrid    bool       `json:"noGrid,omitempty" doc:"Try only the policy in force and those given"`
		Incidents []Labelled `json:"incidents,omitempty" maxItems:"10000" doc:"Judged by these alone; those that are known when left out"`
	}
}

type backtestOut struct{ Body Backtest }

const backtestSpan = 30 * 24 * time.Hour

func (s *server) backtest(ctx context.Context, in *backtestIn) (*backtestOut, error) {
	snap := s.snapshot()
	o := snap.Find(in.Name)
	if o == nil {
		return nil, noSLO(in.Name)
	}
	group, err := groupOf(o, "/group", in.Body.Group)
	if err != nil {
		return nil, err
	}
	r, err := span(in.Body.From, in.Body.To, backtestSpan, snap.At)
	if err != nil {
		return nil, err
	}
	if r.Len() > 400*24*time.Hour {
		return nil, fieldError("/from", fmt.Errorf("counts are kept for 400 days; begin later"))
	}
	policies, err := PoliciesOf(o.Objective, in.Body.Policies, in.Body.NoGrid)
	if err != nil {
		return nil, err
	}
	q := slo.BacktestQuestion{From: slo.At(r.From), To: slo.At(r.To)}.DefaultGrace()
	for _, i := range in.Body.Incidents {
		q.Incidents = append(q.Incidents, slo.Incident{From: slo.At(i.From), To: slo.At(i.To), Name: i.Name})
	}
	if in.Body.Incidents == nil {
		known, err := incident.Known(ctx, s.Ledger, s.Directory())
		if err != nil {
			return nil, err
		}
		q.Incidents = incident.For(known, o.Objective, snap.At)
	}
	v, err := s.Budget.Backtest(ctx, in.Name, group, q, policies...)
	if err != nil {
		return nil, err
	}
	return &backtestOut{BacktestOf(in.Name, v)}, nil
}

// PoliciesOf is the policy in force, those asked for, and the grid.
func PoliciesOf(o slo.Objective, asked []Policy, noGrid bool) ([]budget.Policy, error) {
	out := budget.Grid(o)
	if noGrid {
		out = out[:1]
	}
	e := &kit.Error{Code: kit.Invalid, Msg: "a policy cannot be tried"}
	for i, p := range asked {
		with := budget.Policy{Name: p.Name}
		for j, pair := range p.Pairs {
			at := fmt.Sprintf("/policies/%d/pairs/%d", i, j)
			long, err1 := kit.ParseSpan(pair.Long)
			short, err2 := kit.ParseSpan(pair.Short)
			if err1 != nil {
				e.Fields = append(e.Fields, kit.Field{Path: at + "/long", Msg: err1.Error()})
			}
			if err2 != nil {
				e.Fields = append(e.Fields, kit.Field{Path: at + "/short", Msg: err2.Error()})
			}
			if pair.Severity == "" {
				pair.Severity = slo.Page
			}
			with.Pairs = append(with.Pairs, slo.Pair{Name: pair.Severity + "-" + slo.Window{Rolling: long}.String(), Severity: pair.Severity, Factor: pair.Factor, Long: long, Short: short})
		}
		out = slices.Insert(out, 1, with)
	}
	if len(e.Fields) > 0 {
		return nil, e
	}
	return out, nil
}

// BacktestOf is the answer for a verdict.
func BacktestOf(name string, v budget.Verdict) Backtest {
	out := Backtest{SLO: name, Group: v.Group, From: v.From, To: v.To, Events: v.Events, Tradeoff: v.Tradeoff, Trials: []Trial{}}
	if v.Asked > 0 {
		out.Covered = float64(v.Slots) / float64(v.Asked)
	}
	for _, t := range v.Trials {
		out.Incidents = t.Incidents
		row := Trial{Policy: t.Policy.Name, Rules: []string{}, Pages: len(t.Pages), PagesPerWeek: t.PagesPerWeek, Detected: t.Detected, Precision: t.Precision, Recall: t.Recall,
			DetectP50S: t.DetectP50S, DetectP95S: t.DetectP95S, ResetP50S: t.ResetP50S, SpentMax: t.SpentMax}
		for _, r := range t.Plan.Rules {
			row.Rules = append(row.Rules, r.Name)
		}
		for _, l := range t.Plan.LeftOut {
			row.Refused = append(row.Refused, l.Name+": "+leftOut[l.Why])
		}
		out.Trials = append(out.Trials, row)
	}
	return out
}

// leftOut says in words why a pair is not evaluated.
var leftOut = map[string]string{
	"window":      "its long window is not shorter than the budget window",
	"unreachable": "even a total outage would not exceed its factor at this target",
}
