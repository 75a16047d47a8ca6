package org

import (
	"cmp"
	"slices"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Rule is one thing lint looks for. A new one is a file, a line in Rules, and testdata/rules/<ID>.txtar;
// docs/recipes/lint-rule.md shows how.
type Rule struct {
	ID       string       // stable: in reports, in evenkeel.dev/lint-ignore
	Title    string       // what is wrong, in one line
	Severity kit.Severity // of its findings, unless one says otherwise
	Strict   bool         // a strict reading makes errors of them
	Help     string       // why it matters, and what to do
	Check    func(d *Draft, tell Tell)
}

// Tell reports a finding of the rule at a place.
type Tell func(at Place, msg, remedy string)

// Draft is a directory that was read and is now judged.
type Draft struct {
	Directory *Directory
	entities  map[estate.Ref]document
	config    *document // evenkeel.yaml, nil where there is none
}

// Place is where a finding belongs.
type Place struct {
	doc      *document
	pointer  string
	file     string // without a document
	line     int
	entity   *estate.Entity
	severity kit.Severity
}

// Entity is a place in an entity's descriptor, by JSON pointer.
func (d *Draft) Entity(e estate.Entity, pointer string) Place {
	doc := d.entities[e.Ref]
	return Place{doc: &doc, pointer: pointer, entity: &e}
}

// Objective is the place of an objective.
func (d *Draft) Objective(o slo.Objective) Place { return Place{file: o.File, line: o.Line} }

// Config is a place in evenkeel.yaml, by JSON pointer.
func (d *Draft) Config(pointer string) Place {
	return Place{doc: d.config, pointer: pointer, file: "evenkeel.yaml"}
}

// As gives a finding another severity than its rule's.
func (p Place) As(s kit.Severity) Place { p.severity = s; return p }

// check runs the rules; nil = all. Warnings that an entity ignores are left out. Strictly, those of some rules are errors.
func (d *Draft) check(o Options) []kit.Problem {
	rules := o.Rules
	if rules == nil {
		rules = Rules
	}
	var out []kit.Problem
	for _, r := range rules {
		if r.Check == nil {
			continue
		}
		r.Check(d, func(at Place, msg, remedy string) {
			severity := cmp.Or(at.severity, r.Severity)
			if severity != kit.SeverityError && at.entity != nil && slices.Contains(at.entity.Ignore, r.ID) {
				return
			}
			if o.Strict && r.Strict && severity == kit.SeverityWarning {
				severity = kit.SeverityError
			}
			if at.doc != nil && at.doc.root != nil {
				out = append(out, at.doc.at(at.pointer, severity, r.ID, msg, remedy))
				return
			}
			out = append(out, kit.Problem{File: at.file, Line: at.line, Column: min(at.line, 1), Severity: severity, Rule: r.ID, Msg: msg, Remedy: remedy})
		})
	}
	return out
}
