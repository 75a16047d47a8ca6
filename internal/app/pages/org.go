package pages

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/org"
	"evenkeel.dev/evenkeel/internal/web"
)

func (d *Desk) org(context.Context) (web.Org, error) {
	dir := d.directory()
	out := web.Org{Source: dir.Path, Version: dir.Version, Digest: dir.Digest, Entities: map[string]int{}, Refused: d.refused()}
	for _, e := range dir.Catalog.All() {
		out.Entities[e.Kind]++
	}
	if n := len(dir.Objectives); n > 0 {
		out.Entities["SLO"] = n
	}
	if r := d.Org.Refused(); r != nil {
		out.Problems = r.Problems
	} else {
		out.Problems = dir.Problems
	}
	out.Files = filesOf(dir, out.Problems)
	if h := d.Org.History(); h != nil {
		versions, err := h.Versions()
		if err != nil {
			return web.Org{}, err
		}
		out.Versions = versionsOf(h, versions)
		for _, v := range versions {
			if v.Digest == dir.Digest && !v.Refused {
				out.Applied = v.At
				break
			}
		}
	}
	return out, nil
}

// refused is the version that now lies in the directory and was not taken.
func (d *Desk) refused() *web.Refused {
	r := d.Org.Refused()
	if r == nil {
		return nil
	}
	out := &web.Refused{InForce: d.directory().Version, At: r.At}
	for _, p := range r.Problems {
		if p.Severity == kit.SeverityError {
			if out.Errors++; out.Errors == 1 {
				out.First = p
			}
		}
	}
	return out
}

func filesOf(dir *org.Directory, problems []kit.Problem) []web.OrgFile {
	holds := map[string]map[string]int{}
	count := func(file, what string) {
		if holds[file] == nil {
			holds[file] = map[string]int{}
		}
		holds[file][what]++
	}
	for _, e := range dir.Catalog.All() {
		count(e.File, strings.ToLower(e.Kind))
	}
	for _, o := range dir.Objectives {
		count(o.File, "objective")
	}
	var out []web.OrgFile
	for _, f := range dir.Files {
		file := web.OrgFile{Path: f.Path, Holds: contents(f.Path, holds[f.Path])}
		for _, p := range problems {
			switch {
			case p.File != f.Path:
			case p.Severity == kit.SeverityError:
				file.Errors++
			case p.Severity == kit.SeverityWarning:
				file.Warnings++
			}
		}
		out = append(out, file)
	}
	return out
}

// contents says in words what a file holds: "3 components, 1 group".
func contents(file string, n map[string]int) string {
	if path.Base(file) == "evenkeel.yaml" {
		return "settings"
	}
	var kinds []string
	for k := range n {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	var words []string
	for _, k := range kinds {
		words = append(words, fmt.Sprintf("%d %s", n[k], plural(k, n[k])))
	}
	return strings.Join(words, ", ")
}

func plural(word string, n int) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// shownVersions is how many versions the page lists.
const shownVersions = 30

func versionsOf(h *org.History, versions []org.Version) []web.OrgVersion {
	var out []web.OrgVersion
	for i, v := range versions[:min(shownVersions, len(versions))] {
		o := web.OrgVersion{Version: v.Version, At: v.At, Files: len(v.Files)}
		if i+1 < len(versions) {
			o.Changed = changedFiles(versions[i+1], v)
		}
		if v.Refused {
			for _, p := range v.Problems {
				if p.Severity == kit.SeverityError {
					o.Errors++
				}
			}
		}
		out = append(out, o)
	}
	return out
}

// changedFiles are the paths that differ between two versions.
func changedFiles(was, is org.Version) []string {
	before := map[string]string{}
	for _, f := range was.Files {
		before[f.Path] = f.Digest
	}
	var out []string
	for _, f := range is.Files {
		if before[f.Path] != f.Digest {
			out = append(out, f.Path)
		}
		delete(before, f.Path)
	}
	for p := range before {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

func (d *Desk) orgFile(_ context.Context, name string) (web.SourceText, error) {
	dir := d.directory()
	for _, f := range dir.Files {
		if f.Path != name {
			continue
		}
		out := web.SourceText{File: f.Path, Line: 1, Version: dir.Version, Text: string(f.Data)}
		problems := dir.Problems
		if r := d.Org.Refused(); r != nil {
			problems = r.Problems
		}
		for _, p := range problems {
			if p.File == name {
				out.Problems = append(out.Problems, p)
			}
		}
		return out, nil
	}
	return web.SourceText{}, kit.Errorf(kit.NotFound, "version %s has no file %s", dir.Version, name)
}

// excerpt is the document of a file that begins at or before a line: what an objective's page shows as its definition.
func excerpt(dir *org.Directory, file string, line int) web.SourceText {
	out := web.SourceText{File: file, Line: line, Version: dir.Version}
	for _, f := range dir.Files {
		if f.Path != file {
			continue
		}
		lines := bytes.Split(f.Data, []byte("\n"))
		begin := max(0, min(line-1, len(lines)-1))
		for begin > 0 && !bytes.HasPrefix(lines[begin-1], []byte("---")) {
			begin--
		}
		end := begin
		for end < len(lines) && !bytes.HasPrefix(lines[end], []byte("---")) {
			end++
		}
		out.Line, out.Mark = begin+1, line
		out.Text = strings.TrimRight(string(bytes.Join(lines[begin:end], []byte("\n"))), "\n")
	}
	return out
}
