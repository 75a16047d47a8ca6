package arch

import (
	"bufio"
	"bytes"
	_ "embed"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

//go:embed layers.txt
var layers []byte

const module = "evenkeel.dev/evenkeel/internal/"

// order maps a package below internal/ to its line.
func order(t *testing.T) map[string]int {
	t.Helper()
	out := map[string]int{}
	s := bufio.NewScanner(bytes.NewReader(layers))
	for line := 1; s.Scan(); line++ {
		text, _, _ := strings.Cut(s.Text(), "#")
		for pkg := range strings.FieldsSeq(text) {
			out[pkg] = line
		}
	}
	return out
}

// layer finds a package's line: its own, or that of the nearest folder above it.
func layer(order map[string]int, pkg string) (string, int) {
	for p := pkg; p != "."; p = path.Dir(p) {
		if n, ok := order[p]; ok {
			return p, n
		}
	}
	return "", 0
}

func TestPackagesImportOnlyLayersAbove(t *testing.T) {
	order := order(t)
	seen := map[string]bool{}
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "testdata" {
			return cmpSkip(err)
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		rel, _ := filepath.Rel("..", filepath.Dir(file))
		pkg := filepath.ToSlash(rel)
		src, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if strings.HasSuffix(f.Name.Name, "_test") || pkg == "arch" {
			return nil
		}
		own, line := layer(order, pkg)
		if line == 0 {
			t.Errorf("internal/%s is in no line of layers.txt; put it where its data comes from", pkg)
			return nil
		}
		seen[own] = true
		for _, imp := range f.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			rest, ok := strings.CutPrefix(p, module)
			if !ok || rest == own || strings.HasPrefix(rest, own+"/") {
				continue
			}
			if strings.HasSuffix(rest, "test") && strings.HasSuffix(file, "_test.go") {
				continue // conformance helpers, from tests
			}
			if to, n := layer(order, rest); n >= line {
				t.Errorf("%s imports internal/%s (line %d, %s), which is not above internal/%s (line %d)", file, rest, n, to, own, line)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range order {
		if !seen[pkg] {
			t.Errorf("layers.txt names internal/%s, which does not exist", pkg)
		}
	}
}

func cmpSkip(err error) error {
	if err != nil {
		return err
	}
	return filepath.SkipDir
}
