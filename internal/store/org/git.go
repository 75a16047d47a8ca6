package org

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxGitFile bounds what is read of packed references.
const maxGitFile = 16 << 20

var commitID = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// commitOf is the commit that is checked out where a directory lies, full length; "" where that is no Git checkout or
// cannot be told. Git itself is not run: gitrepository-layout(5) says where the files are. Changes that are not committed
// are not seen here; the digest shows them.
func commitOf(dir string) string {
	at, err := filepath.Abs(dir)
	if err == nil {
		at, err = filepath.EvalSymlinks(at)
	}
	if err != nil {
		return ""
	}
	for {
		if git := gitFolder(at); git != "" {
			return headOf(git)
		}
		up := filepath.Dir(at)
		if up == at {
			return ""
		}
		at = up
	}
}

// gitFolder is where a checkout keeps its state: .git, or what a file .git names (worktrees, submodules); "" for none.
func gitFolder(at string) string {
	path := filepath.Join(at, ".git")
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	if info.IsDir() {
		return path
	}
	to, ok := strings.CutPrefix(gitText(path), "gitdir: ")
	if !ok {
		return ""
	}
	return under(at, to)
}

// headOf follows HEAD to a commit.
func headOf(git string) string {
	head := gitText(filepath.Join(git, "HEAD"))
	ref, ok := strings.CutPrefix(head, "ref: ")
	if !ok {
		return onlyCommit(head)
	}
	if !filepath.IsLocal(ref) || !strings.HasPrefix(ref, "refs/") {
		return ""
	}
	shared := git // a worktree shares its branches with the others
	if to := gitText(filepath.Join(git, "commondir")); to != "" {
		shared = under(git, to)
	}
	for _, folder := range []string{git, shared} {
		if id := onlyCommit(gitText(filepath.Join(folder, filepath.FromSlash(ref)))); id != "" {
			return id
		}
	}
	return packed(filepath.Join(shared, "packed-refs"), ref)
}

// packed finds a reference among the packed ones: a line "id name" each.
func packed(file, ref string) string {
	for line := range strings.Lines(gitText(file)) {
		if id, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == ref {
			return onlyCommit(id)
		}
	}
	return ""
}

func onlyCommit(text string) string {
	if commitID.MatchString(text) {
		return text
	}
	return ""
}

func under(folder, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// gitText reads a small file; "" when it cannot be read.
func gitText(file string) string {
	info, err := os.Stat(file)
	if err != nil || info.Size() > maxGitFile || !info.Mode().IsRegular() {
		return ""
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(data))
}
