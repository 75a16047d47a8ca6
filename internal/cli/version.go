package cli

import (
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version of this build", GroupID: "keep", Args: wants(0, 0),
		RunE: func(*cobra.Command, []string) error {
			v := map[string]string{"version": Version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
			return e.print(v, table{head: []string{"version", "go", "platform"}, rows: [][]any{{v["version"], v["go"], v["platform"]}}})
		},
	}
}
