package incident_test

import (
	"strings"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/incident"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/org"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func detected(id string, from time.Time, services ...string) event.Event {
	return event.Event{At: from, By: "user:ines", About: event.NewRef("incident", id),
		Fact: &event.IncidentDetected{IncidentID: id, Services: services, Detection: event.Observed{Source: "person", At: noon}}}
}

func resolved(id string, to time.Time) event.Event {
	return event.Event{At: to, By: "user:ines", About: event.NewRef("incident", id),
		Fact: &event.IncidentResolved{IncidentID: id, Restored: event.Observed{Source: "person", At: to}}}
}

func TestIncidentsAreWhatTheLedgerSaidLast(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l, err := ledger.Open(t.Context(), d, ledger.Options{MinFree: -1, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		withdrawn := event.Event{At: noon, By: "user:ines", About: event.NewRef("incident", "C"), Fact: &event.IncidentUpdated{IncidentID: "C", Status: incident.Withdrawn}}
		stray := resolved("never-begun", noon)
		_, err = l.Append(t.Context(), ledger.Batch{Events: []event.Event{
			detected("A", noon, "checkout"), resolved("A", noon.Add(time.Hour)),
			detected("B", noon.Add(time.Hour)), resolved("B", noon.Add(2*time.Hour)), detected("B", noon.Add(90*time.Minute), "search"),
			detected("C", noon), withdrawn, stray,
		}})
		if err != nil {
			t.Fatal(err)
		}
		dir := &org.Directory{Incidents: []org.Incident{
			{ID: "A", From: org.Instant{Time: noon.Add(-time.Hour)}, To: org.Instant{Time: noon}},
			{ID: "D", From: org.Instant{Time: noon.Add(-2 * time.Hour)}, To: org.Instant{Time: noon.Add(-time.Hour)}},
		}}
		known, err := incident.Known(t.Context(), l, dir)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, i := range known {
			got.WriteString(i.ID + " " + i.From.UTC().Format("15:04") + " " + i.End(noon.Add(24*time.Hour)).UTC().Format("15:04") + "; ")
		}
		if want := "B 13:30 12:00; A 12:00 13:00; D 10:00 11:00; "; got.String() != want {
			t.Errorf("known: %s\nwant:  %s", got.String(), want)
		}
	})
}

func TestAnObjectiveIsJudgedByTheIncidentsThatConcernIt(t *testing.T) {
	list := []incident.Incident{
		{ID: "everything"}, {ID: "service", Services: []string{"checkout"}}, {ID: "other", Services: []string{"search"}},
		{ID: "named", Services: []string{"search"}, SLOs: []string{"checkout-availability"}}, {ID: "unnamed", Services: []string{"checkout"}, SLOs: []string{"checkout-latency"}},
		{ID: "drill", Drill: true},
	}
	var got strings.Builder
	for _, i := range incident.For(list, slo.Objective{Name: "checkout-availability", Service: "checkout"}, noon) {
		got.WriteString(i.Name + " ")
		if i.To != slo.At(noon) {
			t.Errorf("%s lasts, but ends at %s and not now", i.Name, i.To.Time())
		}
	}
	if want := "everything service named "; got.String() != want {
		t.Errorf("judged by %q, want %q", got.String(), want)
	}
}

func TestAnIncidentOfOneObjectiveDoesNotHurtEveryService(t *testing.T) {
	for name, c := range map[string]struct {
		incident incident.Incident
		hurts    bool
	}{
		"everything":       {incident.Incident{}, true},
		"the service":      {incident.Incident{Services: []string{"search", "checkout"}}, true},
		"another service":  {incident.Incident{Services: []string{"search"}}, false},
		"an objective":     {incident.Incident{SLOs: []string{"search-latency"}}, false},
		"both, not of its": {incident.Incident{Services: []string{"search"}, SLOs: []string{"search-latency"}}, false},
	} {
		if got := c.incident.Hurts("checkout"); got != c.hurts {
			t.Errorf("%s: hurts checkout is %v", name, got)
		}
	}
}
