package migrate

import (
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
)

// number is the value of a constant expression.
func number(e parser.Expr) (float64, bool) {
	switch e := e.(type) {
	case *parser.NumberLiteral:
		return e.Val, true
	case *parser.ParenExpr:
		return number(e.Expr)
	case *parser.UnaryExpr:
		v, ok := number(e.Expr)
		if e.Op == parser.SUB {
			v = -v
		}
		return v, ok
	case *parser.BinaryExpr:
		return constant(e)
	}
	return 0, false
}

func constant(e *parser.BinaryExpr) (float64, bool) {
	a, ok := number(e.LHS)
	b, ok2 := number(e.RHS)
	if !ok || !ok2 {
		return 0, false
	}
	switch e.Op {
	case parser.ADD:
		return a + b, true
	case parser.SUB:
		return a - b, true
	case parser.MUL:
		return a * b, true
	case parser.DIV:
		return a / b, true
	}
	return 0, false
}

// isZero says whether an expression is vector(0), the usual stand-in for "no errors yet".
func isZero(e parser.Expr) bool {
	for {
		p, ok := e.(*parser.ParenExpr)
		if !ok {
			break
		}
		e = p.Expr
	}
	c, ok := e.(*parser.Call)
	if !ok || c.Func.Name != "vector" {
		return false
	}
	v, ok := number(c.Args[0])
	return ok && v == 0
}

func sameLabels(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// matchersBut are a selector's matchers as sorted text, without its name and one label.
func matchersBut(sel *parser.VectorSelector, label string) []string {
	var out []string
	for _, m := range sel.LabelMatchers {
		if m.Name != model.MetricNameLabel && m.Name != label {
			out = append(out, m.String())
		}
	}
	slices.Sort(out)
	return out
}
