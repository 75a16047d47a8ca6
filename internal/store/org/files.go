package org

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Bounds on a directory. A thousand services with their objectives are about 2 MB in a few hundred files.
const (
	MaxFiles     = 10_000
	MaxFileBytes = 4 << 20
	MaxBytes     = 64 << 20
	MaxDepth     = 32 // folders in folders
)

// File is one file of a version.
type File struct {
	Path   string // below the directory, with slashes
	Digest string // "sha256:<hex>" of its bytes
	Data   []byte
}

// Stamp is what a file looked like from outside: cheap to compare, not a proof that nothing changed.
type Stamp struct {
	Size  int64
	Mtime time.Time
}

// listing is what a walk found: the files that are read, and what could not be.
type listing struct {
	stamps   map[string]Stamp
	problems []kit.Problem
	refused  error // the directory itself cannot be read
}

// list walks a directory for files that are read: *.yaml and *.yml in it and in its folders, but for hidden names.
// Symbolic links to files within the directory are followed, others are not.
func list(root *os.Root) listing {
	l := listing{stamps: map[string]Stamp{}}
	l.refused = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case name == "." && err != nil:
			return err
		case err != nil:
			l.problem(name, "unreachable-file", "cannot be read: "+reason(err), "give the account that runs Evenkeel the right to read it")
			return skip(d)
		case name == ".":
			return nil
		case strings.HasPrefix(d.Name(), "."), d.Name() == "node_modules":
			return skip(d)
		case d.IsDir():
			if strings.Count(name, "/") >= MaxDepth {
				l.problem(name, "too-deep", fmt.Sprintf("lies deeper than %d folders", MaxDepth), "move its files up")
				return fs.SkipDir
			}
			return nil
		}
		l.file(root, name, d)
		if len(l.stamps) > MaxFiles {
			l.problem(path.Dir(name), "too-large", fmt.Sprintf("the directory holds more than %d files", MaxFiles), "point Evenkeel at the folder that holds only its files")
			return fs.SkipAll
		}
		return nil
	})
	return l
}

func skip(d fs.DirEntry) error {
	if d != nil && d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

func (l *listing) problem(file, rule, msg, remedy string) {
	l.problems = append(l.problems, kit.Problem{File: file, Severity: kit.SeverityError, Rule: rule, Msg: msg, Remedy: remedy})
}

// file notes one entry that is not a folder.
func (l *listing) file(root *os.Root, name string, d fs.DirEntry) {
	link := d.Type()&fs.ModeSymlink != 0
	if !link && !isYAML(name) {
		return
	}
	info, err := root.Stat(name) // follows links that stay within
	switch {
	case err != nil && link && errors.Is(err, fs.ErrNotExist):
		l.problem(name, "broken-link", "is a link to something that is not there", "mend or remove the link")
	case err != nil && link:
		l.problem(name, "leaving-link", "is a link that leaves the directory", "copy the file into the directory: what is not in it is not under its review")
	case err != nil:
		l.problem(name, "unreachable-file", "cannot be read: "+reason(err), "give the account that runs Evenkeel the right to read it")
	case info.IsDir():
		l.problems = append(l.problems, kit.Problem{File: name, Severity: kit.SeverityWarning, Rule: "folder-link", Msg: "is a link to a folder, which is not followed", Remedy: "move the folder here"})
	case !isYAML(name):
	case !info.Mode().IsRegular():
		l.problem(name, "unreachable-file", "is not a regular file", "replace it by one")
	default:
		l.stamps[name] = Stamp{info.Size(), info.ModTime()}
	}
}

func isYAML(name string) bool {
	ext := path.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

// reason is a file error without the operation and path that the message names already.
func reason(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// read reads the listed files, by path.
func (l *listing) read(root *os.Root) []File {
	names := make([]string, 0, len(l.stamps))
	for n := range l.stamps {
		names = append(names, n)
	}
	slices.Sort(names)
	var files []File
	var sum int64
	for _, n := range names {
		data, err := readFile(root, n)
		switch {
		case errors.Is(err, errTooLarge):
			l.problem(n, "too-large", fmt.Sprintf("is larger than %d MB", MaxFileBytes>>20), "split it")
		case err != nil:
			l.problem(n, "unreachable-file", "cannot be read: "+reason(err), "give the account that runs Evenkeel the right to read it")
		case sum+int64(len(data)) > MaxBytes:
			l.problem(n, "too-large", fmt.Sprintf("with it the directory is larger than %d MB", MaxBytes>>20), "point Evenkeel at the folder that holds only its files")
			return files
		default:
			sum += int64(len(data))
			files = append(files, File{n, digest(data), data})
		}
	}
	return files
}

var errTooLarge = errors.New("too large")

func readFile(root *os.Root, name string) (data []byte, err error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	data, err = io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err == nil && len(data) > MaxFileBytes {
		err = errTooLarge
	}
	return data, err
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// digestOf is the digest of a version: over paths and digests of its files, sorted by path.
func digestOf(files []File) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString(f.Path + "\x00" + f.Digest + "\n")
	}
	return digest([]byte(b.String()))
}
