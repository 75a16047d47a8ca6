package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/kit"
)

func statusCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "status", Short: "How the server itself does, and who you are to it", GroupID: "look", Args: wants(0, 0),
		Long: `Shows version, readiness, the evaluator's lag, what sends telemetry and what is stored. Exit code 1 when something is wrong: it
is not ready, a source is silent or fails, or an objective cannot be evaluated.`,
		Example: "  evenkeel status",
		RunE: func(c *cobra.Command, _ []string) error {
			var s api.System
			if err := e.get(c.Context(), "/api/v1/system", &s); err != nil {
				return err
			}
			if err := e.print(s, statusTable(s)); err != nil {
				return err
			}
			if !well(s) {
				return findings()
			}
			return nil
		}}
}

func well(s api.System) bool {
	for _, src := range s.Sources {
		if src.Silent || src.Error != "" {
			return false
		}
	}
	return s.Ready && len(s.Evaluator.Problems) == 0
}

func statusTable(s api.System) table {
	t := table{head: []string{"what", "value"}}
	t.add("version", s.Version)
	t.add("started", clock(&s.Started))
	t.add("ready", human(s.Ready))
	t.add("you", s.You.Name+", "+s.You.Role)
	t.add("evaluator", kit.Plural(s.Evaluator.Objectives, "objective", "objectives")+", last at "+clock(s.Evaluator.Last)+", took "+kit.Duration(time.Duration(s.Evaluator.TookS*float64(time.Second))))
	for _, p := range s.Evaluator.Problems {
		t.add("problem", p)
	}
	for _, src := range s.Sources {
		t.add("source", sourceWords(src))
	}
	for _, st := range s.Stores {
		words := st.Name + ": " + human(size(st.Bytes)) + " in " + st.Place
		if st.Free > 0 {
			words += ", " + human(size(st.Free)) + " free"
		}
		t.add("store", words)
	}
	return t
}

func sourceWords(s api.SourceState) string {
	out := []string{s.Kind + " " + s.Name + ": last " + clock(s.Last)}
	if s.Silent {
		out = append(out, "silent")
	}
	if s.Error != "" {
		out = append(out, s.Error)
	}
	return strings.Join(out, ", ")
}
