package migrate

import (
	"fmt"
	"strconv"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// refuse reports an error at a value, or at the document where the value is absent. The message begins with the value's
// path; field is added to it for something that is missing from the value.
func (im *importer) refuse(o object, n *tree.Node, field, rule, msg, remedy string) {
	im.report(o, n, field, kit.SeverityError, rule, msg, remedy)
}

// warn reports what is read and is probably not meant.
func (im *importer) warn(o object, n *tree.Node, field, rule, msg, remedy string) {
	im.report(o, n, field, kit.SeverityWarning, rule, msg, remedy)
}

// note reports what is read with a meaning of its own here.
func (im *importer) note(o object, n *tree.Node, field, rule, msg string) {
	im.report(o, n, field, kit.SeverityNote, rule, msg, "")
}

// deviates reports what the OpenSLO specification refuses: an error when strict, a note otherwise, where then says what
// it was read as.
func (im *importer) deviates(o object, n *tree.Node, field, rule, msg, then string) {
	if im.options.Strict {
		im.report(o, n, field, kit.SeverityError, rule, msg, "the OpenSLO specification asks for it; read without strict to accept it")
		return
	}
	im.report(o, n, field, kit.SeverityNote, rule, msg+"; "+then, "")
}

func (im *importer) report(o object, n *tree.Node, field string, s kit.Severity, rule, msg, remedy string) {
	line, column := n.At()
	path := o.node.Path
	if n != nil {
		path = n.Path
	}
	if line == 0 {
		line, column = o.node.At()
	}
	if field != "" && path != "" {
		path += "."
	}
	if path += field; path != "" {
		path += ": "
	}
	im.found = append(im.found, kit.Problem{File: o.file, Line: max(line, 1), Column: max(column, 1), Severity: s, Rule: rule,
		Msg: path + msg, Remedy: remedy})
}

func at(file string, line int) string { return file + ":" + strconv.Itoa(line) }

func quoted(s string) string {
	if len(s) > 80 {
		s = s[:77] + "..."
	}
	return fmt.Sprintf("%q", s)
}
