package estate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shop is a catalog of one team, one system and what it runs.
func shop(t *testing.T) *Catalog {
	t.Helper()
	var all []Entity
	for _, text := range []string{
		`{"kind":"Group","metadata":{"name":"team-a","annotations":{"evenkeel.dev/on-call":"https://chat.example.org/a"}}}`,
		`{"kind":"Group","metadata":{"name":"team-b"}}`,
		`{"kind":"System","metadata":{"name":"shop"},"spec":{"owner":"team-a","domain":"retail"}}`,
		`{"kind":"Component","metadata":{"name":"web","links":[{"url":"https://example.org","title":"Site"},{"title":"no url"},7]},"spec":{"owner":"team-a","system":"shop","dependsOn":["orders"]}}`,
		`{"kind":"Component","metadata":{"name":"orders","annotations":{"evenkeel.dev/on-call":"user:ana"}},"spec":{"owner":"team-a","dependsOn":["eu/db"]}}`,
		`{"kind":"Component","metadata":{"name":"db","namespace":"eu"},"spec":{"owner":"group:default/team-b"}}`,
		`{"kind":"Component","metadata":{"name":"orders","title":"a second claim"},"spec":{}}`,
		`{"kind":"Component","metadata":{}}`,
	} {
		e, _ := FromDescriptor(decode(t, text), "")
		all = append(all, e)
	}
	return New(all)
}

func TestWhoIsWokenIsTheEntitysWordThenItsGroupsThenTheOwner(t *testing.T) {
	c := shop(t)
	for ref, want := range map[Ref]string{
		"component:default/orders": "user:default/ana",
		"component:default/web":    "https://chat.example.org/a",
		"component:eu/db":          "group:default/team-b",
		"component:default/gone":   "",
	} {
		if got := c.OnCallFor(ref); got != want {
			t.Errorf("on call for %s: %q, want %q", ref, got, want)
		}
	}
}

func TestTheCatalogAnswersWhoOwnsWhatAndWhatNeedsIt(t *testing.T) {
	c := shop(t)
	var owned []string
	for _, e := range c.OwnedBy("group:default/team-a") {
		owned = append(owned, e.Ref.Short())
	}
	if d := cmp.Diff([]string{"orders", "web", "system:shop"}, owned); d != "" {
		t.Error(d)
	}
	if e, _ := c.Get("component:default/orders"); e.Title != "" {
		t.Error("the second claim on a reference won over the first")
	}
	if d := cmp.Diff([]Ref{"component:default/web"}, c.Dependents("component:default/orders")); d != "" {
		t.Error(d)
	}
	if got := c.DomainOf("component:default/web"); got != "domain:default/retail" {
		t.Errorf("domain of web: %s", got)
	}
	if c.Dependents("component:default/gone") != nil || c.Needs("component:default/gone") != nil {
		t.Error("an unknown thing has neighbours")
	}
	if n := len(c.OfKind("component")); n != 3 {
		t.Errorf("%d components", n)
	}
	if e, _ := c.Get("component:default/web"); len(e.Links) != 1 || e.Links[0].Title != "Site" {
		t.Errorf("links %+v", e.Links)
	}
}

func TestNamesNobodyClaimsAreStrangersOnce(t *testing.T) {
	if d := cmp.Diff([]string{"batch", "cron"}, shop(t).Strangers([]string{"web", "cron", "batch", "cron", "eu/db"})); d != "" {
		t.Error(d)
	}
}

func TestShortReferencesLeaveOutWhatGoesWithoutSaying(t *testing.T) {
	for ref, want := range map[Ref]string{"component:default/a": "a", "component:eu/a": "eu/a", "resource:eu/db": "resource:eu/db", "resource:default/db": "resource:db"} {
		if got := ref.Short(); got != want {
			t.Errorf("%s is shortened to %s, want %s", ref, got, want)
		}
	}
}

func TestAnUnusableDescriptorIsAFatalFlawNotAPanic(t *testing.T) {
	for _, text := range []string{
		`{}`, `{"kind":"Component"}`, `{"kind":"Component","metadata":[]}`, `{"kind":"Component","metadata":{"name":"a b"}}`,
		`{"kind":["x"],"metadata":{"name":"a"}}`, `{"kind":"Component","metadata":{"name":"a"},"spec":"x"}`,
	} {
		e, flaws := FromDescriptor(decode(t, text), "")
		fatal := false
		for _, f := range flaws {
			fatal = fatal || f.Fatal
		}
		if !fatal {
			t.Errorf("%s: read as %s with flaws %+v", text, e.Ref, flaws)
		}
	}
	odd := `{"kind":"Component","metadata":{"name":"a","labels":7,"annotations":{"x":{"y":1}},"tags":"one","description":[1]},"spec":{"dependsOn":{"a":1},"owner":true}}`
	e, flaws := FromDescriptor(decode(t, odd), "")
	if e.Ref != "component:default/a" || e.Owner != "group:default/true" || len(e.Tags) != 1 || len(flaws) != 4 {
		t.Errorf("read %+v with flaws %+v", e, flaws)
	}
}

func TestAServicesOwnPromiseCountsWhereNoTargetIsKnown(t *testing.T) {
	var all []Entity
	for _, text := range []string{
		`{"kind":"Component","metadata":{"name":"web","annotations":{"evenkeel.dev/own-availability":"0.9999"}},"spec":{"dependsOn":["resource:cdn"]}}`,
		`{"kind":"Resource","metadata":{"name":"cdn","annotations":{"evenkeel.dev/availability":"0.999"}}}`,
	} {
		e, _ := FromDescriptor(decode(t, text), "")
		all = append(all, e)
	}
	got := New(all).CeilingOf("component:default/web", func(Ref) (float64, bool) { return 0, false })
	if got.Best != 0.999 || got.Own != 0.9999 || len(got.Unknown) != 0 {
		t.Errorf("ceiling %+v", got)
	}
}
