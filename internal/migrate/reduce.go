package migrate

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// maxQuery bounds the text of one query, in bytes.
const maxQuery = 32 << 10

// Reduce turns a PromQL query into a sum of counters that can be read raw and counted exactly: sum(rate(x[w])),
// increase, sums and differences of these, constant factors, sum by (...), `or vector(0)`. A window may be {{.window}},
// $__range, $__rate_interval, $__interval or a duration; which one does not matter, for counts are made slot by slot.
// A query of any other form keeps its text and has no Terms: it is evaluated as it stands once a slot, and why says what
// stood in the way, in words. why is "" for an exact query.
func Reduce(promql string) (q slo.Query, why string) {
	r := reduce(promql)
	return r.query(), r.why
}

// unit is what one side of a ratio counts in. Two sides have to agree, or their quotient means nothing.
type unit string

const (
	perSecond unit = "events a second"  // rate()
	perWindow unit = "events a window"  // increase()
	running   unit = "a running count"  // a bare counter
	delta     unit = "increments"       // sum_over_time() of increments
	native    unit = "native histogram" // histogram_count(rate()); counts only as the total of a Native indicator
)

// term is a counter and its factor.
type term struct {
	sel    *parser.VectorSelector
	factor float64
}

// reduction is a query taken apart.
type reduction struct {
	text    string
	expr    parser.Expr // nil when the text is not PromQL
	invalid error       // why it is not
	terms   []term
	unit    unit
	by      []string // labels of the outermost sum by (...)
	summed  bool     // below a sum, so that no labels have to match
	why     string   // what stands in the way of an exact count; "" when nothing does
}

func (r reduction) query() slo.Query {
	q := slo.Query{Text: r.text}
	if r.why != "" {
		return q
	}
	for _, t := range r.terms {
		q.Terms = append(q.Terms, slo.Term{Selector: t.sel.String(), Factor: t.factor})
	}
	return q
}

func (r reduction) asIs(why string, args ...any) reduction {
	return reduction{text: r.text, expr: r.expr, why: fmt.Sprintf(why, args...)}
}

// placeholder is a window that is filled in at evaluation: Sloth's and OpenSLO's {{.window}}, Grafana's variables.
var placeholder = regexp.MustCompile(`\{\{\s*\.?\w+\s*\}\}|\$\{?(__)?(range|rate_interval|interval|window)(_s|_ms)?\}?`)

// parsePromQL parses with every placeholder replaced by a duration of the same length, so that positions stay.
func parsePromQL(text string) (parser.Expr, error) {
	if len(text) > maxQuery {
		return nil, fmt.Errorf("the query has %d bytes, over the limit of %d", len(text), maxQuery)
	}
	filled := placeholder.ReplaceAllStringFunc(text, func(s string) string {
		return "5m" + strings.Repeat(" ", len(s)-2)
	})
	return parser.NewParser(parser.Options{EnableExperimentalFunctions: true}).ParseExpr(filled)
}

func reduce(text string) reduction {
	r := reduction{text: text}
	r.expr, r.invalid = parsePromQL(text)
	if r.invalid != nil {
		r.expr, r.why = nil, "not PromQL: "+r.invalid.Error()
		return r
	}
	out := r.walk(r.expr)
	out.text, out.expr = text, r.expr
	if out.why == "" && out.terms == nil {
		return r.asIs("it selects no counter")
	}
	return out
}

// walk takes an expression apart, from the outside in.
func (r reduction) walk(e parser.Expr) reduction {
	switch e := e.(type) {
	case *parser.ParenExpr:
		return r.walk(e.Expr)
	case *parser.VectorSelector:
		return r.selector(e, running)
	case *parser.AggregateExpr:
		return r.aggregate(e)
	case *parser.Call:
		return r.call(e)
	case *parser.UnaryExpr:
		if e.Op == parser.SUB {
			return scale(r.walk(e.Expr), -1)
		}
		return r.walk(e.Expr)
	case *parser.BinaryExpr:
		return r.binary(e)
	case *parser.SubqueryExpr:
		return r.asIs("it uses a subquery")
	}
	return r.asIs("%q is not a counter", e.String())
}

func (r reduction) selector(e *parser.VectorSelector, u unit) reduction {
	if e.OriginalOffset != 0 || e.OriginalOffsetExpr != nil || e.Timestamp != nil || e.StartOrEnd != 0 {
		return r.asIs("%s looks at another time (offset or @)", e.Name)
	}
	return reduction{terms: []term{{e, 1}}, unit: u}
}

func (r reduction) aggregate(e *parser.AggregateExpr) reduction {
	if e.Op != parser.SUM {
		return r.asIs("%s() does not add up events", e.Op)
	}
	if e.Without {
		return r.asIs("sum without (...) leaves its groups open; name them with sum by (...)")
	}
	in := r.walk(e.Expr)
	in.summed, in.by = true, slices.Clone(e.Grouping)
	return in
}

// units of the functions over a range that count events.
var counting = map[string]unit{"rate": perSecond, "increase": perWindow, "sum_over_time": delta}

func (r reduction) call(e *parser.Call) reduction {
	name := e.Func.Name
	if u, ok := counting[name]; ok {
		m, ok := e.Args[0].(*parser.MatrixSelector)
		if !ok {
			return r.asIs("%s() is taken over a subquery", name)
		}
		return r.selector(m.VectorSelector.(*parser.VectorSelector), u)
	}
	switch name {
	case "histogram_count":
		in := r.walk(e.Args[0])
		if in.why == "" && len(in.terms) == 1 && in.unit != delta {
			in.unit = native
			return in
		}
	case "clamp_min": // a difference may dip below 0 in one slot; windows are clamped at 0
		if low, ok := number(e.Args[1]); ok && low == 0 {
			return r.walk(e.Args[0])
		}
	case "vector":
		if v, ok := number(e.Args[0]); ok && v == 0 {
			return reduction{summed: true}
		}
		return r.asIs("it counts a constant")
	}
	return r.asIs("%s() is not a sum of counters", name)
}

func (r reduction) binary(e *parser.BinaryExpr) reduction {
	left, leftNumber := number(e.LHS)
	right, rightNumber := number(e.RHS)
	switch {
	case e.Op == parser.MUL && leftNumber:
		return scale(r.walk(e.RHS), left)
	case e.Op == parser.MUL && rightNumber:
		return scale(r.walk(e.LHS), right)
	case e.Op == parser.DIV && rightNumber:
		return scale(r.walk(e.LHS), 1/right)
	case e.Op == parser.LOR && isZero(e.RHS):
		return r.walk(e.LHS)
	case e.Op == parser.LOR && isZero(e.LHS):
		return r.walk(e.RHS)
	case e.Op == parser.ADD && !leftNumber && !rightNumber:
		return r.add(e, 1)
	case e.Op == parser.SUB && !leftNumber && !rightNumber:
		return r.add(e, -1)
	case leftNumber || rightNumber:
		return r.asIs("%s with a constant is not a sum of counters", e.Op)
	}
	return r.asIs("%s of two series is not a sum of counters", e.Op)
}

// add joins two sums. Both have to be summed: otherwise PromQL joins only the series whose labels match.
func (r reduction) add(e *parser.BinaryExpr, sign float64) reduction {
	a, b := r.walk(e.LHS), r.walk(e.RHS)
	switch {
	case a.why != "":
		return a
	case b.why != "":
		return b
	case a.terms == nil:
		return scale(b, sign)
	case b.terms == nil:
		return a
	case !a.summed || !b.summed:
		return r.asIs("%s joins series by their labels; sum both sides first", e.Op)
	case !sameLabels(a.by, b.by):
		return r.asIs("its two sides are summed by different labels")
	case a.unit != b.unit:
		return r.asIs("it mixes %s and %s", a.unit, b.unit)
	case a.unit == native:
		return r.asIs("it adds up native histograms")
	}
	for _, t := range b.terms {
		a.terms = addTerm(a.terms, term{t.sel, t.factor * sign})
	}
	if len(a.terms) == 0 {
		return r.asIs("its terms cancel out")
	}
	return a
}

func addTerm(terms []term, t term) []term {
	for i, have := range terms {
		if have.sel.String() != t.sel.String() {
			continue
		}
		terms[i].factor += t.factor
		if terms[i].factor == 0 {
			return slices.Delete(terms, i, i+1)
		}
		return terms
	}
	return append(terms, t)
}

func scale(r reduction, by float64) reduction {
	if r.why != "" || r.terms == nil {
		return r
	}
	for i := range r.terms {
		r.terms[i].factor *= by
		if f := r.terms[i].factor; f == 0 || math.IsInf(f, 0) || math.IsNaN(f) {
			return r.asIs("a constant factor makes it %v", f)
		}
	}
	return r
}
