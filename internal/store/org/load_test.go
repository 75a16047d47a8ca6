package org

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/kit/kittest"
)

// write makes an org directory of files.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		put(t, dir, name, text)
	}
	return dir
}

func put(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func lines(problems []kit.Problem) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n")
	}
	return b.String()
}

func TestRealBackstageFilesAreRead(t *testing.T) {
	dir := kittest.Fixtures(t, "delivery/backstage")
	d, problems := Load(dir, Options{})
	if Failed(problems) {
		t.Errorf("errors in real files:\n%s", lines(problems))
	}
	kinds := map[string]int{}
	for _, e := range d.Catalog.All() {
		kinds[e.Kind]++
	}
	for _, want := range []struct {
		kind  string
		least int
	}{{"Component", 60}, {"API", 2}, {"Group", 12}, {"AiResource", 6}} {
		if kinds[want.kind] < want.least {
			t.Errorf("read %d of kind %s, want at least %d (all: %v)", kinds[want.kind], want.kind, want.least, kinds)
		}
	}
	for _, f := range d.Files {
		if !slices.ContainsFunc(d.Catalog.All(), func(e estate.Entity) bool { return e.File == f.Path }) {
			t.Errorf("nothing was read from %s", f.Path)
		}
	}
	t.Logf("%v, %d problems\n%.3000s", kinds, len(problems), lines(problems))
}

func TestReportsHaveThreeForms(t *testing.T) {
	dir := write(t, map[string]string{"a.yaml": "kind: Component\nmetadata:\n  name: a\n  labels:\n    evenkeel.dev/tier: \"9\"\n"})
	d, problems := Load(dir, Options{})
	var text, js, sarif bytes.Buffer
	for _, err := range []error{WriteText(&text, d, problems), json.NewEncoder(&js).Encode(ReportOf(d, problems)), WriteSARIF(&sarif, "1.0.0", problems)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{`a.yaml:5:24: tier "9" is not 0, 1, 2 or 3; write "0"`, "1 error, 2 warnings, 0 notes"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("text lacks %q:\n%s", want, &text)
		}
	}
	if !strings.Contains(js.String(), `"line":5`) || !strings.Contains(sarif.String(), `"startLine": 5`) {
		t.Errorf("JSON:\n%s\nSARIF:\n%s", &js, &sarif)
	}
}

func TestStrictlyAReferenceThatLeadsNowhereIsAnError(t *testing.T) {
	dir := write(t, map[string]string{
		"a.yaml": "kind: Component\nmetadata: {name: a}\nspec: {type: service, lifecycle: production, owner: \"group:team\", dependsOn: [\"component:gone\"]}\n",
		"b.yaml": "kind: Component\nmetadata: {name: b, annotations: {evenkeel.dev/lint-ignore: dangling-reference}}\nspec: {type: service, lifecycle: production, owner: \"group:team\", dependsOn: [\"component:gone\"]}\n",
		"c.yaml": "kind: Location\nmetadata: {name: c}\nspec: {targets: [./nowhere.yaml]}\n",
		"t.yaml": "kind: Group\nmetadata: {name: team}\nspec: {type: team, children: []}\n",
	})
	if _, problems := Load(dir, Options{}); Failed(problems) {
		t.Errorf("tolerantly:\n%s", lines(problems))
	}
	_, problems := Load(dir, Options{Strict: true})
	var errs []string
	for _, p := range problems {
		if p.Severity == kit.SeverityError {
			errs = append(errs, p.File+" "+p.Rule)
		}
	}
	if want := []string{"a.yaml dangling-reference", "c.yaml location-target"}; !slices.Equal(errs, want) {
		t.Errorf("strictly: errors %v, want %v; all:\n%s", errs, want, lines(problems))
	}
}
