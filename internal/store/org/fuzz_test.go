package org

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzLoad reads one file under each of the names that are read differently: it never panics, every problem has a rule,
// a text and a place within the file, and reading is deterministic.
func FuzzLoad(f *testing.F) {
	paths, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			f.Add(file.Data)
		}
	}
	f.Add([]byte("kind: Component\r\nmetadata:\r\n  name: a\r\n---\r\n\ufeffkind: x\n...\n%YAML 1.2\n---\n- ? a\n  : b"))
	f.Add([]byte("a: &a\n  <<: *a\nb: *a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		for _, name := range []string{"evenkeel.yaml", "catalog.yaml", "incidents.yaml"} {
			files := []File{{name, digest(data), data}}
			d, problems := load(".", files, nil, Options{})
			for _, p := range problems {
				if p.Rule == "" || p.Msg == "" || p.Severity == "" {
					t.Fatalf("problem without a part: %+v", p)
				}
				if p.File == name && p.Line > countLines(data) {
					t.Fatalf("%s, but the file has %d lines", p, countLines(data))
				}
			}
			again, _ := load(".", files, nil, Options{})
			if d.Catalog.Len() != again.Catalog.Len() || len(d.Objectives) != len(again.Objectives) {
				t.Fatal("a second reading differs from the first")
			}
		}
	})
}

func countLines(data []byte) int {
	n := 1
	for _, c := range data {
		if c == '\n' {
			n++
		}
	}
	return n
}
