package migrate

import (
	"math"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// ratio makes the indicator of two queries, the side (good or bad events, by kind) and the total.
// inexact says in words why it is evaluated as it stands instead of counted, "" when it is counted exactly; by are the
// labels both sides are summed by.
func ratio(kind slo.IndicatorKind, side, total reduction) (in slo.Indicator, inexact string, by []string) {
	in = slo.Indicator{Kind: kind, Total: total.query()}
	if kind == slo.GoodTotal {
		in.Good = side.query()
	} else {
		in.Bad = side.query()
	}
	if side.why == "" && total.why == "" && sameLabels(side.by, total.by) {
		by = total.by
	}
	if asNative(&in, side, total) {
		return in, "", by
	}
	if inexact = whyInexact(kind, side, total); inexact != "" {
		in.Good.Terms, in.Bad.Terms, in.Total.Terms = nil, nil, nil // both or none: their units have to cancel out
		return in, inexact, by
	}
	in.Delta = total.unit == delta
	asClassic(&in, side, total)
	return in, "", by
}

func whyInexact(kind slo.IndicatorKind, side, total reduction) string {
	name := "bad"
	if kind == slo.GoodTotal {
		name = "good"
	}
	switch {
	case side.why != "":
		return "the " + name + " query: " + side.why
	case total.why != "":
		return "the total query: " + total.why
	case side.unit == native || total.unit == native:
		return "a native histogram is counted only against a threshold (histogram_fraction)"
	case side.unit != total.unit && !(counts(side.unit) && counts(total.unit)):
		return "the " + name + " query gives " + string(side.unit) + ", the total query " + string(total.unit)
	}
	return ""
}

func counts(u unit) bool { return u == perWindow || u == running }

// asClassic recognises both sides as one classic histogram, its bucket le="x" and its count, and makes it a Histogram
// indicator with threshold x, so that "5.0" and "5" are one bound and a missing bucket is noticed.
func asClassic(in *slo.Indicator, side, total reduction) {
	if len(total.terms) != 1 || in.Delta {
		return
	}
	whole := total.terms[0]
	base, ok := wholeHistogram(whole.sel)
	if !ok {
		return
	}
	var bucket term
	switch {
	case in.Kind == slo.GoodTotal && len(side.terms) == 1 && side.terms[0].factor == whole.factor:
		bucket = side.terms[0]
	case in.Kind == slo.BadTotal && len(side.terms) == 2:
		plus, minus := side.terms[0], side.terms[1]
		if plus.factor < 0 {
			plus, minus = minus, plus
		}
		same, ok := wholeHistogram(plus.sel)
		if !ok || same != base || plus.factor != whole.factor || minus.factor != -whole.factor {
			return
		}
		bucket = minus
	default:
		return
	}
	x, ok := bound(bucket.sel)
	if !ok || bucketsOf(bucket.sel) != base {
		return
	}
	in.Kind, in.Threshold = slo.Histogram, x
	in.Total.Terms = []slo.Term{{Selector: base, Factor: whole.factor}}
	in.Good.Terms, in.Bad.Terms = nil, nil
}

// bucketsOf is the selector of all buckets of the classic histogram a selector belongs to; "" for another metric.
func bucketsOf(sel *parser.VectorSelector) string {
	name, ok := strings.CutSuffix(sel.Name, "_bucket")
	if !ok {
		name, ok = strings.CutSuffix(sel.Name, "_count")
	}
	if !ok || name == "" {
		return ""
	}
	s := name + "_bucket"
	if m := matchersBut(sel, labels.BucketLabel); len(m) > 0 {
		s += "{" + strings.Join(m, ",") + "}"
	}
	return s
}

// wholeHistogram recognises the count of a classic histogram, x_count or x_bucket{le="+Inf"}.
func wholeHistogram(sel *parser.VectorSelector) (buckets string, ok bool) {
	buckets = bucketsOf(sel)
	if buckets == "" {
		return "", false
	}
	le, bounded := bound(sel)
	if strings.HasSuffix(sel.Name, "_count") {
		return buckets, !bounded && !hasLabel(sel, labels.BucketLabel)
	}
	return buckets, bounded && math.IsInf(le, 1)
}

// bound is the number in a selector's le="x".
func bound(sel *parser.VectorSelector) (float64, bool) {
	for _, m := range sel.LabelMatchers {
		if m.Name == labels.BucketLabel && m.Type == labels.MatchEqual {
			x, err := strconv.ParseFloat(m.Value, 64)
			return x, err == nil && !math.IsNaN(x)
		}
	}
	return 0, false
}

func hasLabel(sel *parser.VectorSelector, name string) bool {
	for _, m := range sel.LabelMatchers {
		if m.Name == name {
			return true
		}
	}
	return false
}

// asNative recognises histogram_fraction(0, x, h) * histogram_count(h) over histogram_count(h): a native histogram with
// threshold x.
func asNative(in *slo.Indicator, side, total reduction) bool {
	if in.Kind != slo.GoodTotal || total.why != "" || total.unit != native || side.expr == nil {
		return false
	}
	product, ok := bare(side.expr).(*parser.BinaryExpr)
	if !ok || product.Op != parser.MUL {
		return false
	}
	for _, pair := range [][2]parser.Expr{{product.LHS, product.RHS}, {product.RHS, product.LHS}} {
		sel, x, ok := fraction(side, pair[0])
		count := side.walk(pair[1])
		if !ok || count.why != "" || count.unit != native {
			continue
		}
		if sel == total.terms[0].sel.String() && sel == count.terms[0].sel.String() {
			setNative(in, sel, x)
			return true
		}
	}
	return false
}

func setNative(in *slo.Indicator, sel string, x float64) {
	in.Kind, in.Threshold = slo.Native, x
	in.Total.Terms = []slo.Term{{Selector: sel, Factor: 1}}
	in.Good.Terms, in.Bad.Terms = nil, nil
}

// fraction reads histogram_fraction(low, x, h) with low <= 0: the share of h's events up to x.
func fraction(r reduction, e parser.Expr) (sel string, x float64, ok bool) {
	call, isCall := bare(e).(*parser.Call)
	if !isCall || call.Func.Name != "histogram_fraction" {
		return "", 0, false
	}
	low, ok1 := number(call.Args[0])
	x, ok2 := number(call.Args[1])
	h := r.walk(call.Args[2])
	if !ok1 || !ok2 || low > 0 || h.why != "" || len(h.terms) != 1 || hasLabel(h.terms[0].sel, labels.BucketLabel) {
		return "", 0, false
	}
	return h.terms[0].sel.String(), x, true
}

func bare(e parser.Expr) parser.Expr {
	for {
		p, ok := e.(*parser.ParenExpr)
		if !ok {
			return e
		}
		e = p.Expr
	}
}
