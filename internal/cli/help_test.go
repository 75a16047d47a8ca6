package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// TestHelpTexts compares each command's help with testdata/help; UPDATE=1 writes them anew.
func TestHelpTexts(t *testing.T) {
	t.Setenv("EVENKEEL_URL", "")
	root := (&env{}).root()
	seen := map[string]bool{}
	visit := func(c *cobra.Command) {
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".txt"
		seen[name] = true
		var out bytes.Buffer
		c.SetOut(&out)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		if c != root && !c.HasSubCommands() && c.Runnable() && c.Example == "" && c.Name() != "version" && c.Name() != "demo" {
			t.Errorf("%s shows no example", c.CommandPath())
		}
		file := filepath.Join("testdata", "help", name)
		if os.Getenv("UPDATE") != "" {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("%s has no golden help text; run with UPDATE=1: %v", c.CommandPath(), err)
			return
		}
		if diff := cmp.Diff(string(want), out.String()); diff != "" {
			t.Errorf("help of %s changed; UPDATE=1 takes it over (-golden +now):\n%s", c.CommandPath(), diff)
		}
	}
	var all func(c *cobra.Command)
	all = func(c *cobra.Command) {
		visit(c)
		for _, sub := range c.Commands() {
			all(sub)
		}
	}
	all(root)
	files, err := filepath.Glob("testdata/help/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !seen[filepath.Base(f)] {
			t.Errorf("%s belongs to no command", f)
		}
	}
}
