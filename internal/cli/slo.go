package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/org"
)

func sloCommand(e *env) *cobra.Command {
	return group(&cobra.Command{Use: "slo", Short: "Objectives and error budgets", GroupID: "look", Example: "  evenkeel slo ls"},
		sloListCommand(e), sloShowCommand(e), sloAlertsCommand(e), sloSeriesCommand(e), sloCorrectCommand(e), sloBacktestCommand(e), sloReplayCommand(e), sloImportCommand(e), sloExportCommand(e))
}

// localObjectives reads objectives from an org directory: all, or those named.
func localObjectives(dir string, names []string) ([]slo.Objective, error) {
	d, problems := org.Load(dir, org.Options{})
	if org.Failed(problems) {
		return nil, &kit.Error{Code: kit.Invalid, Msg: "org directory " + dir + " has errors", Hint: "see evenkeel lint " + dir}
	}
	if len(names) == 0 {
		return d.Objectives, nil
	}
	var out []slo.Objective
	for _, name := range names {
		i := slices.IndexFunc(d.Objectives, func(o slo.Objective) bool { return o.Name == name })
		if i < 0 {
			return nil, kit.Errorf(kit.NotFound, "objective %s does not exist in %s; it has %s", name, dir, some(d.Objectives))
		}
		out = append(out, d.Objectives[i])
	}
	return out, nil
}

// some names a few of the objectives there are.
func some(list []slo.Objective) string {
	if len(list) == 0 {
		return "none"
	}
	var names []string
	for _, o := range list[:min(5, len(list))] {
		names = append(names, o.Name)
	}
	if len(list) > 5 {
		names = append(names, "...")
	}
	return strings.Join(names, ", ")
}
