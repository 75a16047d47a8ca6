package migrate

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// Note is a deviation from a standard that was read all the same, or a part of a file that has no meaning here.
type Note = kit.Problem

// File is one file of an import.
type File struct {
	Name string // for messages and links
	Data []byte // YAML or JSON, all its documents
}

// Options of an import.
type Options struct {
	// Strict refuses what the OpenSLO specification refuses; otherwise such a deviation is a note.
	Strict bool
	// Partial is for files whose references may point into files that are not at hand: a dangling one is a warning. An
	// objective whose indicator it names is left out; an alert rule it names is left out of its objective.
	Partial bool
}

// Result of an import. Objectives with an error among the problems are left out of it; where any problem is an error the
// import as a whole should be refused.
type Result struct {
	Objectives []slo.Objective // in the order of the files
	Notes      []Note
	Problems   []kit.Problem // errors and warnings
}

// Failed says whether a problem is an error.
func (r Result) Failed() bool {
	return slices.ContainsFunc(r.Problems, func(p kit.Problem) bool { return p.Severity == kit.SeverityError })
}

// ReadSLOs reads one file by itself. See Read.
func ReadSLOs(file string, data []byte, o Options) ([]slo.Objective, []Note, []kit.Problem) {
	r := Read([]File{{file, data}}, o)
	return r.Objectives, r.Notes, r.Problems
}

// Read reads the objectives of all files of one import: OpenSLO v1 (v1alpha; v2alpha too), Sloth's prometheus/v1 and its
// custom resource, Pyrra's custom resource. References between documents are resolved over all files. Files of another
// kind (Prometheus rules, Helm values) are refused in words.
func Read(files []File, o Options) Result {
	im := &importer{options: o, index: map[ref]object{}}
	var documents []object
	for _, f := range files {
		documents = append(documents, im.open(f)...)
	}
	for _, d := range documents {
		im.register(d)
	}
	for _, d := range documents {
		d.format.read(im, d)
	}
	im.checkNames()
	return im.result()
}

// importer gathers what one import finds.
type importer struct {
	options    Options
	index      map[ref]object // referable documents
	windows    []alertWindows // Sloth's AlertWindows
	objectives []slo.Objective
	places     []place // of the objectives' names, for messages
	found      []kit.Problem
}

// ref names a document that others refer to.
type ref struct{ kind, name string }

// object is one document, or one item of a list of them.
type object struct {
	file   string
	node   *tree.Node
	kind   string
	format *format
	part   bool // named here only, because it stands inside another document
}

type place struct{ line, column int }

// open splits a file into documents and lists into their items, and finds each one's format.
func (im *importer) open(f File) []object {
	docs, err := tree.Parse(f.Data)
	if err != nil {
		var syntax *tree.SyntaxError
		if !errors.As(err, &syntax) {
			syntax = &tree.SyntaxError{Line: 1, Column: 1, Msg: err.Error()}
		}
		im.found = append(im.found, kit.Problem{File: f.Name, Line: syntax.Line, Column: syntax.Column,
			Severity: kit.SeverityError, Rule: "yaml", Msg: syntax.Msg, Remedy: mend(f.Data, syntax.Line)})
		return nil
	}
	if len(docs) == 0 {
		im.found = append(im.found, kit.Problem{File: f.Name, Line: 1, Column: 1, Severity: kit.SeverityError,
			Rule: "empty-file", Msg: "the file holds no document", Remedy: "remove it, or write an SLO into it"})
	}
	var out []object
	for _, d := range docs {
		items := []*tree.Node{d}
		if d.Kind == tree.List {
			items = d.Items
		} else if d.Get("kind").Str() == "List" && d.Get("items").Is(tree.List) { // kubectl get -o yaml
			items = d.Get("items").Items
		}
		for _, item := range items {
			out = append(out, object{file: f.Name, node: item, kind: item.Get("kind").Str(), format: formatOf(item)})
		}
	}
	return out
}

// mend says what to do about a line that is no YAML.
func mend(data []byte, line int) string {
	for text := range bytes.Lines(data) {
		if line--; line == 0 && bytes.Contains(text, []byte("{{")) {
			return "the line holds {{ }}: render the template first, or put the text in quotes"
		}
	}
	return "mend the YAML"
}

// register makes a document known to those that refer to it.
func (im *importer) register(o object) {
	if o.format.refer == nil {
		return
	}
	o.format.refer(im, o)
}

func (im *importer) result() Result {
	var r Result
	r.Objectives = im.objectives
	slices.SortStableFunc(im.found, func(a, b kit.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for _, p := range slices.Compact(im.found) {
		if p.Severity == kit.SeverityNote {
			r.Notes = append(r.Notes, p)
			continue
		}
		r.Problems = append(r.Problems, p)
	}
	return r
}

// add takes an objective in, unless an error was found since mark.
func (im *importer) add(o object, name *tree.Node, mark int, out slo.Objective) {
	if im.failedSince(mark) {
		return
	}
	line, column := name.At()
	if line == 0 {
		line, column = o.node.At()
	}
	out.File, out.Line = o.file, line
	im.objectives = append(im.objectives, out)
	im.places = append(im.places, place{line, column})
}

func (im *importer) failedSince(mark int) bool {
	return slices.ContainsFunc(im.found[mark:], func(p kit.Problem) bool { return p.Severity == kit.SeverityError })
}

// checkNames refuses a second objective of the same name, and leaves it out.
func (im *importer) checkNames() {
	first := map[string]int{}
	var unique []slo.Objective
	for i, o := range im.objectives {
		j, taken := first[o.Name]
		if !taken {
			first[o.Name] = i
			unique = append(unique, o)
			continue
		}
		im.found = append(im.found, kit.Problem{File: o.File, Line: im.places[i].line, Column: im.places[i].column,
			Severity: kit.SeverityError, Rule: "duplicate-objective",
			Msg:    "the objective " + o.Name + " is defined twice, first at " + at(im.objectives[j].File, im.places[j].line),
			Remedy: "rename one of them or remove it"})
	}
	im.objectives = unique
}
