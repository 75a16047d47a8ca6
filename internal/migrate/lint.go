package migrate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

// lintRule is one thing to say about a valid objective.
type lintRule struct {
	id    string
	check func(o slo.Objective) (s kit.Severity, msg, remedy string) // msg "" = nothing to say
}

// lintRules are all of them. docs/openslo.md lists them.
var lintRules = []lintRule{
	{"no-service", func(o slo.Objective) (kit.Severity, string, string) {
		if o.Service != "" {
			return "", "", ""
		}
		return kit.SeverityWarning, "it belongs to no service, so nobody owns it and nobody is told", "name its service"
	}},
	{"short-window", func(o slo.Objective) (kit.Severity, string, string) {
		if o.Window.Unit != "" || o.Window.Rolling == 0 || o.Window.Rolling >= day {
			return "", "", ""
		}
		return kit.SeverityWarning, fmt.Sprintf("its budget is over the last %s only", promDuration(o.Window.Rolling)), "1m is a minute; write 1M for a month, or 28d"
	}},
	{"same-query", sameQuery},
	{"bucket-without-le", bucketWithoutLe},
	{"threshold-unit", thresholdUnit},
	{"fleeting-group", fleetingGroup},
}

// Lint says what is wrong or doubtful about objectives: what slo.Objective.Check finds about each (a target out of range,
// a burn-rate rule that cannot be reached, no rule that pages), names used twice, and the rules above. Problems carry the
// objective's file and line.
func Lint(objectives []slo.Objective) []kit.Problem {
	var out []kit.Problem
	first := map[string]slo.Objective{}
	for _, o := range objectives {
		if before, taken := first[o.Name]; taken {
			out = append(out, lintProblem(o, "duplicate-objective", kit.SeverityError, "it is defined twice, first at "+at(before.File, before.Line), "rename one of them or remove it"))
		} else {
			first[o.Name] = o
		}
		out = append(out, o.Check()...)
		for _, r := range lintRules {
			if s, msg, remedy := r.check(o); msg != "" {
				out = append(out, lintProblem(o, r.id, s, msg, remedy))
			}
		}
	}
	return out
}

func lintProblem(o slo.Objective, rule string, s kit.Severity, msg, remedy string) kit.Problem {
	return kit.Problem{File: o.File, Line: o.Line, Column: 1, Severity: s, Rule: rule, Msg: "objective " + o.Name + ": " + msg, Remedy: remedy}
}

// indicators are an objective's own, or those of its parts.
func indicators(o slo.Objective) []slo.Indicator {
	if o.Composite == nil {
		return []slo.Indicator{o.Indicator}
	}
	var out []slo.Indicator
	for _, p := range o.Composite.Parts {
		out = append(out, p.Objective.Indicator)
	}
	return out
}

// sameQuery finds a good or bad query that is the total: always 100 % or always 0 %.
func sameQuery(o slo.Objective) (kit.Severity, string, string) {
	if !promTypes[strings.ToLower(o.Annotations[prefix+keySourceType])] {
		return "", "", "" // the examples of OpenSLO itself say "Any" three times
	}
	for _, in := range indicators(o) {
		side := in.Good
		if in.Kind == slo.BadTotal {
			side = in.Bad
		}
		if in.Kind != slo.BadTotal && in.Kind != slo.GoodTotal || side.Text == "" {
			continue
		}
		if side.Text == in.Total.Text || side.Exact() && slices.Equal(side.Terms, in.Total.Terms) {
			return kit.SeverityError, "its two queries count the same events", "narrow the good or bad query by a label"
		}
	}
	return "", "", ""
}

// bucketWithoutLe finds a sum over all buckets of a classic histogram, which counts each event once for every bucket.
func bucketWithoutLe(o slo.Objective) (kit.Severity, string, string) {
	for _, in := range indicators(o) {
		if in.Kind != slo.BadTotal && in.Kind != slo.GoodTotal {
			continue
		}
		for _, t := range slices.Concat(in.Good.Terms, in.Bad.Terms, in.Total.Terms) {
			sel, ok := selectorOf(t.Selector)
			if ok && strings.HasSuffix(sel.Name, "_bucket") && !hasLabel(sel, "le") {
				return kit.SeverityError, t.Selector + " has no le, so each event counts once for every bucket it falls into", `add le="+Inf" for all events, or count ` + strings.TrimSuffix(sel.Name, "_bucket") + "_count"
			}
		}
	}
	return "", "", ""
}

func selectorOf(text string) (*parser.VectorSelector, bool) {
	e, err := parsePromQL(text)
	if err != nil {
		return nil, false
	}
	sel, ok := e.(*parser.VectorSelector)
	return sel, ok
}

// thresholdUnit finds a latency threshold in milliseconds on a metric in seconds.
func thresholdUnit(o slo.Objective) (kit.Severity, string, string) {
	for _, in := range indicators(o) {
		if in.Kind != slo.Histogram && in.Kind != slo.Native || len(in.Total.Terms) == 0 {
			continue
		}
		sel, ok := selectorOf(in.Total.Terms[0].Selector)
		name := ""
		if ok {
			name = strings.TrimSuffix(sel.Name, "_bucket")
		}
		if strings.HasSuffix(name, "_seconds") && in.Threshold >= 50 {
			return kit.SeverityWarning, fmt.Sprintf("its threshold is %s seconds", number64(in.Threshold)), "if milliseconds were meant, write " + number64(in.Threshold/1000)
		}
		if strings.HasSuffix(name, "_milliseconds") && in.Threshold < 1 {
			return kit.SeverityWarning, fmt.Sprintf("its threshold is %s milliseconds", number64(in.Threshold)), "if seconds were meant, write " + number64(in.Threshold*1000)
		}
	}
	return "", "", ""
}

// fleeting labels change with every deployment or with every caller.
var fleeting = map[string]bool{"pod": true, "instance": true, "container_id": true, "uid": true, "trace_id": true, "request_id": true, "user": true, "user_id": true, "session": true, "ip": true}

func fleetingGroup(o slo.Objective) (kit.Severity, string, string) {
	for _, name := range o.GroupBy {
		if fleeting[name] {
			return kit.SeverityWarning, "it keeps a budget for every " + strconv.Quote(name) + ", which ends when that does", "group by what outlives a deployment, or not at all"
		}
	}
	return "", "", ""
}
