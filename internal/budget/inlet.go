package budget

import (
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

// inlet is one selector of one part: series that are read raw.
type inlet struct {
	part     int
	role     slo.Role
	selector string
	factor   float64
	matchers []*labels.Matcher
	within   int // index of an inlet whose series hold all of this one's, so that one reading serves both; -1 for none
}

// formula is a query that does not reduce to raw counters: it is evaluated once a slot as it was written.
type formula struct {
	part   int
	role   slo.Role // slo.RoleTotal, slo.RoleGood or slo.RoleBad
	ratio  bool     // the value is the share of bad events; the slot counts as one
	expr   string
	factor float64 // from the value to events a slot
}

// intake is all that one objective reads.
type intake struct {
	inlets   []inlet
	formulas []formula
	names    []string // metric names that its selectors ask for; "" where a selector asks for any
}

var selectorParser = parser.NewParser(parser.Options{})

// intakeOf resolves an objective's queries.
func intakeOf(o slo.Objective) (intake, error) {
	var in intake
	indicators := []slo.Indicator{o.Indicator}
	if o.Composite != nil {
		indicators = indicators[:0]
		for _, p := range o.Composite.Parts {
			indicators = append(indicators, p.Objective.Indicator)
		}
	}
	for part, ind := range indicators {
		if err := in.indicator(part, ind); err != nil {
			return intake{}, err
		}
	}
	in.share()
	return in, nil
}

func (in *intake) indicator(part int, ind slo.Indicator) error {
	switch ind.Kind {
	case slo.BadTotal:
		return firstOf(in.query(part, slo.RoleTotal, ind.Total), in.query(part, slo.RoleBad, ind.Bad))
	case slo.GoodTotal:
		return firstOf(in.query(part, slo.RoleTotal, ind.Total), in.query(part, slo.RoleGood, ind.Good))
	case slo.Gauge:
		return in.selectors(part, slo.RoleGauge, ind.Total)
	case slo.Histogram:
		return in.selectors(part, slo.RoleBucket, ind.Total)
	case slo.Native:
		return in.selectors(part, slo.RoleNative, ind.Total)
	case slo.Ratio:
		in.formulas = append(in.formulas, formula{part: part, ratio: true, expr: windowed(ind.Total.Text), factor: 1})
		return nil
	}
	return kit.Errorf(kit.Invalid, "indicator kind %q is unknown", ind.Kind)
}

// query takes a query as selectors where it reduces to counters, else as a formula.
func (in *intake) query(part int, r slo.Role, q slo.Query) error {
	if q.Exact() {
		return in.selectors(part, r, q)
	}
	if strings.TrimSpace(q.Text) == "" {
		return kit.Errorf(kit.Invalid, "a query of the indicator is empty")
	}
	in.formulas = append(in.formulas, formula{part: part, role: r, expr: windowed(q.Text), factor: perSlot(q.Text)})
	return nil
}

func (in *intake) selectors(part int, r slo.Role, q slo.Query) error {
	if !q.Exact() {
		return kit.Errorf(kit.Invalid, "query %q does not reduce to series; write a selector such as http_requests_total{job=\"shop\"}", q.Text)
	}
	for _, t := range q.Terms {
		ms, err := selectorParser.ParseMetricSelector(t.Selector)
		if err != nil {
			return kit.Errorf(kit.Invalid, "read selector %q: %w", t.Selector, err)
		}
		in.inlets = append(in.inlets, inlet{part: part, role: r, selector: t.Selector, factor: t.Factor, matchers: ms, within: -1})
	}
	return nil
}

// share finds inlets whose series another one reads anyway: errors are mostly a label of the total.
func (in *intake) share() {
	seen := map[string]bool{}
	for i := range in.inlets {
		a := &in.inlets[i]
		if name := metricName(a.matchers); !seen[name] {
			seen[name] = true
			in.names = append(in.names, name)
		}
		for j := range in.inlets {
			b := &in.inlets[j]
			if i != j && narrower(a.matchers, b.matchers) && (j < i || !narrower(b.matchers, a.matchers)) {
				a.within = j
				break
			}
		}
	}
	for i := range in.inlets {
		for a := &in.inlets[i]; a.within >= 0 && in.inlets[a.within].within >= 0; {
			a.within = in.inlets[a.within].within
		}
	}
}

// narrower says that a has every matcher of b: its series are some of b's.
func narrower(a, b []*labels.Matcher) bool {
	for _, m := range b {
		found := false
		for _, n := range a {
			found = found || n.Name == m.Name && n.Type == m.Type && n.Value == m.Value
		}
		if !found {
			return false
		}
	}
	return true
}

func metricName(ms []*labels.Matcher) string {
	for _, m := range ms {
		if m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual {
			return m.Value
		}
	}
	return ""
}

func matches(ms []*labels.Matcher, ls labels.Labels) bool {
	for _, m := range ms {
		if !m.Matches(ls.Get(m.Name)) {
			return false
		}
	}
	return true
}

// formulaWindow is over how long formulas look back: long enough to hold two samples of any usual interval.
const formulaWindow = "5m"

// windowed puts a length in the place of the window that an author leaves open.
func windowed(expr string) string {
	return strings.NewReplacer("[{{.window}}]", "["+formulaWindow+"]", "[{{ .window }}]", "["+formulaWindow+"]",
		"[$__range]", "["+formulaWindow+"]", "[$__rate_interval]", "["+formulaWindow+"]").Replace(expr)
}

// perSlot turns a formula's value into events a slot: rates are a second, increases over the formula's window.
func perSlot(expr string) float64 {
	if strings.Contains(expr, "rate(") {
		return 60
	}
	return 1.0 / 5
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
