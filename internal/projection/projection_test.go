package projection_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/ledger/ledgertest"
)

// samples are the facts that each projection is tried on. A new projection adds those it reads.
var samples = []event.Event{
	{By: "system:", About: "source:prom", Key: "1", Fact: &event.SourceGap{Source: "prom", From: ledgertest.Now, Reason: "unreachable"}},
	{By: "user:ana", About: "source:prom", Key: "2", Fact: &event.EventAmended{Target: 1, Set: map[string]any{"reason": "dns", "a": 1.5}, Reason: event.NewText("saw it in the log")}},
	{By: "user:ben", About: "source:prom", Key: "3", Fact: &event.EventAmended{Target: 1, Set: map[string]any{"reason": "tls"}, Reason: event.NewText("no, it was this")}},
	{By: "evaluator:slo", About: "slo:cart", Key: "4", Fact: &event.AlertFired{AlertID: "a1", GroupKey: "cart", Rule: "page-1h", Severity: "page", SLO: "cart", StartsAt: ledgertest.Now}},
	{By: "evaluator:slo", About: "slo:cart", Key: "5", Fact: &event.AlertEnded{AlertID: "a1", EndsAt: ledgertest.Now.Add(time.Hour), How: "resolved"}},
	{By: "user:ana", About: "slo:cart", Key: "6", Fact: &event.BudgetCorrected{CorrectionID: "c1", SLO: "cart", From: ledgertest.Now, To: ledgertest.Now.Add(time.Hour), Effect: "good", Reason: event.NewText("a drill")}},
	{By: "user:ana", About: "slo:cart", Key: "7", Fact: &event.BudgetCorrected{CorrectionID: "c1", SLO: "cart", Revoked: true}},
	{By: "evaluator:slo", About: "slo:cart", Key: "8", Fact: &event.MeasureClosed{Measure: "slo", Subject: "slo:cart", From: ledgertest.Now.Add(-24 * time.Hour), To: ledgertest.Now, Num: 1, Den: 9}},
	{By: "org:", About: "org:", Key: "9", Fact: &event.CatalogApplied{Version: "1", Digest: "sha256:1", Changed: []event.EntityChange{{Ref: "component:default/cart", Kind: "Component", Name: "cart", Namespace: "default"}}}},
	{By: "org:", About: "slo:cart", Key: "10", Fact: &event.PolicyApplied{Policy: "slo", Name: "cart", Version: "1", Digest: "sha256:1", EffectiveFrom: ledgertest.Now}},
}

func TestEveryProjectionIsTheSameLiveAndRebuilt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := ledgertest.Open(t, d, projection.All...)
		for _, e := range samples {
			ledgertest.Append(t, l, e)
		}
		for _, p := range projection.All {
			if len(ledgertest.Dump(t, d.Read(), p)) == 0 {
				t.Errorf("projection %s: the samples leave its tables empty; add facts that it reads", p.Name)
			}
		}
		ledgertest.LiveEqualsRebuilt(t, l, projection.All...)
		for _, e := range samples {
			e.Key += " again"
			ledgertest.Append(t, l, e)
		}
		ledgertest.LiveEqualsRebuilt(t, l, projection.All...)
	})
}

func TestEveryProjectionNamesKindsThatExist(t *testing.T) {
	for _, p := range projection.All {
		for _, k := range p.Kinds {
			if !slices.Contains(event.Kinds(), k) {
				t.Errorf("projection %s reads %s, which no family lists", p.Name, k)
			}
		}
	}
}

func TestAmendmentsOfAFactComeOldestFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := ledgertest.Open(t, d, []ledger.Projection{projection.Amendments}...)
		ledgertest.Append(t, l, samples...)
		got, err := projection.AmendmentsOf(t.Context(), d.Read(), 1)
		if err != nil {
			t.Fatal(err)
		}
		want := []projection.Amendment{
			{Seq: 2, Set: map[string]any{"reason": "dns", "a": 1.5}},
			{Seq: 3, Set: map[string]any{"reason": "tls"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if got, err := projection.AmendmentsOf(t.Context(), d.Read(), 2); err != nil || len(got) != 0 {
			t.Errorf("%v %v", got, err)
		}
	})
}
