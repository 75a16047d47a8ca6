// Package kittest holds what tests of several packages share.
package kittest

import (
	"os"
	"path/filepath"
	"testing"
)

// Fixtures finds a folder or file of the shared fixtures, which are not part of the project: EVENKEEL_FIXTURES, or
// ../shared/data beside the repository. Without them the test is skipped, and fails where CI=true.
func Fixtures(t testing.TB, name string) string {
	t.Helper()
	root := os.Getenv("EVENKEEL_FIXTURES")
	if root == "" {
		root = filepath.Join(Root(t), "..", "shared", "data")
	}
	path := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("fixtures are required where CI=true: %v", err)
		}
		t.Skipf("no fixtures: set EVENKEEL_FIXTURES to the folder that holds %s", name)
	}
	return path
}

// Root is the repository's root: the folder with go.mod, above the test's own.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d
		}
		if d == filepath.Dir(d) {
			t.Fatalf("no go.mod above %s", dir)
		}
	}
}
