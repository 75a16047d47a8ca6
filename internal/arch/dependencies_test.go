package arch

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// TestEveryDirectDependencyEarnsItsLine reads go.mod beside docs/dependencies.md. OpenTelemetry's modules may be named
// without their host.
func TestEveryDirectDependencyEarnsItsLine(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(string(doc), func(r rune) bool { return strings.ContainsRune(" ,;|()\n`", r) }) {
		words[w] = true
	}
	for _, r := range mod.Require {
		path := r.Mod.Path
		short := strings.TrimPrefix(path, "go.opentelemetry.io/")
		if !r.Indirect && !words[path] && !words[short] {
			t.Errorf("docs/dependencies.md has no line for %s: why it is here, its licence, what it would cost to do without", path)
		}
	}
	if len(mod.Require) == 0 {
		t.Error("go.mod requires nothing: it was not read")
	}
}
