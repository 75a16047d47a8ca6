package tree

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Bounds on what is read. A file of a thousand objectives is about 1 MB.
const (
	MaxBytes = 4 << 20
	MaxDepth = 48
	MaxNodes = 500_000 // after aliases are written out
)

// SyntaxError says where a file stops being YAML, or goes over a bound.
type SyntaxError struct {
	Line, Column int
	Msg          string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Msg) }

// Parse reads every document of a file; a document without content is left out. Errors are *SyntaxError.
func Parse(data []byte) (docs []*Node, err error) {
	if len(data) > MaxBytes {
		return nil, &SyntaxError{1, 1, fmt.Sprintf("the file has %d bytes, over the limit of %d", len(data), MaxBytes)}
	}
	if !utf8.Valid(data) {
		return nil, &SyntaxError{1, 1, "the file is not UTF-8 text"}
	}
	defer func() { // the YAML library panics on some malformed input
		if r := recover(); r != nil {
			docs, err = nil, &SyntaxError{1, 1, fmt.Sprintf("the file cannot be read as YAML: %v", r)}
		}
	}()
	tokens := lexer.Tokenize(strings.TrimPrefix(string(data), "\ufeff"))
	if err := checkDepth(tokens); err != nil {
		return nil, err
	}
	file, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, syntaxError(err)
	}
	for _, d := range file.Docs {
		if d.Body == nil {
			continue
		}
		b := builder{left: MaxNodes, anchors: map[string]ast.Node{}}
		node, err := b.build(d.Body, "", 0)
		if err != nil {
			return nil, err
		}
		if node.Kind != Null {
			docs = append(docs, node)
		}
	}
	return docs, nil
}

// checkDepth refuses nesting before the parser recurses into it: brackets in flow style, indentation in block style.
func checkDepth(tokens token.Tokens) error {
	flow := 0
	var columns []int
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			flow++
		case token.MappingEndType, token.SequenceEndType:
			flow--
		}
		if flow <= 0 {
			for len(columns) > 0 && columns[len(columns)-1] >= t.Position.Column {
				columns = columns[:len(columns)-1]
			}
			columns = append(columns, t.Position.Column)
		}
		// A block level takes up to four tokens that stand further and further right on one line.
		if flow > MaxDepth || len(columns) > 4*MaxDepth {
			return &SyntaxError{t.Position.Line, t.Position.Column, fmt.Sprintf("nested deeper than %d levels", MaxDepth)}
		}
	}
	return nil
}

func syntaxError(err error) error {
	var located interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &located) {
		if t := located.GetToken(); t != nil && t.Position != nil {
			return &SyntaxError{max(t.Position.Line, 1), max(t.Position.Column, 1), located.GetMessage()}
		}
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return &SyntaxError{1, 1, first}
}

// plain types an unquoted scalar the way YAML 1.2's core schema and JSON do.
func plain(n *Node) any {
	if n.Quoted {
		return n.Text
	}
	var v any
	if json.Unmarshal([]byte(n.Text), &v) == nil {
		switch v.(type) {
		case float64:
			return json.Number(n.Text)
		case bool:
			return v
		}
	}
	return n.Text
}
