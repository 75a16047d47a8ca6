package api

import (
	"context"
	"net/http"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/command"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

// SLO is one objective as it stands after the last round.
type SLO struct {
	Name     string     `json:"name"`
	Title    string     `json:"title,omitempty"`
	Service  string     `json:"service,omitempty"`
	Tier     int        `json:"tier" doc:"0 to 3, -1 = none"`
	Target   string     `json:"target" doc:"Decimal, such as 0.999"`
	Window   string     `json:"window" doc:"Such as 28d, or a calendar month in Europe/Amsterdam"`
	State    string     `json:"state" enum:"paging,ticketing,exhausted,burning,healthy,no-data"`
	At       time.Time  `json:"at" doc:"The minute it was evaluated at"`
	Groups   []SLOGroup `json:"groups" doc:"One budget each; a single one with an empty key where the objective is undivided"`
	Inexact  []string   `json:"inexact,omitempty" doc:"Queries that are evaluated as written instead of counted exactly"`
	Problem  string     `json:"problem,omitempty" doc:"Why its alerts cannot fire"`
	File     string     `json:"file,omitempty"`
	Line     int        `json:"line,omitempty"`
	Filling  float64    `json:"filling" doc:"Share of its history that has been counted, 1 = all"`
	Version  string     `json:"version,omitempty"`
	Refused  []string   `json:"refusedGroups,omitempty"`
	Describe string     `json:"description,omitempty"`
}

// SLOGroup is one budget.
type SLOGroup struct {
	Key    string            `json:"key"`
	Labels map[string]string `json:"labels,omitempty"`
	State  string            `json:"state"`
	Budget SLOBudget         `json:"budget"`
	Rules  []SLORule         `json:"rules"`
}

// SLOBudget is the arithmetic of the objective's window.
type SLOBudget struct {
	From             time.Time `json:"from"`
	To               time.Time `json:"to"`
	Bad              float64   `json:"bad" doc:"Events"`
	Total            float64   `json:"total" doc:"Events"`
	Allowed          float64   `json:"allowed" doc:"Events the target allows among total"`
	ValidS           float64   `json:"validS" doc:"Seconds that count"`
	SLI              *float64  `json:"sli" doc:"0 to 1; null without events"`
	Consumed         float64   `json:"consumed" doc:"Share of the budget spent"`
	Remaining        float64   `json:"remaining" doc:"1 - consumed; negative when overspent"`
	RemainingCurrent float64   `json:"remainingCurrent" doc:"Had the target of now held all the time"`
	Left             *float64  `json:"left" doc:"Bad events that may still happen; null without events"`
	ExhaustsInS      *float64  `json:"exhaustsInS" doc:"Seconds at the present burn; null = not within the window"`
	Clamped          bool      `json:"clamped,omitempty" doc:"The source contradicts itself: more bad events than events, or fewer than none"`
}

// SLORule is one alert rule.
type SLORule struct {
	Name     string     `json:"name"`
	Severity string     `json:"severity"`
	Factor   float64    `json:"factor"`
	LongS    int64      `json:"longS"`
	ShortS   int64      `json:"shortS"`
	Burn     float64    `json:"burn" doc:"Of the long window"`
	Recent   float64    `json:"recentBurn" doc:"Of the short window"`
	Firing   bool       `json:"firing"`
	Since    *time.Time `json:"since,omitempty"`
	AlertID  string     `json:"alertId,omitempty"`
}

func (s *server) slos() {
	const tag = "Objectives"
	handle(s, operation{id: "list-slos", method: http.MethodGet, path: "/slos", tag: tag, needs: auth.Read, summary: "List objectives with their budgets"}, s.listSLOs)
	handle(s, operation{id: "get-slo", method: http.MethodGet, path: "/slos/{name}", tag: tag, needs: auth.Read, summary: "One objective"}, s.getSLO)
	handle(s, operation{id: "get-slo-series", method: http.MethodGet, path: "/slos/{name}/series", tag: tag, needs: auth.Read, summary: "A budget's past",
		about: "Computed from the counts as they are known now, corrections included."}, s.series)
	handle(s, operation{id: "list-corrections", method: http.MethodGet, path: "/slos/{name}/corrections", tag: tag, needs: auth.Read, summary: "Corrections of a budget, newest first"}, s.corrections)
	handle(s, operation{id: "export-slos", method: http.MethodGet, path: "/export/slos", tag: tag, needs: auth.Read, summary: "Write objectives as OpenSLO or Prometheus rules"}, s.exportSLOs)
	handle(s, operation{id: "correct-slo", method: http.MethodPost, path: "/slos/{name}/corrections", tag: tag, needs: auth.CorrectBudget, team: true, status: http.StatusCreated,
		summary: "Correct a budget", about: "Takes time out of a budget, or forgives its failures. Works back in time, is a fact, and can be reversed."}, s.correct)
	handle(s, operation{id: "reverse-correction", method: http.MethodDelete, path: "/slos/{name}/corrections/{id}", tag: tag, needs: auth.CorrectBudget, team: true, status: http.StatusNoContent,
		summary: "Take a correction back"}, s.reverse)
}

// snapshot is what the last round left. Before the first one it is the objectives in force, without anything counted.
func (s *server) snapshot() *budget.Snapshot {
	snap := s.Snapshot()
	if !snap.At.IsZero() {
		return snap
	}
	first := &budget.Snapshot{}
	for _, o := range s.Directory().Objectives {
		first.Objectives = append(first.Objectives, &budget.Status{Objective: o})
	}
	return first
}

type listSLOsIn struct {
	Paging
	Conditional
	Service string `query:"service" doc:"Only this service's"`
	State   string `query:"state" enum:"paging,ticketing,exhausted,burning,healthy,no-data" doc:"Only those in this state"`
	Tier    string `query:"tier" enum:"0,1,2,3,none" doc:"Only this tier; none = of no tier"`
}

func (s *server) listSLOs(_ context.Context, in *listSLOsIn) (*page[SLO], error) {
	snap := s.snapshot()
	var list []SLO
	for _, o := range snap.Objectives {
		if in.Service != "" && o.Objective.Service != in.Service || in.State != "" && string(o.State()) != in.State || in.Tier != "" && tierName(o.Objective.Tier) != in.Tier {
			continue
		}
		list = append(list, sloOf(o, snap.At))
	}
	return cut(in.Paging, in.Conditional, list, func(o SLO) string { return o.Name })
}

type oneSLOIn struct {
	Conditional
	Name string `path:"name"`
}

func (s *server) getSLO(_ context.Context, in *oneSLOIn) (*one[SLO], error) {
	snap := s.snapshot()
	o := snap.Find(in.Name)
	if o == nil {
		return nil, noSLO(in.Name)
	}
	return tagged(in.Conditional, sloOf(o, snap.At))
}

func sloOf(o *budget.Status, at time.Time) SLO {
	out := SLO{
		Name: o.Objective.Name, Title: o.Objective.Title, Service: o.Objective.Service, Tier: o.Objective.Tier,
		Target: o.Objective.Target.String(), Window: o.Objective.Window.String(), State: string(o.State()), At: at, Inexact: o.Inexact,
		File: o.Objective.File, Line: o.Objective.Line, Filling: o.Filling, Version: o.Version, Refused: o.Refused, Describe: o.Objective.Description,
		Groups: []SLOGroup{},
	}
	if o.Proof != nil {
		out.Problem = o.Proof.Problem
	}
	for _, g := range o.Groups {
		out.Groups = append(out.Groups, SLOGroup{Key: g.Key, Labels: g.Labels, State: string(g.State), Budget: budgetOf(g.Budget), Rules: rulesOf(g.Rules)})
	}
	return out
}

func budgetOf(b slo.Budget) SLOBudget {
	return SLOBudget{From: b.From.Time(), To: b.To.Time(), Bad: b.Bad, Total: b.Total, Allowed: b.Allowed, ValidS: b.ValidS, SLI: b.SLI,
		Consumed: b.Consumed, Remaining: b.Remaining, RemainingCurrent: b.RemainingCurrent, Left: b.Left, ExhaustsInS: b.ExhaustsInS, Clamped: b.Clamped}
}

func rulesOf(rules []budget.RuleState) []SLORule {
	out := []SLORule{}
	for _, r := range rules {
		rule := SLORule{Name: r.Name, Severity: r.Severity, Factor: r.Factor, LongS: int64(r.Long.Seconds()), ShortS: int64(r.Short.Seconds()),
			Burn: r.Counts.Burn, Recent: r.Recent.Burn, Firing: r.Firing, AlertID: r.AlertID}
		if r.Firing {
			since := r.Since.Time()
			rule.Since = &since
		}
		out = append(out, rule)
	}
	return out
}

type correctIn struct {
	Name string `path:"name"`
	Body struct {
		From   string `json:"from" doc:"RFC 3339, or an age such as 2h"`
		To     string `json:"to" doc:"Exclusive"`
		Effect string `json:"effect" enum:"exclude,good" doc:"exclude: the time does not count; good: it counts, without its failures"`
		Reason string `json:"reason" minLength:"1" maxLength:"2000"`
	}
}

type correctOut struct {
	Body struct {
		ID  string `json:"id"`
		Seq int64  `json:"seq" doc:"Of its fact"`
	}
}

func (s *server) correct(ctx context.Context, in *correctIn) (*correctOut, error) {
	now := s.Now()
	from, err := kit.ParseTime(in.Body.From, now)
	if err != nil {
		return nil, fieldError("/from", err)
	}
	to, err := kit.ParseTime(in.Body.To, now)
	if err != nil {
		return nil, fieldError("/to", err)
	}
	var out correctOut
	out.Body.ID, out.Body.Seq, err = s.Commands.CorrectBudget(ctx, auth.From(ctx), command.Correction{SLO: in.Name, From: from, To: to, Effect: in.Body.Effect, Reason: in.Body.Reason})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

type reverseIn struct {
	Name   string `path:"name"`
	ID     string `path:"id"`
	Reason string `query:"reason" maxLength:"2000" doc:"Why; it stands in the ledger"`
}

func (s *server) reverse(ctx context.Context, in *reverseIn) (*struct{}, error) {
	return nil, s.Commands.ReverseCorrection(ctx, auth.From(ctx), in.Name, in.ID, in.Reason)
}
