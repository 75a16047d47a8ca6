package org

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// git runs the real Git on a repository and returns what it prints.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=ana", "GIT_AUTHOR_EMAIL=ana@example.org", "GIT_COMMITTER_NAME=ana", "GIT_COMMITTER_EMAIL=ana@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestAVersionIsNamedAfterTheCommitThatIsCheckedOut(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed; apt-get install git")
	}
	repo := write(t, map[string]string{"org/evenkeel.yaml": "organisation: Example\n"})
	dir := filepath.Join(repo, "org")
	check := func(what, want string) {
		t.Helper()
		d, _ := Load(dir, Options{})
		if d.Commit != want {
			t.Errorf("%s: commit %q, want %q", what, d.Commit, want)
		}
		short := strings.TrimPrefix(d.Digest, "sha256:")
		if label := cmpLabel(want, short); d.Version != label {
			t.Errorf("%s: version %q, want %q", what, d.Version, label)
		}
	}
	check("no checkout", "")
	git(t, repo, "init", "-q", "-b", "main")
	check("before the first commit", "")
	git(t, repo, "add", ".")
	git(t, repo, "commit", "-q", "-m", "first")
	first := git(t, repo, "rev-parse", "HEAD")
	check("a branch", first)
	git(t, repo, "pack-refs", "--all")
	check("packed branches", first)
	git(t, repo, "checkout", "-q", "--detach")
	check("a detached head", first)
	put(t, repo, "org/more.yaml", "kind: Group\nmetadata: {name: team}\nspec: {type: team, children: []}\n")
	check("changes on top", first)
	tree := filepath.Join(t.TempDir(), "tree")
	git(t, repo, "worktree", "add", "-q", "-b", "other", tree)
	dir = filepath.Join(tree, "org")
	check("a worktree", first)
}

func cmpLabel(commit, digest string) string {
	if commit == "" {
		return digest[:12]
	}
	return commit[:7] + "-" + digest[:4]
}
