package org

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"evenkeel.dev/evenkeel/internal/kit"
)

var update = flag.Bool("update", false, "write the expectations of testdata/rules anew")

// unpack makes the org directory that an archive describes: its files, and one command a line of its comment:
//
//	link NAME TARGET    a symbolic link
//	fill NAME BYTES     a file of that size
//	pipe NAME           a named pipe
func unpack(t testing.TB, a *txtar.Archive) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range a.Files {
		if f.Name != "want" {
			put(t, dir, f.Name, string(f.Data))
		}
	}
	for line := range strings.Lines(string(a.Comment)) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		var err error
		name := filepath.Join(dir, words[1])
		switch words[0] {
		case "link":
			err = os.Symlink(words[2], name)
		case "fill":
			var n int
			n, err = strconv.Atoi(words[2])
			put(t, dir, words[1], strings.Repeat("#", n))
		case "pipe":
			err = syscall.Mkfifo(name, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestEachRuleFindsWhatItsExampleHolds(t *testing.T) {
	for _, r := range Rules {
		t.Run(r.ID, func(t *testing.T) {
			if r.Title == "" || r.Help == "" || r.Severity == "" {
				t.Error("a rule has a title, a severity and a help text")
			}
			path := filepath.Join("testdata", "rules", r.ID+".txtar")
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatalf("rule %s has no example; write %s, then run this test with -update: %v", r.ID, path, err)
			}
			dir := unpack(t, a)
			_, problems := Load(dir, Options{})
			var b strings.Builder
			for _, p := range problems {
				fmt.Fprintf(&b, "%s [%s]\n", strings.ReplaceAll(p.String(), dir, "DIR"), p.Rule)
			}
			got := b.String()
			if !strings.Contains(got, "["+r.ID+"]") {
				t.Errorf("the example has no finding of its rule:\n%s", got)
			}
			i := len(a.Files) - 1
			if i < 0 || a.Files[i].Name != "want" {
				a.Files = append(a.Files, txtar.File{Name: "want"})
				i++
			}
			if *update {
				a.Files[i].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(a.Files[i].Data), got); d != "" {
				t.Errorf("findings differ (-want +got); -update takes them over:\n%s", d)
			}
		})
	}
}

func TestAnEntityCanAcceptWarningsButNotErrors(t *testing.T) {
	file := func(ignore string) string {
		return "kind: Component\nmetadata:\n  name: a\n  annotations:\n    evenkeel.dev/lint-ignore: " + ignore + "\nspec: {type: service, lifecycle: production}\n"
	}
	if _, problems := Load(write(t, map[string]string{"a.yaml": file("other")}), Options{}); len(problems) != 1 {
		t.Errorf("want the missing owner, got:\n%s", lines(problems))
	}
	if _, problems := Load(write(t, map[string]string{"a.yaml": file("ownerless")}), Options{}); len(problems) != 0 {
		t.Errorf("want nothing, got:\n%s", lines(problems))
	}
	two := map[string]string{"a.yaml": file("duplicate-claim, ownerless"), "b.yaml": file("duplicate-claim, ownerless")}
	if _, problems := Load(write(t, two), Options{}); !Failed(problems) {
		t.Errorf("want the duplicate claim, got:\n%s", lines(problems))
	}
}

func TestReportedRulesAreListed(t *testing.T) {
	known := map[string]kit.Severity{}
	for _, r := range Rules {
		if _, twice := known[r.ID]; twice {
			t.Errorf("rule %s is listed twice", r.ID)
		}
		known[r.ID] = r.Severity
	}
}
