package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
)

var orgPage = Page{
	Route: "GET /organisation", Group: "Set up", Nav: "Organisation", Key: "f", Tmpl: "org.html", View: orgView{}, Needs: Read,
	Has:  func(s Sources) bool { return s.Org != nil },
	Live: []event.Kind{"catalog.applied", "catalog.refused", "policy.applied"},
	Load: loadOrg,
}

type orgView struct {
	Base
	Org
	Errors   int
	Warnings int
	Holds    string // "21 components, 4 groups"
	Excerpts []excerpt
	Rows     []OrgFile
	Pages    pager
	Shown    []problemRow
	Hidden   int
}

type problemRow struct {
	kit.Problem
	Href string
}

// excerpt is the lines around a problem.
type excerpt struct {
	SourceText
	Href string
}

// What the page shows of problems.
const (
	shownProblems = 100
	shownExcerpts = 3
)

func loadOrg(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := orgView{Base: base(ctx, s, r)}
	var err error
	if v.Org, err = s.Org(ctx); err != nil {
		return nil, err
	}
	for _, p := range v.Problems {
		switch p.Severity {
		case kit.SeverityError:
			v.Errors++
		case kit.SeverityWarning:
			v.Warnings++
		}
	}
	problems := slices.Clone(v.Problems)
	slices.SortStableFunc(problems, func(a, b kit.Problem) int { return severityRank(a.Severity) - severityRank(b.Severity) })
	for i, p := range problems {
		if i == shownProblems {
			v.Hidden = len(problems) - i
			break
		}
		v.Shown = append(v.Shown, problemRow{p, fileHref(p.File, p.Line)})
	}
	v.Excerpts = excerpts(ctx, s, problems)
	v.Holds = holds(v.Entities)
	files := slices.Clone(v.Files)
	slices.SortStableFunc(files, func(a, b OrgFile) int {
		if c := (b.Errors - a.Errors); c != 0 {
			return c
		}
		return strings.Compare(a.Path, b.Path)
	})
	v.Pages = v.page(len(files), 50, "")
	v.Rows = files[v.Pages.from:v.Pages.to]
	return v, nil
}

func severityRank(s kit.Severity) int {
	return slices.Index([]kit.Severity{kit.SeverityError, kit.SeverityWarning, kit.SeverityNote}, s)
}

func holds(entities map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(entities)) {
		parts = append(parts, fmt.Sprintf("%s %s", kit.Count(float64(entities[k])), k))
	}
	return strings.Join(parts, ", ")
}

// excerpts shows the first errors in their files.
func excerpts(ctx context.Context, s Sources, problems []kit.Problem) []excerpt {
	var out []excerpt
	for _, p := range problems {
		if s.OrgFile == nil || p.Severity != kit.SeverityError || p.Line == 0 || len(out) == shownExcerpts {
			break
		}
		t, err := s.OrgFile(ctx, p.File)
		if err != nil {
			continue // the file may be gone by now; the list names it
		}
		t = around(t, p.Line, 3)
		t.Problems = []kit.Problem{p}
		out = append(out, excerpt{t, fileHref(p.File, p.Line)})
	}
	return out
}

// around keeps the lines near one.
func around(t SourceText, line, more int) SourceText {
	lines := strings.Split(t.Text, "\n")
	from, to := max(line-1-more, 0), min(line+more, len(lines))
	if from >= to {
		return t
	}
	t.Text, t.Line, t.Mark = strings.Join(lines[from:to], "\n"), from+1, line
	return t
}

var orgFilePage = Page{
	Route: "GET /organisation/file", Tmpl: "orgfile.html", View: orgFileView{}, Needs: Read,
	Has:  func(s Sources) bool { return s.OrgFile != nil },
	Load: loadOrgFile,
}

type orgFileView struct {
	Base
	SourceText
	Errors int
}

func loadOrgFile(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := orgFileView{Base: base(ctx, s, r)}
	var err error
	if v.SourceText, err = s.OrgFile(ctx, v.Query("path")); err != nil {
		return nil, err
	}
	v.Line = 1
	v.Mark, _ = strconv.Atoi(v.Query("line"))
	for _, p := range v.Problems {
		if p.Severity == kit.SeverityError {
			v.Errors++
		}
	}
	return v, nil
}

// fewRefs is how many changed entities a version lists.
const fewRefs = 6

// Few are the first changed entities.
func (v OrgVersion) Few() []string { return v.Changed[:min(len(v.Changed), fewRefs)] }

// Rest is how many more there are.
func (v OrgVersion) Rest() int { return max(len(v.Changed)-fewRefs, 0) }
