package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/kit/kittest"
)

// docs/cli.md shows every command as it is; UPDATE=1 writes them anew.
func TestTheDocumentationListsEveryCommand(t *testing.T) {
	rows := []string{"| Command | Does |", "|---|---|"}
	for _, c := range leaves((&env{}).root()) {
		rows = append(rows, fmt.Sprintf("| `%s` | %s |", strings.TrimSuffix(c.UseLine(), " [flags]"), c.Short))
	}
	kittest.Section(t, "docs/cli.md", "commands", strings.Join(rows, "\n"))
}

// runs are the commands that go on until they are ended, or need a Prometheus; they have tests of their own.
var runs = []string{"evenkeel demo", "evenkeel serve", "evenkeel assess"}

func TestEveryCommandIsTriedInAScript(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var tried strings.Builder
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		tried.Write(body)
	}
	for _, c := range leaves((&env{}).root()) {
		path := c.CommandPath()
		called := regexp.MustCompile(`(?m)(\bevenkeel|^exits \d) ` + strings.TrimPrefix(path, "evenkeel ") + `\b`)
		if !slices.Contains(runs, path) && !called.MatchString(tried.String()) {
			t.Errorf("no script runs %s", path)
		}
	}
}

// leaves are the commands that do something, in the order of the help texts.
func leaves(c *cobra.Command) (out []*cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.HasSubCommands() {
			out = append(out, leaves(sub)...)
		} else {
			out = append(out, sub)
		}
	}
	return out
}
