package kittest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Section compares a generated part of a document with what it should be; UPDATE=1 writes it anew. It stands between the
// lines "<!-- NAME: ..." and "<!-- end -->". file is relative to the repository.
func Section(t testing.TB, file, name, want string) {
	t.Helper()
	path := filepath.Join(Root(t), filepath.FromSlash(file))
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(body), "<!-- "+name+":")
	mark, rest, _ := strings.Cut(rest, "\n")
	got, after, ended := strings.Cut(rest, "<!-- end -->")
	if !found || !ended {
		t.Fatalf("%s has no section %s", file, name)
	}
	want = strings.TrimSpace(want) + "\n"
	if got == want {
		return
	}
	if os.Getenv("UPDATE") == "" {
		t.Errorf("section %s of %s is not as things are; UPDATE=1 takes it over:\n%s", name, file, want)
		return
	}
	if err := os.WriteFile(path, []byte(before+"<!-- "+name+":"+mark+"\n"+want+"<!-- end -->"+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
