package projection_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/org"
)

const objective = `apiVersion: openslo/v1
kind: SLO
metadata: {name: cart-availability}
spec:
  service: cart
  budgetingMethod: Occurrences
  timeWindow: [{duration: 28d, isRolling: true}]
  indicator:
    metadata: {name: cart}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: Prometheus, spec: {query: 'sum(http_requests_total{job="cart",code=~"5.."})'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'sum(http_requests_total{job="cart"})'}}}
  objectives: [{displayName: Good, target: TARGET}]
`

func entity(name, tier, owner string) string {
	return "kind: Component\nmetadata:\n  name: " + name + "\n  description: keeps what people want to buy\n  labels: {evenkeel.dev/tier: \"" + tier +
		"\"}\nspec: {type: service, lifecycle: production, owner: " + owner + ", dependsOn: [\"resource:db\"]}\n"
}

// lived runs an org directory through its life: 10:00 first version, 11:00 another tier and target, 12:00 refused, 13:00
// renamed, 14:00 gone.
func lived(t *testing.T, d *db.DB) (*ledger.Ledger, *org.Live) {
	now := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	l, err := ledger.Open(t.Context(), d, ledger.Options{Projections: projection.All, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	dir := t.TempDir()
	put := func(catalog, target string) {
		for name, text := range map[string]string{"catalog.yaml": catalog, "slo.yaml": objective} {
			if target == "" && name == "slo.yaml" {
				_ = os.Remove(filepath.Join(dir, name))
				continue
			}
			text = strings.Replace(text, "TARGET", target, 1)
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(entity("cart", "1", "team-a"), "0.99")
	o := org.LiveOptions{Now: clock, Record: func(ctx context.Context, es []event.Event) (int64, error) {
		r, err := l.Append(ctx, ledger.Batch{Events: es})
		return r.Last, err
	}}
	live, err := org.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ catalog, target string }{
		{entity("cart", "2", "team-b"), "0.999"},
		{"kind: [", "0.999"},
		{entity("basket", "2", "team-b"), "0.999"},
		{entity("mail", "3", "team-c"), ""},
	} {
		now = now.Add(time.Hour)
		put(v.catalog, v.target)
		_ = live.Reload(t.Context()) // the refused one says so
	}
	return l, live
}

func at(hour, minute int) time.Time { return time.Date(2026, 3, 1, hour, minute, 0, 0, time.UTC) }

func TestTierAndOwnerAreLookedUpAsOfAMoment(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l, _ := lived(t, d)
		q := l.DB().Read()
		for _, c := range []struct {
			name  string
			at    time.Time
			ref   string
			tier  int
			owner string
		}{
			{"cart", at(9, 59), "", 0, ""},
			{"cart", at(10, 0), "component:default/cart", 1, "group:default/team-a"},
			{"cart", at(10, 59), "component:default/cart", 1, "group:default/team-a"},
			{"cart", at(12, 30), "component:default/cart", 2, "group:default/team-b"},
			{"basket", at(10, 30), "component:default/cart", 1, "group:default/team-a"},
			{"basket", at(13, 0), "component:default/basket", 2, "group:default/team-b"},
			{"cart", at(13, 0), "", 0, ""},
			{"basket", at(14, 0), "", 0, ""},
			{"mail", at(13, 59), "", 0, ""},
		} {
			e, ok, err := projection.ServiceAt(t.Context(), q, c.name, c.at)
			if err != nil || ok != (c.ref != "") {
				t.Fatalf("%s at %s: %+v, %v, %v", c.name, c.at, e, ok, err)
			}
			if ok && (e.Ref != c.ref || *e.Tier != c.tier || e.Owner != c.owner) {
				t.Errorf("%s at %s is %s, tier %d, of %s; want %+v", c.name, c.at, e.Ref, *e.Tier, e.Owner, c)
			}
		}
		catalog, err := projection.CatalogAt(t.Context(), q, at(11, 30))
		if err != nil || catalog.Len() != 1 || catalog.Tier("component:default/cart", -1) != 2 || len(catalog.BlastRadius("resource:default/db").Fails) != 1 {
			t.Errorf("catalog at 11:30: %+v, %v", catalog, err)
		}
	})
}

func TestRenamesAndRemovalsStayInTheHistory(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l, _ := lived(t, d)
		q := l.DB().Read()
		history, err := projection.EntityHistory(t.Context(), q, "component:default/basket")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range history {
			got = append(got, h.From.Format("15:04 ")+h.Ref)
		}
		want := []string{"14:00 component:default/basket", "13:00 component:default/basket", "11:00 component:default/cart", "10:00 component:default/cart"}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		gone, err := projection.Tombstones(t.Context(), q, 10)
		if err != nil || len(gone) != 2 || gone[1].Ref != "component:default/cart" || gone[1].Became != "component:default/basket" {
			t.Errorf("tombstones %+v, %v", gone, err)
		}
		versions, err := projection.CatalogVersions(t.Context(), q, 0, 10)
		if err != nil || len(versions) != 5 || !versions[2].Refused || len(versions[2].Problems) == 0 {
			t.Errorf("versions %+v, %v", versions, err)
		}
		targets, err := projection.PolicyVersions(t.Context(), q, "slo:cart-availability")
		if err != nil || len(targets) != 3 || !targets[2].Removed {
			t.Fatalf("objective versions %+v, %v", targets, err)
		}
		var o slo.Objective
		if err := json.Unmarshal(targets[1].Definition, &o); err != nil || o.Target.String() != "0.999" || o.Tier != 2 {
			t.Errorf("definition %s: %v", targets[1].Definition, err)
		}
	})
}

func TestWhatTheLedgerHoldsIsWhatIsInForce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l, live := lived(t, d)
		before, err := projection.CatalogInForce(t.Context(), l.DB().Read())
		if err != nil {
			t.Fatal(err)
		}
		facts, _ := org.Facts(before, live.Current(), at(15, 0))
		if len(facts) != 0 {
			t.Errorf("a restart would record %d facts again: %+v", len(facts), facts)
		}
		if before.Seq != l.Head().Seq {
			t.Errorf("in force since fact %d, want %d", before.Seq, l.Head().Seq)
		}
		if _, ok := before.Entities[string(estate.NewRef("component", "", "mail"))]; !ok {
			t.Errorf("entities %v", before.Entities)
		}
	})
}

func TestALargeVersionIsOneVersion(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l, err := ledger.Open(t.Context(), d, ledger.Options{Projections: projection.All, Now: func() time.Time { return at(10, 0) }})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		var es []event.Event
		for part := range 2 {
			f := &event.CatalogApplied{Version: "v", Digest: "sha256:x", Files: 2, Part: part + 1, Parts: 2,
				Changed: []event.EntityChange{{Ref: "component:default/" + string(rune('a'+part)), Kind: "Component"}}}
			es = append(es, event.Event{Kind: f.Kind(), At: at(10, 0), By: "org:", About: "org:", Fact: f})
		}
		if _, err := l.Append(t.Context(), ledger.Batch{Events: es}); err != nil {
			t.Fatal(err)
		}
		versions, err := projection.CatalogVersions(t.Context(), l.DB().Read(), 0, 10)
		if err != nil || len(versions) != 1 || versions[0].Changed != 2 {
			t.Errorf("versions %+v, %v", versions, err)
		}
	})
}
