package org

import (
	"cmp"
	"os"
	"path"
	"slices"
	"strings"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/migrate"
)

// Directory is one version of an org directory as read. It does not change once made.
type Directory struct {
	Path       string
	Version    string // for people, 12 characters: of the digest, or of a Git commit and the digest, "3f9a1c2-d106"
	Commit     string // what is checked out there, full length; "" where it is no Git checkout
	Digest     string // "sha256:<hex>" over all files
	Files      []File // by path
	Config     Config
	Catalog    *estate.Catalog
	Objectives []slo.Objective // completed from tiers and defaults, by name
	Incidents  []Incident      // for back-tests, by begin
	Problems   []kit.Problem   // what the reading found, by place; without errors in a version in force
}

// Options change how a directory is read. The zero value reads tolerantly.
type Options struct {
	// Strict refuses what the OpenSLO specification refuses, which otherwise is a note, and references that lead nowhere,
	// which otherwise are warnings.
	Strict bool
	// CheckScrape says what is wrong with one scrape job, given as JSON; nil checks its name only.
	CheckScrape func(job []byte) error
	// Rules are those that are checked; nil = Rules.
	Rules []Rule
}

// MaxProblems bounds how many problems one reading reports.
const MaxProblems = 5_000

// Load reads an org directory. It always returns what could be read; with an error among the problems that must not come
// into force. Problems are ordered by file and line; none means none. A directory that cannot be opened is a problem, an
// empty one is an empty Directory with a warning.
func Load(dir string, o Options) (*Directory, []kit.Problem) {
	commit := commitOf(dir)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return assemble(dir, nil, nil, o), sorted([]kit.Problem{unreachable(dir, err)})
	}
	defer func() { _ = root.Close() }() // read only
	l := list(root)
	if l.refused != nil {
		return assemble(dir, nil, nil, o), sorted([]kit.Problem{unreachable(dir, l.refused)})
	}
	files := l.read(root)
	d, problems := load(dir, files, l.problems, o)
	if commit != "" {
		d.Commit, d.Version = commit, commit[:7]+"-"+strings.TrimPrefix(d.Digest, "sha256:")[:4]
	}
	return d, problems
}

// load reads files that are in memory.
func load(dir string, files []File, problems []kit.Problem, o Options) (*Directory, []kit.Problem) {
	r := &reading{Draft: Draft{entities: map[estate.Ref]document{}}, problems: problems}
	d := assemble(dir, files, r, o)
	d.Problems = sorted(r.problems)
	return d, d.Problems
}

func unreachable(dir string, err error) kit.Problem {
	return kit.Problem{File: dir, Severity: kit.SeverityError, Rule: "unreachable-file", Msg: "the org directory cannot be read: " + reason(err), Remedy: "check the path and the rights on it"}
}

// Failed says whether a problem is an error, so that the version must not come into force.
func Failed(problems []kit.Problem) bool {
	return slices.ContainsFunc(problems, func(p kit.Problem) bool { return p.Severity == kit.SeverityError })
}

// sorted orders problems by place, drops repeated ones and cuts the list at MaxProblems, keeping errors first in the cut.
func sorted(problems []kit.Problem) []kit.Problem {
	byPlace := func(a, b kit.Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Rule, b.Rule), strings.Compare(a.Msg, b.Msg))
	}
	slices.SortFunc(problems, byPlace)
	problems = slices.Compact(problems)
	if len(problems) <= MaxProblems {
		return problems
	}
	rank := map[kit.Severity]int{kit.SeverityError: 0, kit.SeverityWarning: 1, kit.SeverityNote: 2}
	slices.SortStableFunc(problems, func(a, b kit.Problem) int { return rank[a.Severity] - rank[b.Severity] })
	problems = problems[:MaxProblems]
	slices.SortFunc(problems, byPlace)
	return problems
}

// reading is a directory in the reading.
type reading struct {
	Draft
	found    []estate.Entity
	slos     []migrate.File
	problems []kit.Problem
}

// assemble reads all files into a Directory. A nil reading stands for nothing to read.
func assemble(dir string, files []File, r *reading, o Options) *Directory {
	sum := digestOf(files)
	d := &Directory{Path: dir, Digest: sum, Version: strings.TrimPrefix(sum, "sha256:")[:12], Files: files, Catalog: estate.New(nil)}
	if r == nil {
		return d
	}
	r.Directory = d
	docs, left := make([][]document, len(files)), MaxValues
	for i, f := range files {
		var problems []kit.Problem
		docs[i], problems = documents(f, &left)
		r.problems = append(r.problems, problems...)
	}
	r.settings(docs, o)
	for i, f := range files {
		r.file(f, docs[i])
	}
	d.Catalog = estate.New(r.found)
	slos := migrate.Read(r.slos, migrate.Options{Strict: o.Strict})
	r.problems = slices.Concat(r.problems, slos.Notes, slos.Problems)
	for _, s := range slos.Objectives {
		d.Objectives = append(d.Objectives, d.complete(s))
	}
	r.problems = append(r.problems, migrate.Lint(d.Objectives)...)
	slices.SortFunc(d.Objectives, func(a, b slo.Objective) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Incidents, func(a, b Incident) int { return a.From.Compare(b.From.Time) })
	if d.Catalog.Len() == 0 && len(d.Objectives) == 0 && !Failed(r.problems) {
		r.problems = append(r.problems, kit.Problem{File: dir, Severity: kit.SeverityWarning, Rule: "empty-directory", Msg: "no file describes a service or an objective", Remedy: "add a catalog-info.yaml; docs/org-directory.md shows one"})
	}
	r.problems = append(r.problems, r.check(o)...)
	return d
}

// settings finds and reads evenkeel.yaml, which says how the other files are read.
func (r *reading) settings(docs [][]document, o Options) {
	for _, in := range docs {
		for i, d := range in {
			if !isSettings(d.file) {
				continue
			}
			if r.config != nil {
				r.problems = append(r.problems, d.at("", kit.SeverityError, "duplicate-claim", "settings stand a second time; the first are in "+r.config.file, "keep one document in one evenkeel.yaml"))
				continue
			}
			r.config = &in[i]
			r.problems = append(r.problems, d.decode("evenkeel.schema.json", &r.Directory.Config)...)
		}
	}
	if r.config != nil && !Failed(r.problems) {
		r.problems = append(r.problems, r.config.judge(r.Directory.Config, o)...)
	}
}

func isSettings(file string) bool { return file == "evenkeel.yaml" || file == "evenkeel.yml" }

// file takes in the documents of one file.
func (r *reading) file(f File, docs []document) {
	if isSettings(f.Path) {
		return
	}
	if len(docs) == 0 && blank(f.Data) {
		r.problems = append(r.problems, kit.Problem{File: f.Path, Severity: kit.SeverityWarning, Rule: "not-read", Msg: "the file is empty", Remedy: "write it, or remove it"})
	}
	var slos []document
	for _, d := range docs {
		switch sort(d) {
		case sortEntity:
			r.entity(d)
		case sortSLO:
			slos = append(slos, d)
		case sortIncidents:
			in, problems := d.incidents()
			r.Directory.Incidents = append(r.Directory.Incidents, in...)
			r.problems = append(r.problems, problems...)
		case sortSettings:
			r.problems = append(r.problems, d.at("/kind", kit.SeverityError, "not-read", "settings stand outside evenkeel.yaml", "move them to evenkeel.yaml at the top of the directory"))
		default:
			r.problems = append(r.problems, d.at("", kit.SeverityNote, "not-read", "the document is of no kind that is read here", "keep files of other programs elsewhere, or ignore this"))
		}
	}
	if len(slos) > 0 {
		r.slos = append(r.slos, only(f, slos))
	}
}

// only is a file with all documents but some blanked out, so that lines keep their numbers.
func only(f File, docs []document) migrate.File {
	var b strings.Builder
	line := 0
	for _, d := range docs {
		b.WriteString(strings.Repeat("\n", d.above-line))
		b.Write(d.text)
		line = d.above + strings.Count(string(d.text), "\n")
	}
	return migrate.File{Name: f.Path, Data: []byte(b.String())}
}

// entity takes in a catalog entity.
func (r *reading) entity(d document) {
	def, _ := d.root.Value().(map[string]any)
	e, flaws := estate.FromDescriptor(def, r.Directory.Config.Namespace)
	e.File, e.Line = d.file, d.line()
	for _, f := range flaws {
		if severity := severityOf(f); severity == kit.SeverityError || !slices.Contains(e.Ignore, f.Rule) {
			r.problems = append(r.problems, d.at(f.Path, severity, f.Rule, f.Msg, f.Remedy))
		}
	}
	if e.Ref == "" {
		return
	}
	first, taken := r.entities[e.Ref]
	switch {
	case !taken:
		r.entities[e.Ref] = d
		r.found = append(r.found, e)
	case first.file == d.file:
		r.problems = append(r.problems, d.at("/metadata/name", kit.SeverityWarning, "duplicate-claim", string(e.Ref)+" stands in this file already, in line "+itoa(first.line()), "keep one; the first counts"))
	default:
		r.problems = append(r.problems, d.at("/metadata/name", kit.SeverityError, "duplicate-claim", string(e.Ref)+" is claimed by "+first.file+":"+itoa(first.line())+" too", "keep one of the two, or rename one"))
	}
}

func severityOf(f estate.Flaw) kit.Severity {
	if f.Fatal {
		return kit.SeverityError
	}
	return kit.SeverityWarning
}

type docSort int

const (
	sortOther docSort = iota
	sortEntity
	sortSLO
	sortIncidents
	sortSettings
)

// sort tells what a document is by its apiVersion, kind and first keys.
func sort(d document) docSort {
	api, kind := d.root.Get("apiVersion").Str(), d.root.Get("kind").Str()
	group, _, _ := strings.Cut(api, "/")
	switch {
	case group == "openslo" || strings.HasPrefix(group, "openslo.com"), group == "sloth.slok.dev", group == "pyrra.dev":
		return sortSLO
	case kind == "" && d.root.Get("version").Str() == "prometheus/v1": // Sloth
		return sortSLO
	case group == "evenkeel.dev" && kind == "Incidents", kind == "" && d.root.Get("incidents") != nil && strings.HasPrefix(path.Base(d.file), "incidents."):
		return sortIncidents
	case group == "evenkeel.dev" && kind == "Organisation":
		return sortSettings
	case kind == "" || d.root.Get("metadata") == nil || cluster(api):
		return sortOther
	}
	return sortEntity
}

// cluster says whether an apiVersion is one of Kubernetes manifests, which often lie beside catalog files.
func cluster(api string) bool {
	group, _, _ := strings.Cut(api, "/")
	return api == "v1" || slices.Contains([]string{"apps", "batch", "autoscaling", "policy", "extensions", "argoproj.io"}, group) ||
		strings.HasSuffix(group, ".k8s.io") || strings.HasSuffix(group, ".coreos.com") || strings.HasSuffix(group, "fluxcd.io")
}
