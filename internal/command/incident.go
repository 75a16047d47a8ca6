package command

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/incident"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Incident says that users were hurt. Recorded again under its id, it replaces what was said before.
type Incident struct {
	ID       string // as people know it, such as INC-204; one is made when left out
	From     time.Time
	To       time.Time // exclusive; zero while it lasts
	Services []string  // what was hurt; empty = everything
	SLOs     []string  // objectives that should have paged; empty = all of the services
	Drill    bool
	Title    string
}

const (
	maxTitle    = 200
	maxListed   = 200                       // services or objectives of an incident
	maxPast     = 10 * 366 * 24 * time.Hour // how far back an incident may lie
	maxIncident = 90 * 24 * time.Hour
)

var incidentID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$`)

// RecordIncident records an incident and returns its id and the seq of its newest fact. What is known already is not
// recorded again.
func (k *Commands) RecordIncident(ctx context.Context, by auth.Caller, i Incident) (id string, seq int64, err error) {
	now := k.Now()
	if i.ID == "" {
		i.ID = kit.NewID(now)
	}
	if err := k.may(ctx, by, auth.RecordIncident, "", "incident:"+i.ID); err != nil {
		return "", 0, err
	}
	i.From, i.To, i.Title = i.From.UTC(), i.To.UTC(), strings.TrimSpace(i.Title)
	if err := k.checkIncident(i, now); err != nil {
		return "", 0, err
	}
	known, err := k.incident(ctx, i.ID)
	if err != nil {
		return "", 0, err
	}
	if known != nil && i.Title == "" && known.From.Equal(i.From) && known.To.Equal(i.To) && known.Drill == i.Drill &&
		slices.Equal(known.Services, i.Services) && slices.Equal(known.SLOs, i.SLOs) {
		return i.ID, known.Seq, nil
	}
	about, key := event.NewRef("incident", i.ID), "incident/"+i.ID+"/"+kit.NewID(now)
	es := []event.Event{{At: i.From, By: by.By(), About: about, Key: key + "/detected", Fact: &event.IncidentDetected{IncidentID: i.ID, Services: i.Services, SLOs: i.SLOs,
		Drill: i.Drill, Detection: event.Observed{Source: "person", At: now}, Title: event.NewText(i.Title)}}}
	if !i.To.IsZero() {
		es = append(es, event.Event{At: i.To, By: by.By(), About: about, Key: key + "/resolved", Fact: &event.IncidentResolved{IncidentID: i.ID, Restored: event.Observed{Source: "person", At: i.To}}})
	}
	r, err := k.Ledger.Append(ctx, ledger.Batch{Lane: ledger.Commands, Events: es})
	return i.ID, r.Last, err
}

// WithdrawIncident takes back that there was an incident; its facts stay.
func (k *Commands) WithdrawIncident(ctx context.Context, by auth.Caller, id, reason string) error {
	if err := k.may(ctx, by, auth.RecordIncident, "", "incident:"+id); err != nil {
		return err
	}
	if n := len(strings.TrimSpace(reason)); n == 0 || n > maxReason {
		return &kit.Error{Code: kit.Invalid, Msg: "the incident was not withdrawn", Fields: []kit.Field{{Path: "/reason", Msg: "say why in 1 to 2,000 characters; it stands in the ledger"}}}
	}
	known, err := k.incident(ctx, id)
	if err != nil {
		return err
	}
	if known == nil {
		return &kit.Error{Code: kit.NotFound, Msg: "the ledger has no incident " + id, Hint: "GET /api/v1/incidents lists those it has; one of the org directory is taken out there"}
	}
	now := k.Now()
	_, err = k.Ledger.Append(ctx, ledger.Batch{Lane: ledger.Commands, Events: []event.Event{{At: now, By: by.By(), About: event.NewRef("incident", id), Cause: []int64{known.Seq},
		Key: "incident/" + id + "/" + kit.NewID(now) + "/withdrawn", Fact: &event.IncidentUpdated{IncidentID: id, Status: incident.Withdrawn, Reason: event.NewText(strings.TrimSpace(reason))}}}})
	return err
}

// checkIncident names every wrong field by its JSON name.
func (k *Commands) checkIncident(i Incident, now time.Time) error {
	e := &kit.Error{Code: kit.Invalid, Msg: "the incident was not recorded"}
	add := func(path, msg string) { e.Fields = append(e.Fields, kit.Field{Path: path, Msg: msg}) }
	if !incidentID.MatchString(i.ID) {
		add("/id", "use 1 to 80 letters, digits, dots, dashes and underscores, such as INC-204")
	}
	switch {
	case i.From.IsZero():
		add("/from", "say when users began to be hurt, such as 2026-10-22T14:30:00Z")
	case i.From.After(now):
		add("/from", "this lies in the future")
	case now.Sub(i.From) > maxPast:
		add("/from", "at most ten years back")
	}
	switch {
	case i.To.IsZero():
	case i.To.After(now):
		add("/to", "this lies in the future; leave it out while the incident lasts")
	case !i.To.After(i.From):
		add("/to", "the end must lie after the begin")
	case i.To.Sub(i.From) > maxIncident:
		add("/to", "at most 90 days")
	}
	if len(i.Title) > maxTitle {
		add("/title", "at most 200 characters")
	}
	k.checkNames("/services", i.Services, "the catalog has no component of this name", k.Service, add)
	k.checkNames("/slos", i.SLOs, "no objective has this name", func(n string) bool { _, ok := k.Owner(n); return ok }, add)
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

func (k *Commands) checkNames(path string, names []string, msg string, known func(string) bool, add func(path, msg string)) {
	if len(names) > maxListed {
		add(path, fmt.Sprintf("at most %d", maxListed))
		return
	}
	for n, name := range names {
		if !known(name) {
			add(fmt.Sprintf("%s/%d", path, n), msg)
		}
	}
}

// incident is what the ledger knows of one; nil for nothing.
func (k *Commands) incident(ctx context.Context, id string) (*incident.Incident, error) {
	all, err := incident.Recorded(ctx, k.Ledger)
	if err != nil {
		return nil, err
	}
	for n := range all {
		if all[n].ID == id {
			return &all[n], nil
		}
	}
	return nil, nil
}
