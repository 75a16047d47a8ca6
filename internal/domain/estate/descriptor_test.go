package estate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func decode(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReferencesTakeWhatTheyLeaveOutFromTheirPlace(t *testing.T) {
	for _, c := range []struct{ text, kind, namespace, want string }{
		{"checkout", "component", "default", "component:default/checkout"},
		{"Group:Team-A", "component", "default", "group:default/team-a"},
		{"backstage/maintainers", "group", "shop", "group:backstage/maintainers"},
		{"resource:eu/db", "component", "default", "resource:eu/db"},
		{"db", "component", "shop", "component:shop/db"},
		{"db", "", "default", ""},
		{"", "component", "default", ""},
		{"a:b:c", "component", "default", ""},
		{"a/b/c", "component", "default", ""},
		{":x", "component", "default", ""},
	} {
		got, err := ParseRef(c.text, c.kind, c.namespace)
		if string(got) != c.want || (err == nil) != (c.want != "") {
			t.Errorf("ParseRef(%q, %q, %q) = %q, %v; want %q", c.text, c.kind, c.namespace, got, err, c.want)
		}
	}
}

func TestDescriptorIsLaidOutAndItsUnknownKeysAreKept(t *testing.T) {
	def := decode(t, `{"apiVersion":"backstage.io/v1alpha1","kind":"Component",
		"metadata":{"name":"Checkout","namespace":"shop","labels":{"evenkeel.dev/tier":0},"annotations":{
			"evenkeel.dev/soft-dependencies":"mail=0.05, resource:default/cache",
			"evenkeel.dev/dependency-groups":"1 of resource:db-a, resource:db-b; 2 of x, y, z",
			"evenkeel.dev/on-call":"team-a","evenkeel.dev/environments":"production, staging"}},
		"spec":{"type":"service","owner":"team-a","dependsOn":"payments","vendor":{"x":1}},"relations":[1]}`)
	e, flaws := FromDescriptor(def, "default")
	if len(flaws) > 0 {
		t.Fatal(flaws)
	}
	if e.Ref != "component:shop/checkout" || e.Tier != 0 || e.Owner != "group:shop/team-a" || e.OnCall != "group:shop/team-a" {
		t.Errorf("read %+v", e)
	}
	if d := cmp.Diff([]Soft{{"component:shop/mail", 0.05}, {"resource:default/cache", 0}}, e.Soft); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Group{{1, []Ref{"resource:shop/db-a", "resource:shop/db-b"}}, {2, []Ref{"component:shop/x", "component:shop/y", "component:shop/z"}}}, e.Groups); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(def, e.Definition); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"Checkout"}, e.ServiceNames); d != "" {
		t.Error(d)
	}
}

func TestBadValuesOfOursAreFlawsWithTheirPlace(t *testing.T) {
	def := decode(t, `{"kind":"Component","metadata":{"name":"a","labels":{"evenkeel.dev/tier":"7","evenkeel.dev/teir":"1"},
		"annotations":{"evenkeel.dev/dependency-groups":"3 of a, b","evenkeel.dev/soft-dependencies":"b=2","evenkeel.dev/availability":"99.9"}},
		"spec":{"dependsOn":["ok",{"x":1},"a:b:c"]}}`)
	_, flaws := FromDescriptor(def, "default")
	var got []string
	for _, f := range flaws {
		got = append(got, f.Path)
	}
	want := []string{
		"/metadata/annotations/evenkeel.dev~1availability", "/metadata/annotations/evenkeel.dev~1dependency-groups",
		"/metadata/annotations/evenkeel.dev~1soft-dependencies", "/metadata/labels/evenkeel.dev~1teir",
		"/metadata/labels/evenkeel.dev~1tier", "/spec/dependsOn/1", "/spec/dependsOn/2",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestConsumersOfAnApiNeedItsProviders(t *testing.T) {
	entity := func(text string) Entity { e, _ := FromDescriptor(decode(t, text), "default"); return e }
	c := New([]Entity{
		entity(`{"kind":"Component","metadata":{"name":"web"},"spec":{"consumesApis":["orders","rates"]}}`),
		entity(`{"kind":"Component","metadata":{"name":"orders"},"spec":{"providesApis":["orders"]}}`),
		entity(`{"kind":"API","metadata":{"name":"orders"}}`),
		entity(`{"kind":"Resource","metadata":{"name":"db"},"spec":{"dependencyOf":["orders"]}}`),
	})
	want := []Need{
		{Of: []Ref{"component:default/orders"}, AtLeast: 1, Hard: true, Via: "api:default/orders"},
		{Of: []Ref{"api:default/rates"}, AtLeast: 1, Hard: true},
	}
	if d := cmp.Diff(want, c.Needs("component:default/web")); d != "" {
		t.Error(d)
	}
	got := c.BlastRadius("resource:default/db")
	if len(got.Fails) != 3 || got.Fails[0].Ref != "component:default/orders" || got.Fails[2].Ref != "component:default/web" {
		t.Errorf("the database takes down %+v, want orders, its API and web", got.Fails)
	}
}

func TestObservedCallsMeetDeclaredTies(t *testing.T) {
	entity := func(text string) Entity { e, _ := FromDescriptor(decode(t, text), "default"); return e }
	c := New([]Entity{
		entity(`{"kind":"Component","metadata":{"name":"web","annotations":{"evenkeel.dev/service-names":"frontend"}},"spec":{"dependsOn":["orders"]}}`),
		entity(`{"kind":"Component","metadata":{"name":"orders"},"spec":{"dependsOn":["resource:db"]}}`),
	})
	ties, strangers := c.Compare([]Call{{"frontend", "orders"}, {"frontend", "mail"}, {"orders", "web"}})
	want := []Tie{
		{"component:default/orders", "component:default/web", false, false, true},
		{"component:default/orders", "resource:default/db", true, true, false},
		{"component:default/web", "component:default/orders", true, true, true},
	}
	if d := cmp.Diff(want, ties); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"mail"}, strangers); d != "" {
		t.Error(d)
	}
}
