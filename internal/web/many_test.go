package web

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// A fleet in trouble must not hide the worst under the rest.
func TestManyTroublesAreCountedInFullAndShownInPart(t *testing.T) {
	s := fixture()
	s.Senders = nil
	s.Objectives = func(context.Context) ([]Objective, error) {
		out := make([]Objective, 170)
		for i := range out {
			out[i] = Objective{Name: fmt.Sprintf("svc%03d-availability", i), Service: fmt.Sprintf("svc%03d", i), Tier: 1, State: Spent, Burn: 2}
		}
		return out, nil
	}
	w := newWeb(t, s)
	shows(t, w, "/", "more, none worse than these", "170 of 170 objectives", "The first 20 by tier and burn")
	if n := strings.Count(get(t, w, "/").Body.String(), `class="ti"`); n != todoShown {
		t.Errorf("%d things that need a person are shown, not %d", n, todoShown)
	}
}

func TestManyDependenciesAreCountedInFullAndShownInPart(t *testing.T) {
	s := fixture()
	s.Estate = func(context.Context, string) (Estate, error) {
		e := estateFixture("")
		e.Undeclared, e.Unseen = nil, nil
		for i := range 100 {
			e.Unseen = append(e.Unseen, Edge{From: fmt.Sprintf("svc%03d", i), To: "db", Declared: true})
		}
		return e, nil
	}
	w := newWeb(t, s)
	shows(t, w, "/estate", "And 40 dependencies more")
	if n := strings.Count(get(t, w, "/estate").Body.String(), "<b>Not seen.</b>"); n != edgesShown {
		t.Errorf("%d unseen dependencies are listed, not %d", n, edgesShown)
	}
}
