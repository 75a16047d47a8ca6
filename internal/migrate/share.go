package migrate

import (
	"github.com/prometheus/prometheus/promql/parser"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// share makes the indicator of a single query that gives a share of events, bad ones or (success) good ones. A quotient
// of two sums, or 1 minus one, is taken apart into its two sides and counted exactly; everything else stays a Ratio, which
// counts each slot as one unit; inexact says why.
func share(text string, success bool) (in slo.Indicator, inexact string, by []string) {
	r := reduce(text)
	if r.expr != nil {
		e, flipped := complement(bare(orZero(r.expr)))
		kind := slo.BadTotal
		if success != flipped {
			kind = slo.GoodTotal
		}
		if q, ok := e.(*parser.BinaryExpr); ok && q.Op == parser.DIV {
			if in, why, by := ratio(kind, reduce(part(text, q.LHS)), reduce(part(text, q.RHS))); why == "" {
				return in, "", by
			}
		}
		if sel, x, ok := fraction(r, e); ok && kind == slo.GoodTotal {
			in = slo.Indicator{Good: slo.Query{Text: part(text, e) + " * histogram_count(" + histogramOf(text, e) + ")"},
				Total: slo.Query{Text: "histogram_count(" + histogramOf(text, e) + ")"}}
			setNative(&in, sel, x)
			return in, "", nil
		}
	}
	if success {
		text = "1 - (" + text + ")"
	}
	if r.invalid != nil {
		return slo.Indicator{Kind: slo.Ratio, Total: slo.Query{Text: text}}, r.why, nil
	}
	return slo.Indicator{Kind: slo.Ratio, Total: slo.Query{Text: text}},
		"it gives only a share, not how many events there were, so each slot weighs the same", nil
}

// complement takes "1 - x" to x.
func complement(e parser.Expr) (inner parser.Expr, flipped bool) {
	if b, ok := e.(*parser.BinaryExpr); ok && b.Op == parser.SUB {
		if one, ok := number(b.LHS); ok && one == 1 {
			return bare(orZero(bare(b.RHS))), true
		}
	}
	return e, false
}

// orZero takes "x or vector(0)" to x.
func orZero(e parser.Expr) parser.Expr {
	if b, ok := bare(e).(*parser.BinaryExpr); ok && b.Op == parser.LOR && isZero(b.RHS) {
		return b.LHS
	}
	return e
}

// part is the author's own text of a part of his query.
func part(text string, e parser.Expr) string {
	p := e.PositionRange()
	return text[max(0, int(p.Start)):min(len(text), int(p.End))]
}

func histogramOf(text string, e parser.Expr) string {
	return part(text, e.(*parser.Call).Args[2])
}
