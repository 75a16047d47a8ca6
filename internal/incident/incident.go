// Package incident knows when users were hurt: by what the ledger holds, and by what the org directory labels.
package incident

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/org"
)

// Incident is a time in which users were hurt.
type Incident struct {
	ID       string
	From     time.Time
	To       time.Time // exclusive; zero while it lasts
	Services []string  // catalog names; empty = everything
	SLOs     []string  // that should have paged; empty = all of the services
	Drill    bool
	By       string // who recorded it; "" for one of the org directory
	Seq      int64  // of the newest fact about it; 0 for one of the org directory
}

// End is To, or now while it lasts.
func (i Incident) End(now time.Time) time.Time {
	if i.To.IsZero() {
		return now
	}
	return i.To
}

// Hurts says whether a service was hurt: one that is named, or any where nothing is.
func (i Incident) Hurts(service string) bool {
	return slices.Contains(i.Services, service) || len(i.Services)+len(i.SLOs) == 0
}

// kinds are the facts that incidents are made of.
var kinds = []event.Kind{"incident.detected", "incident.resolved", "incident.updated"}

// Recorded are the incidents of the ledger, the newest first; those that were withdrawn are left out. Empty without any.
func Recorded(ctx context.Context, l *ledger.Ledger) ([]Incident, error) {
	known := map[string]*Incident{}
	for e, err := range l.Read(ctx, 0, kinds...) {
		if err != nil {
			return nil, fmt.Errorf("read incidents: %w", err)
		}
		learn(known, e)
	}
	out := make([]Incident, 0, len(known))
	for _, i := range known {
		out = append(out, *i)
	}
	return sorted(out), nil
}

// learn adds what a fact says.
func learn(known map[string]*Incident, e event.Event) {
	switch f := e.Fact.(type) {
	case *event.IncidentDetected:
		known[f.IncidentID] = &Incident{ID: f.IncidentID, From: e.At, Services: f.Services, SLOs: f.SLOs, Drill: f.Drill, By: e.By, Seq: e.Seq}
	case *event.IncidentResolved:
		if i := known[f.IncidentID]; i != nil {
			i.To, i.Seq = f.Restored.At, e.Seq
		}
	case *event.IncidentUpdated:
		if f.Status == Withdrawn {
			delete(known, f.IncidentID)
		}
	}
}

// Withdrawn is the status of an incident that was none.
const Withdrawn = "withdrawn"

// Known are the incidents of the ledger and those that the org directory labels, the newest first. Where both have one of
// the same id, the ledger's counts.
func Known(ctx context.Context, l *ledger.Ledger, dir *org.Directory) ([]Incident, error) {
	out, err := Recorded(ctx, l)
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, i := range out {
		ids[i.ID] = true
	}
	for _, i := range Labelled(dir.Incidents) {
		if i.ID == "" || !ids[i.ID] {
			out = append(out, i)
		}
	}
	return sorted(out), nil
}

// Labelled are the incidents of a file.
func Labelled(list []org.Incident) []Incident {
	out := make([]Incident, len(list))
	for n, i := range list {
		out[n] = Incident{ID: i.ID, From: i.From.Time, To: i.To.Time, Services: i.Services, SLOs: i.SLOs}
	}
	return out
}

func sorted(list []Incident) []Incident {
	slices.SortFunc(list, func(a, b Incident) int { return cmp.Or(b.From.Compare(a.From), cmp.Compare(a.ID, b.ID)) })
	return list
}

// For are those that should have paged an objective: that name it, else its service, else neither. Drills are left out,
// one that lasts ends now.
func For(list []Incident, o slo.Objective, now time.Time) []slo.Incident {
	var out []slo.Incident
	for _, i := range list {
		if i.Drill || len(i.SLOs) > 0 && !slices.Contains(i.SLOs, o.Name) || len(i.SLOs) == 0 && len(i.Services) > 0 && !slices.Contains(i.Services, o.Service) {
			continue
		}
		out = append(out, slo.Incident{From: slo.At(i.From), To: slo.At(i.End(now)), Name: i.ID})
	}
	return out
}
