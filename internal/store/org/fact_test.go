package org

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evenkeel.dev/evenkeel/internal/event"
)

// TestFactsLeadFromAnyVersionToAnyOther replays what a walk through random versions records: the entities that then stand
// are those of the last version, whatever came before, and a version that changes nothing records nothing but itself.
func TestFactsLeadFromAnyVersionToAnyOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var before InForce
		stands := map[string]string{}
		for step := range rapid.IntRange(1, 4).Draw(t, "versions") {
			var b strings.Builder
			for i := range 5 {
				if rapid.Bool().Draw(t, "there") {
					fmt.Fprintf(&b, "---\n%s", service(fmt.Sprintf("s%d", i), fmt.Sprint(rapid.IntRange(0, 2).Draw(t, "tier"))))
				}
			}
			text := []byte(b.String())
			d, problems := load("x", []File{{"a.yaml", digest(text), text}}, nil, Options{})
			if Failed(problems) {
				t.Fatal(lines(problems))
			}
			facts, next := Facts(before, d, start)
			for _, e := range facts {
				if err := e.Fact.Check(); err != nil {
					t.Fatal(err)
				}
				f, ok := e.Fact.(*event.CatalogApplied)
				if !ok {
					continue
				}
				for _, c := range f.Changed {
					switch _, stood := stands[c.Ref]; {
					case c.Removed && !stood:
						t.Fatalf("%s is removed and was not there", c.Ref)
					case c.Removed:
						delete(stands, c.Ref)
					case c.Digest == stands[c.Ref]:
						t.Fatalf("%s is told to have changed and did not", c.Ref)
					default:
						stands[c.Ref] = c.Digest
					}
				}
			}
			want := map[string]string{}
			for ref, p := range next.Entities {
				want[ref] = p.Digest
			}
			if len(want) != d.Catalog.Len() {
				t.Fatalf("%d entities in force, %d in the catalog", len(want), d.Catalog.Len())
			}
			if diff := cmp.Diff(want, stands); diff != "" {
				t.Fatal(diff)
			}
			next.Seq = int64(step + 1)
			before = next
		}
	})
}

func TestADefinitionTooLargeForAFactKeepsWhatIsRead(t *testing.T) {
	text := []byte("kind: API\nmetadata: {name: a, annotations: {evenkeel.dev/environments: production}}\nspec:\n  type: openapi\n  owner: team-a\n  definition: |\n    " + strings.Repeat("x", 100_000) + "\n")
	d, _ := load("x", []File{{"a.yaml", digest(text), text}}, nil, Options{})
	facts, _ := Facts(InForce{}, d, start)
	c := facts[0].Fact.(*event.CatalogApplied).Changed[0]
	want := `{"kind":"API","metadata":{"annotations":{"evenkeel.dev/environments":"production"},"name":"a"},"spec":{"owner":"team-a","type":"openapi"}}`
	if string(c.Definition) != want {
		t.Errorf("definition of %d bytes: %.300s", len(c.Definition), c.Definition)
	}
}
