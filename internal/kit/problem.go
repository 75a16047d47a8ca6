package kit

import "fmt"

// Problem is one finding about a file that people wrote.
type Problem struct {
	File     string   `json:"file"`             // relative to the directory that was read
	Line     int      `json:"line,omitempty"`   // 1-based, 0 for the file as a whole
	Column   int      `json:"column,omitempty"` // 1-based, in characters
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule"`             // stable id, "dangling-reference"
	Msg      string   `json:"problem"`          // what is wrong
	Remedy   string   `json:"remedy,omitempty"` // what to do
}

// Severity says whether a problem keeps a version from being applied.
type Severity string

const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityNote    Severity = "note" // a deviation from a standard that was read all the same
)

// String is "file:line:column: problem; remedy".
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d:%d", p.Line, max(p.Column, 1))
	}
	s += ": "
	if p.Severity != SeverityError {
		s += string(p.Severity) + ": "
	}
	s += p.Msg
	if p.Remedy != "" {
		s += "; " + p.Remedy
	}
	return s
}
