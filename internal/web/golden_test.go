package web

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// TestFragmentsMatchTheirGoldenFiles holds the markup of the parts that say most; whole pages would be too long to review.
func TestFragmentsMatchTheirGoldenFiles(t *testing.T) {
	full, empty := newWeb(t, fixture()), newWeb(t, emptySources())
	for name, c := range map[string]struct {
		w    *Web
		path string
	}{
		"now-todo": {full, "/?frag=todo"}, "now-burning": {full, "/?frag=burning"}, "now-todo-empty": {empty, "/?frag=todo"}, "now-fleet-empty": {empty, "/?frag=fleet"},
		"objective-keys": {full, "/objectives/checkout-availability?frag=keys"}, "ledger-trust": {full, "/ledger?frag=trust"}, "system-sources": {full, "/system?frag=sources"},
	} {
		got := strings.ReplaceAll(get(t, c.w, c.path).Body.String(), "><", ">\n<") + "\n"
		file := "testdata/" + name + ".html"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
			t.Errorf("%s changed (-want +got), look at it and run with -update:\n%s", name, d)
		}
	}
}
