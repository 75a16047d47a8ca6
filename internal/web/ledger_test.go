package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestTheLedgersPageSearchesWordsAndExportsWhatItShows(t *testing.T) {
	s := fixture()
	var asked FactFilter
	next := Cursor{}
	s.Facts = func(_ context.Context, f FactFilter) (FactPage, error) {
		asked = f
		if len(f.Words) > 0 {
			return FactPage{Next: next}, nil
		}
		return factsFixture(f), nil
	}
	w := newWeb(t, s)
	shows(t, w, "/ledger?q=pool+floor&kind=alert.*&from=2026-10-22T13:44", "No facts match", "pool floor",
		`href="/api/v1/ledger/export?from=2026-10-22T11%3A44%3A00Z&kind=`, `words=pool+floor"`)
	if !slices.Equal(asked.Words, []string{"pool", "floor"}) {
		t.Errorf("asked for the words %q", asked.Words)
	}
	next = Cursor{Seq: 848_213}
	shows(t, w, "/ledger?q=pool", "Not among the newest facts", `href="/ledger?before=0.848213&q=pool"`, "Look further back")
	shows(t, w, "/ledger?q=%231,047,978", "Fact #1,047,978", `id="f1047978"`)
	if len(asked.Words) > 0 {
		t.Errorf("a number was taken for the words %q", asked.Words)
	}
	may := everyone.May
	s.Who = func(*http.Request) Person {
		return Person{Name: "ines", Role: "viewer", May: func(r Right) bool { return r != ReadEvidence && may(r) }}
	}
	if body := get(t, newWeb(t, s), "/ledger").Body.String(); strings.Contains(body, "/ledger/export") {
		t.Error("who may not read evidence is offered its export")
	}
}
