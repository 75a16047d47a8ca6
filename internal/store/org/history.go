package org

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"evenkeel.dev/evenkeel/internal/kit"
)

// MaxVersions is how many versions a History keeps; the oldest go, the version in force never.
const MaxVersions = 200

// History keeps the files of versions that were read, in a folder of the data directory: what a version said can be shown
// and compared, and the last good one comes back into force when the server starts while the directory has errors.
type History struct{ dir string }

// Version is one version that was read.
type Version struct {
	Version  string        `json:"version"`
	Digest   string        `json:"digest"`
	At       time.Time     `json:"at"` // applied or refused, UTC
	Refused  bool          `json:"refused,omitempty"`
	Files    []VersionFile `json:"files"`
	Problems []kit.Problem `json:"problems,omitempty"`
}

// VersionFile is one file of a version.
type VersionFile struct {
	Path   string `json:"path"`
	Digest string `json:"digest"`
	Size   int    `json:"size"`
}

// FileDiff is what happened to one file between two versions.
type FileDiff struct {
	Path string
	How  string // added, removed, changed
	Text string // unified diff, "" for files that are not text
}

// OpenHistory opens or makes a history in a folder.
func OpenHistory(dir string) (*History, error) {
	for _, d := range []string{"blob", "version"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, fmt.Errorf("open org history: %w", err)
		}
	}
	return &History{dir}, nil
}

// Save keeps a version. Saving the one that was saved last does nothing.
func (h *History) Save(d *Directory, at time.Time, refused bool, problems []kit.Problem) error {
	v := Version{Version: d.Version, Digest: d.Digest, At: at.UTC(), Refused: refused, Problems: problems[:min(len(problems), 500)]}
	versions, err := h.Versions()
	if err != nil {
		return err
	}
	if len(versions) > 0 && versions[0].Digest == v.Digest && versions[0].Refused == refused {
		return nil
	}
	for _, f := range d.Files {
		v.Files = append(v.Files, VersionFile{f.Path, f.Digest, len(f.Data)})
		if err := h.put(h.blob(f.Digest), f.Data, false); err != nil {
			return fmt.Errorf("save %s: %w", f.Path, err)
		}
	}
	names, err := h.names()
	if err != nil {
		return err
	}
	next := 1
	if len(names) > 0 {
		_, _ = fmt.Sscanf(names[0], "%d-", &next) // names are ours
		next++
	}
	name := fmt.Sprintf("%09d-%s.json", next, d.Version)
	if err := h.put(filepath.Join(h.dir, "version", name), encoded(v), true); err != nil {
		return fmt.Errorf("save org version: %w", err)
	}
	return h.prune()
}

func (h *History) blob(digest string) string {
	return filepath.Join(h.dir, "blob", strings.TrimPrefix(digest, "sha256:"))
}

// put writes a file whole or not at all. An existing one is left as it is unless anew.
func (h *History) put(path string, data []byte, anew bool) error {
	if _, err := os.Stat(path); err == nil && !anew {
		return nil
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the write's error is the one to tell
	}
	return err
}

// Versions lists what is kept, the newest first.
func (h *History) Versions() ([]Version, error) {
	names, err := h.names()
	if err != nil {
		return nil, err
	}
	out := make([]Version, 0, len(names))
	for _, n := range names {
		var v Version
		b, err := os.ReadFile(filepath.Join(h.dir, "version", n))
		if err == nil {
			err = json.Unmarshal(b, &v)
		}
		if err != nil {
			return nil, fmt.Errorf("read org version %s: %w", n, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// names are the files of versions, the newest first.
func (h *History) names() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(h.dir, "version"))
	if err != nil {
		return nil, fmt.Errorf("read org history: %w", err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			names = append(names, e.Name())
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(b, a) })
	return names, nil
}

// Find is the newest kept version with a digest or short version. kit.NotFound when there is none.
func (h *History) Find(version string) (Version, error) {
	versions, err := h.Versions()
	if err != nil {
		return Version{}, err
	}
	i := slices.IndexFunc(versions, func(v Version) bool { return v.Version == version || v.Digest == version })
	if i < 0 {
		return Version{}, kit.Errorf(kit.NotFound, "version %s of the org directory is not kept", version)
	}
	return versions[i], nil
}

// Files reads the files of a version.
func (h *History) Files(v Version) ([]File, error) {
	var out []File
	for _, f := range v.Files {
		data, err := os.ReadFile(h.blob(f.Digest))
		if err != nil {
			return nil, fmt.Errorf("read %s of org version %s: %w", f.Path, v.Version, err)
		}
		if digest(data) != f.Digest {
			return nil, kit.Errorf(kit.Internal, "%s of org version %s was changed on disk", f.Path, v.Version)
		}
		out = append(out, File{f.Path, f.Digest, data})
	}
	return out, nil
}

// Diff compares two versions file by file, by path; equal files are left out.
func (h *History) Diff(from, to Version) ([]FileDiff, error) {
	before, err := h.Files(from)
	if err != nil {
		return nil, err
	}
	after, err := h.Files(to)
	if err != nil {
		return nil, err
	}
	return DiffFiles(before, after), nil
}

// DiffFiles compares two sets of files, both by path.
func DiffFiles(before, after []File) []FileDiff {
	var out []FileDiff
	for len(before)+len(after) > 0 {
		var b, a File
		switch {
		case len(after) == 0 || len(before) > 0 && before[0].Path < after[0].Path:
			b, before = before[0], before[1:]
			out = append(out, FileDiff{b.Path, "removed", unified(b.Path, b.Data, nil)})
		case len(before) == 0 || after[0].Path < before[0].Path:
			a, after = after[0], after[1:]
			out = append(out, FileDiff{a.Path, "added", unified(a.Path, nil, a.Data)})
		default:
			b, before, a, after = before[0], before[1:], after[0], after[1:]
			if b.Digest != a.Digest {
				out = append(out, FileDiff{a.Path, "changed", unified(a.Path, b.Data, a.Data)})
			}
		}
	}
	return out
}

func unified(path string, before, after []byte) string {
	return string(diff.Diff("a/"+path, before, "b/"+path, after))
}

// prune drops the oldest versions above MaxVersions, but for the last one that was applied, and blobs nothing names.
func (h *History) prune() error {
	names, err := h.names()
	if err != nil || len(names) <= MaxVersions {
		return err
	}
	versions, err := h.Versions()
	if err != nil {
		return err
	}
	applied := slices.IndexFunc(versions, func(v Version) bool { return !v.Refused })
	keep := map[string]bool{}
	var errs []error
	for i, v := range versions {
		if i >= MaxVersions && i != applied {
			errs = append(errs, os.Remove(filepath.Join(h.dir, "version", names[i])))
			continue
		}
		for _, f := range v.Files {
			keep[strings.TrimPrefix(f.Digest, "sha256:")] = true
		}
	}
	blobs, err := os.ReadDir(filepath.Join(h.dir, "blob"))
	errs = append(errs, err)
	for _, b := range blobs {
		if !keep[b.Name()] {
			if err := os.Remove(filepath.Join(h.dir, "blob", b.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
