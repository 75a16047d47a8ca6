package org

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// Bounds on YAML beside those of one document (tree.MaxNodes and tree.MaxDepth).
const (
	MaxDocuments = 20_000    // of one file
	MaxValues    = 5_000_000 // of all files, aliases written out
)

// document is one YAML document of a file.
type document struct {
	file  string
	above int        // lines of the file above its text
	text  []byte     // from its "---" on
	root  *tree.Node // a map
}

// documents reads the YAML documents of a file, each by itself, so that a slip in one does not hide the others. A document
// that is not a map is told and left out; one without content is left out. left is how many values may still be read.
func documents(f File, left *int) ([]document, []kit.Problem) {
	var out []document
	var problems []kit.Problem
	for i, d := range cut(f) {
		if i >= MaxDocuments {
			problems = append(problems, d.problem(1, 1, kit.SeverityError, "too-large", fmt.Sprintf("the file has more than %d documents", MaxDocuments), "split it"))
			break
		}
		if *left <= 0 {
			problems = append(problems, d.problem(1, 1, kit.SeverityError, "too-large", fmt.Sprintf("the directory holds more than %d values once aliases are written out", MaxValues), "use fewer aliases"))
			break
		}
		nodes, err := tree.Parse(d.text)
		if err != nil {
			if strings.Contains(err.Error(), "aliases") {
				*left -= tree.MaxNodes
			}
			problems = append(problems, d.syntax(err))
			continue
		}
		for _, n := range nodes {
			if !n.Is(tree.Map) {
				problems = append(problems, d.problem(max(n.Line, 1), max(n.Column, 1), kit.SeverityWarning, "not-read", "the document is not a mapping and is not read", "begin it with kind: and metadata:"))
				continue
			}
			*left -= values(n)
			d.root = n
			out = append(out, d)
		}
	}
	return out, problems
}

func values(n *tree.Node) int {
	sum := 1
	for _, f := range n.Fields {
		sum += values(f.Value)
	}
	for _, i := range n.Items {
		sum += values(i)
	}
	return sum
}

// cut cuts a file at its "---" lines, which YAML allows nowhere else (YAML 1.2.2, section 9.1.2: forbidden content).
func cut(f File) []document {
	data := bytes.TrimPrefix(f.Data, []byte("\ufeff"))
	var out []document
	from, above, line := 0, 0, 0
	end := func(to int) {
		if text := data[from:to]; !blank(text) {
			out = append(out, document{file: f.Path, above: above, text: text})
		}
		from, above = to, line
	}
	for at := 0; at < len(data); {
		next := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		if text := data[at:next]; at > 0 && bytes.HasPrefix(text, []byte("---")) && (len(text) == 3 || strings.IndexByte(" \t\r\n", text[3]) >= 0) {
			end(at)
		}
		at = next
		line++
	}
	end(len(data))
	return out
}

// blank says whether a text holds only comments, directives and document marks.
func blank(text []byte) bool {
	for l := range bytes.Lines(text) {
		l = bytes.TrimSpace(l)
		if len(l) > 0 && l[0] != '#' && l[0] != '%' && !bytes.Equal(l, []byte("---")) && !bytes.Equal(l, []byte("...")) {
			return false
		}
	}
	return true
}

// problem is a finding at a place of the document's text, 1-based.
func (d document) problem(line, column int, s kit.Severity, rule, msg, remedy string) kit.Problem {
	return kit.Problem{File: d.file, Line: d.above + line, Column: column, Severity: s, Rule: rule, Msg: msg, Remedy: remedy}
}

// at is a finding about the value that a JSON pointer names, or the nearest thing above it that exists.
func (d document) at(pointer string, s kit.Severity, rule, msg, remedy string) kit.Problem {
	line, column := place(d.root, pointer)
	return d.problem(line, column, s, rule, msg, remedy)
}

func (d document) syntax(err error) kit.Problem {
	var se *tree.SyntaxError
	if !errors.As(err, &se) {
		return d.problem(1, 1, kit.SeverityError, "yaml", err.Error(), "mend the YAML")
	}
	remedy := "mend the YAML; the rest of the document is not read"
	if strings.Contains(se.Msg, "cannot start any token") {
		remedy = "indent with spaces; YAML takes no tabs"
	}
	msg := otherPlace.ReplaceAllStringFunc(se.Msg, func(at string) string {
		var line, column int
		_, _ = fmt.Sscanf(at, "[%d:%d]", &line, &column) // otherPlace matched it
		return fmt.Sprintf("%d:%d", d.above+line, column)
	})
	return d.problem(se.Line, se.Column, kit.SeverityError, "yaml", "not readable as YAML: "+msg, remedy)
}

// otherPlace is a place that a message names, counted from the document's own begin.
var otherPlace = regexp.MustCompile(`\[[0-9]{1,9}:[0-9]{1,9}\]`)

// line is the document's first key.
func (d document) line() int { return d.above + max(d.root.Line, 1) }

// place finds the value a JSON pointer names (RFC 6901); what is not there is placed at the last thing above it.
func place(n *tree.Node, pointer string) (line, column int) {
	line, column = n.At()
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		next := child(n, unescape.Replace(token))
		if next == nil {
			break
		}
		n = next
		if n.Line > 0 {
			line, column = n.At()
		}
	}
	return max(line, 1), max(column, 1)
}

// keyPlace finds the key under the map that a JSON pointer names.
func keyPlace(n *tree.Node, pointer, key string) (line, column int) {
	line, column = place(n, pointer)
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for token := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		if pointer == "" || n == nil {
			break
		}
		n = child(n, unescape.Replace(token))
	}
	if n == nil {
		return line, column
	}
	for _, f := range n.Fields {
		if f.Key == key {
			return f.Line, f.Column
		}
	}
	return line, column
}

func child(n *tree.Node, token string) *tree.Node {
	if n.Is(tree.List) {
		if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(n.Items) {
			return n.Items[i]
		}
		return nil
	}
	return n.Get(token)
}
