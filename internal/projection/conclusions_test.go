package projection_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

func TestConclusionsOfTheEvaluationCanBeAskedFor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		now := noon
		l, err := ledger.Open(t.Context(), d, ledger.Options{Projections: projection.All, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		add := func(about event.Ref, f event.Fact) {
			t.Helper()
			if _, err := l.Append(t.Context(), ledger.Batch{Events: []event.Event{{At: now, By: "evaluator:slo", About: about, Fact: f}}}); err != nil {
				t.Fatal(err)
			}
			now = now.Add(time.Minute)
		}
		fired := event.AlertFired{AlertID: "a1", GroupKey: "cart", Rule: "page-1h", Service: "cart", Severity: "page", SLO: "cart", StartsAt: noon,
			Long: &event.Counts{WindowS: 3600, Bad: 9, Total: 100, Allowed: .1, Burn: 90}}
		ticket := fired
		ticket.AlertID, ticket.Rule, ticket.Severity = "a2", "ticket-1d", "ticket"
		add("slo:cart", &ticket)
		add("slo:cart", &fired)
		open, err := projection.OpenAlerts(t.Context(), d.Read())
		if err != nil || len(open) != 2 || open[0].AlertID != "a1" {
			t.Fatalf("open alerts: %+v, %v", open, err)
		}
		if diff := cmp.Diff(fired, open[0].AlertFired); diff != "" {
			t.Fatal(diff)
		}
		add("slo:cart", &event.AlertEnded{AlertID: "a1", EndsAt: noon.Add(time.Hour), How: "resolved"})
		a, ok, err := projection.AlertByID(t.Context(), d.Read(), "a1")
		if err != nil || !ok || !a.To.Equal(noon.Add(time.Hour)) || a.How != "resolved" || a.EndSeq == 0 {
			t.Fatalf("ended alert: %+v, %v, %v", a, ok, err)
		}
		if past, err := projection.AlertsOf(t.Context(), d.Read(), "cart", noon.Add(2*time.Hour), noon.Add(3*time.Hour), 10); err != nil || len(past) != 1 {
			t.Fatalf("alerts of a later time: %+v, %v", past, err)
		}

		add("slo:cart", &event.BudgetCorrected{CorrectionID: "c", SLO: "cart", From: noon, To: noon.Add(time.Hour), Effect: "exclude", Reason: event.NewText("test traffic")})
		add("slo:cart", &event.BudgetCorrected{CorrectionID: "c", SLO: "cart", Revoked: true})
		cs, err := projection.CorrectionsOf(t.Context(), d.Read(), "cart")
		if err != nil || len(cs) != 1 || cs[0].Revoked.IsZero() || cs[0].Effect != "exclude" {
			t.Fatalf("corrections: %+v, %v", cs, err)
		}

		day := event.MeasureClosed{Measure: "slo", Subject: "slo:cart", From: noon.Add(-24 * time.Hour), To: noon, Num: 1, Den: 10, ResultDigest: "x"}
		add("slo:cart", &day)
		later := day
		later.Num, later.Revision, later.ResultDigest = 2, 1, "y"
		add("slo:cart", &later)
		ms, err := projection.MeasuresOf(t.Context(), d.Read(), "slo", "slo:cart", noon.Add(-48*time.Hour), noon)
		if err != nil || len(ms) != 1 || ms[0].Num != 2 || ms[0].Revision != 1 {
			t.Fatalf("measures: %+v, %v", ms, err)
		}
		if digest, rev, ok, err := projection.LatestMeasure(t.Context(), d.Read(), "slo", "slo:cart", "", day.From); err != nil || !ok || digest != "y" || rev != 1 {
			t.Fatal(digest, rev, ok, err)
		}

		add("source:metrics", &event.SourceGap{Source: "metrics", From: noon, Reason: "connection refused"})
		add("source:metrics", &event.SourceGap{Source: "metrics", From: noon, To: noon.Add(time.Minute), Reason: "connection refused"})
		gs, err := projection.GapsOf(t.Context(), d.Read(), "", noon, noon.Add(time.Hour), 10)
		if err != nil || len(gs) != 1 || gs[0].To.IsZero() {
			t.Fatalf("gaps: %+v, %v", gs, err)
		}
		if err := l.Rebuild(t.Context(), "alerts"); err != nil {
			t.Fatal(err)
		}
		if again, ok, err := projection.AlertByID(t.Context(), d.Read(), "a1"); err != nil || !ok || cmp.Diff(a, again) != "" {
			t.Fatal(cmp.Diff(a, again), ok, err)
		}
	})
}
