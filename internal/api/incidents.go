package api

import (
	"context"
	"net/http"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/command"
	"evenkeel.dev/evenkeel/internal/incident"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Incident is a time in which users were hurt.
type Incident struct {
	ID       string     `json:"id"`
	From     time.Time  `json:"from"`
	To       *time.Time `json:"to,omitempty" doc:"Exclusive; absent while it lasts"`
	Services []string   `json:"services" doc:"What was hurt; empty = everything"`
	SLOs     []string   `json:"slos" doc:"Objectives that should have paged; empty = all of the services"`
	Drill    bool       `json:"drill,omitempty" doc:"Not counted by back-tests"`
	Source   string     `json:"source" enum:"ledger,org" doc:"org: labelled in the org directory"`
	By       string     `json:"by,omitempty" doc:"Who recorded it"`
	Seq      int64      `json:"seq,omitempty" doc:"Newest fact about it"`
}

func (s *server) incidents() {
	const tag = "Incidents"
	handle(s, operation{id: "list-incidents", method: http.MethodGet, path: "/incidents", tag: tag, needs: auth.Read, summary: "When users were hurt, newest first",
		about: "Of the ledger and of the org directory; where both have one of the same id, the ledger's. Titles are free text of the facts."}, s.listIncidents)
	handle(s, operation{id: "record-incident", method: http.MethodPost, path: "/incidents", tag: tag, needs: auth.RecordIncident, status: http.StatusCreated, summary: "Record an incident",
		about: "Also after the fact. Recorded again under its id, it replaces what was said before; back-tests and charts use it."}, s.recordIncident)
	handle(s, operation{id: "withdraw-incident", method: http.MethodDelete, path: "/incidents/{id}", tag: tag, needs: auth.RecordIncident, status: http.StatusNoContent,
		summary: "Take back that there was an incident"}, s.withdrawIncident)
}

type listIncidentsIn struct {
	Paging
	Conditional
	Service string `query:"service" doc:"Only those that hurt this one"`
}

func (s *server) listIncidents(ctx context.Context, in *listIncidentsIn) (*page[Incident], error) {
	known, err := incident.Known(ctx, s.Ledger, s.Directory())
	if err != nil {
		return nil, err
	}
	var all []Incident
	for _, i := range known {
		if in.Service == "" || i.Hurts(in.Service) {
			all = append(all, incidentOf(i))
		}
	}
	return cutRanked(in.Paging, in.Conditional, all, func(i Incident) string { return i.From.Format(time.RFC3339Nano) + " " + i.ID })
}

func incidentOf(i incident.Incident) Incident {
	out := Incident{ID: i.ID, From: i.From.UTC(), Services: append([]string{}, i.Services...), SLOs: append([]string{}, i.SLOs...), Drill: i.Drill, By: i.By, Seq: i.Seq, Source: "ledger"}
	if i.Seq == 0 {
		out.Source = "org"
	}
	if !i.To.IsZero() {
		to := i.To.UTC()
		out.To = &to
	}
	return out
}

type recordIncidentIn struct {
	Body struct {
		ID       string   `json:"id,omitempty" doc:"As people know it, such as INC-204; one is made when left out"`
		From     string   `json:"from" doc:"When users began to be hurt: RFC 3339, a day, or an age such as 2h"`
		To       string   `json:"to,omitempty" doc:"Exclusive; left out while it lasts"`
		Services []string `json:"services,omitempty" maxItems:"200" doc:"Catalog components that were hurt; everything when left out"`
		SLOs     []string `json:"slos,omitempty" maxItems:"200" doc:"Objectives that should have paged; all of the services when left out"`
		Drill    bool     `json:"drill,omitempty"`
		Title    string   `json:"title,omitempty" doc:"Free text, at most 200 characters"`
	}
}

type recordIncidentOut struct {
	Body struct {
		ID  string `json:"id"`
		Seq int64  `json:"seq" doc:"Its newest fact"`
	}
}

func (s *server) recordIncident(ctx context.Context, in *recordIncidentIn) (*recordIncidentOut, error) {
	want := command.Incident{ID: in.Body.ID, Services: in.Body.Services, SLOs: in.Body.SLOs, Drill: in.Body.Drill, Title: in.Body.Title}
	var err error
	if want.From, err = kit.ParseTime(in.Body.From, s.Now()); err != nil {
		return nil, fieldError("/from", err)
	}
	if in.Body.To != "" {
		if want.To, err = kit.ParseTime(in.Body.To, s.Now()); err != nil {
			return nil, fieldError("/to", err)
		}
	}
	var out recordIncidentOut
	out.Body.ID, out.Body.Seq, err = s.Commands.RecordIncident(ctx, auth.From(ctx), want)
	return &out, err
}

type withdrawIncidentIn struct {
	ID     string `path:"id"`
	Reason string `query:"reason" doc:"Why; it stands in the ledger"`
}

func (s *server) withdrawIncident(ctx context.Context, in *withdrawIncidentIn) (*struct{}, error) {
	return nil, s.Commands.WithdrawIncident(ctx, auth.From(ctx), in.ID, in.Reason)
}
