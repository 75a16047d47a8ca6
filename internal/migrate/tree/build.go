package tree

import (
	"fmt"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// builder turns one document of the YAML library's tree into Nodes, writing aliases out, and counts what it makes.
type builder struct {
	left    int
	anchors map[string]ast.Node
}

func (b *builder) build(n ast.Node, path string, depth int) (*Node, error) {
	line, column := place(n)
	b.left--
	if b.left < 0 {
		return nil, &SyntaxError{line, column, fmt.Sprintf("the document has more than %d values once its aliases are written out", MaxNodes)}
	}
	if depth > MaxDepth {
		return nil, &SyntaxError{line, column, fmt.Sprintf("nested deeper than %d levels", MaxDepth)}
	}
	out := &Node{Line: line, Column: column, Path: path}
	switch v := n.(type) {
	case nil, *ast.NullNode:
	case *ast.StringNode:
		out.Kind, out.Text = Scalar, v.Value
		out.Quoted = v.Token != nil && (v.Token.Type == token.SingleQuoteType || v.Token.Type == token.DoubleQuoteType)
	case *ast.LiteralNode:
		out.Kind, out.Text, out.Quoted = Scalar, v.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.Kind, out.Text = Scalar, n.GetToken().Value
	case *ast.SequenceNode:
		return out, b.list(out, v, depth)
	case *ast.MappingNode:
		return out, b.fields(out, v.Values, depth)
	case *ast.MappingValueNode:
		return out, b.fields(out, []*ast.MappingValueNode{v}, depth)
	case *ast.TagNode:
		if v.Value == nil {
			return out, nil
		}
		return b.build(v.Value, path, depth+1)
	case *ast.AnchorNode:
		if v.Name != nil {
			b.anchors[v.Name.GetToken().Value] = v.Value
		}
		return b.build(v.Value, path, depth+1)
	case *ast.AliasNode:
		name := v.Value.GetToken().Value
		target, ok := b.anchors[name]
		if !ok {
			return nil, &SyntaxError{line, column, fmt.Sprintf("*%s names no anchor above it", name)}
		}
		return b.build(target, path, depth+1)
	default:
		return nil, &SyntaxError{line, column, fmt.Sprintf("%s is not read here", n.Type())}
	}
	return out, nil
}

func (b *builder) list(out *Node, seq *ast.SequenceNode, depth int) error {
	out.Kind = List
	for i, item := range seq.Values {
		node, err := b.build(item, fmt.Sprintf("%s[%d]", out.Path, i), depth+1)
		if err != nil {
			return err
		}
		out.Items = append(out.Items, node)
	}
	if len(out.Items) > 0 && !seq.IsFlowStyle {
		out.Line, out.Column = out.Items[0].Line, out.Items[0].Column
	}
	return nil
}

func (b *builder) fields(out *Node, values []*ast.MappingValueNode, depth int) error {
	out.Kind = Map
	seen := make(map[string]bool, len(values))
	var merged []Field
	for _, v := range values {
		if _, ok := v.Key.(*ast.MergeKeyNode); ok {
			more, err := b.merge(v, out.Path, depth)
			if err != nil {
				return err
			}
			merged = append(merged, more...)
			continue
		}
		t := v.Key.GetToken()
		key, line, column := keyText(v.Key), t.Position.Line, t.Position.Column
		if seen[key] {
			return &SyntaxError{line, column, fmt.Sprintf("%q stands twice in one map", key)}
		}
		seen[key] = true
		path := key
		if out.Path != "" {
			path = out.Path + "." + key
		}
		node, err := b.build(v.Value, path, depth+1)
		if err != nil {
			return err
		}
		if node.Kind == Null || node.Line == 0 {
			node.Line, node.Column = line, column
		}
		if len(out.Fields) == 0 {
			out.Line, out.Column = line, column
		}
		out.Fields = append(out.Fields, Field{key, line, column, node})
	}
	for _, f := range merged { // a key of its own wins over a merged one, the first merged one over later ones
		if !seen[f.Key] {
			seen[f.Key] = true
			out.Fields = append(out.Fields, f)
		}
	}
	return nil
}

// merge reads the value of "<<": a map or a list of maps.
func (b *builder) merge(v *ast.MappingValueNode, path string, depth int) ([]Field, error) {
	node, err := b.build(v.Value, path, depth+1)
	if err != nil {
		return nil, err
	}
	if node.Kind == Map {
		return node.Fields, nil
	}
	var out []Field
	for _, item := range node.Items {
		out = append(out, item.Fields...)
	}
	return out, nil
}

func keyText(key ast.MapKeyNode) string {
	if k, ok := key.(*ast.MappingKeyNode); ok {
		return k.Value.GetToken().Value
	}
	return key.GetToken().Value
}

func place(n ast.Node) (line, column int) {
	if n == nil {
		return 0, 0
	}
	t := n.GetToken()
	if t == nil || t.Position == nil {
		return 0, 0
	}
	return t.Position.Line, t.Position.Column
}
