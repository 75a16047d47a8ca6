package cli

import (
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/api"
)

func TestAServerThatIsNotWellIsAFinding(t *testing.T) {
	fine := api.System{Ready: true, Evaluator: api.Evaluator{LagS: 61}, Sources: []api.SourceState{{Name: "metrics", Kind: "otlp"}}}
	if !well(fine) {
		t.Error("a server without a problem is not well")
	}
	for what, change := range map[string]func(*api.System){
		"not ready":           func(s *api.System) { s.Ready = false },
		"behind":              func(s *api.System) { s.Evaluator.LagS = 200 },
		"an objective":        func(s *api.System) { s.Evaluator.Problems = []string{"x: no such source"} },
		"a silent source":     func(s *api.System) { s.Sources = []api.SourceState{{Silent: true}} },
		"a source that fails": func(s *api.System) { s.Sources = []api.SourceState{{Error: "refused"}} },
	} {
		s := fine
		change(&s)
		if well(s) {
			t.Errorf("%s: counts as well", what)
		}
	}
	late := fine
	late.Evaluator.LagS = 240
	if text := statusTable(late).String(); !strings.Contains(text, "the evaluator is 4\u00a0min behind") {
		t.Errorf("a late evaluator is not named:\n%s", text)
	}
}
