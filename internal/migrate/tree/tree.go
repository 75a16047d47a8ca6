// Package tree reads YAML and JSON of unknown origin into a small tree that knows where every value stands, within
// bounds on size, depth and the growth that aliases cause.
package tree

import "strings"

// Kind says what a node is.
type Kind int

const (
	Null Kind = iota
	Scalar
	List
	Map
)

// Node is one value of a document. A nil Node is an absent value: all its methods answer as for nothing.
type Node struct {
	Kind   Kind
	Text   string // of a scalar, as written ("99.9", not 99.90000000000001)
	Quoted bool   // a scalar that was written as a string
	Line   int    // 1-based
	Column int    // 1-based, in characters
	Path   string // from the document's root, "spec.objectives[0].target"
	Fields []Field
	Items  []*Node
}

// Field is one entry of a map, in the order of the file.
type Field struct {
	Key          string
	Line, Column int
	Value        *Node
}

// Get finds a value by its keys from here; nil when one of them is absent.
func (n *Node) Get(keys ...string) *Node {
	for _, key := range keys {
		if n == nil {
			return nil
		}
		n = n.field(key)
	}
	return n
}

func (n *Node) field(key string) *Node {
	for _, f := range n.Fields {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}

// First finds the first of several keys that is there: spellings of one field.
func (n *Node) First(keys ...string) *Node {
	for _, key := range keys {
		if v := n.Get(key); v != nil {
			return v
		}
	}
	return nil
}

// Str is the text of a scalar without the blanks around it; "" for everything else.
func (n *Node) Str() string {
	if n == nil || n.Kind != Scalar {
		return ""
	}
	return strings.TrimSpace(n.Text)
}

// Bool is true for a scalar true. ok is false when the value is there and is neither true nor false.
func (n *Node) Bool() (value, ok bool) {
	switch strings.ToLower(n.Str()) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, n.Empty()
}

// Empty says that nothing was given: absent or null.
func (n *Node) Empty() bool { return n == nil || n.Kind == Null }

// Is says whether the value is there and of a kind.
func (n *Node) Is(k Kind) bool { return n != nil && n.Kind == k }

// At is the node's place for a message, and 0, 0 for an absent one.
func (n *Node) At() (line, column int) {
	if n == nil {
		return 0, 0
	}
	return n.Line, n.Column
}

// Value is the node as plain Go data for encoding/json: map[string]any, []any, string, or a number or bool where the text
// is one and was not quoted.
func (n *Node) Value() any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case Scalar:
		return plain(n)
	case List:
		out := make([]any, len(n.Items))
		for i, item := range n.Items {
			out[i] = item.Value()
		}
		return out
	case Map:
		out := make(map[string]any, len(n.Fields))
		for _, f := range n.Fields {
			out[f.Key] = f.Value.Value()
		}
		return out
	}
	return nil
}
