package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/kit/kittest"
)

// docs/cli.md shows every command as it is; UPDATE=1 writes them anew.
func TestTheDocumentationListsEveryCommand(t *testing.T) {
	rows := []string{"| Command | Does |", "|---|---|"}
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.HasSubCommands() {
				visit(sub)
				continue
			}
			rows = append(rows, fmt.Sprintf("| `%s` | %s |", strings.TrimSuffix(sub.UseLine(), " [flags]"), sub.Short))
		}
	}
	visit((&env{}).root())
	kittest.Section(t, "docs/cli.md", "commands", strings.Join(rows, "\n"))
}
