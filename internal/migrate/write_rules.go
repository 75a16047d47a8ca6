package migrate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// baseWindow is the shortest window that is recorded; the period's ratio is made from it.
const baseWindow = 5 * time.Minute

// WriteRules writes objectives as one Prometheus rule file, one document, under the names of Sloth's series, so that
// dashboards made for Sloth show them. Prometheus then evaluates; what it cannot do (the significance gate, the trickle
// rule, corrections, exact counting across resets and gaps) is left to Evenkeel itself.
//
// Better than Sloth's own rules: the period's ratio weighs by events, not by minutes; a quiet service and an absent error
// series give no NaN; targets are exact decimals; no two rules are the same.
//
// Objectives without a form in rules (composites, time slices, foreign sources) are left out with a warning, calendar
// windows are written as rolling ones of their usual length with a warning.
func WriteRules(objectives []slo.Objective) ([]byte, []kit.Problem) {
	var groups []any
	var problems []kit.Problem
	ids := map[string]bool{}
	for _, o := range objectives {
		w := ruleWriter{o: o}
		w.identify(ids)
		out, err := w.groups()
		if err != nil {
			problems = append(problems, kit.Problem{File: o.File, Line: o.Line, Column: 1, Severity: kit.SeverityWarning, Rule: "no-rules",
				Msg: "the objective " + o.Name + " is left out of the rules: " + err.Error(), Remedy: "let Evenkeel evaluate it"})
			continue
		}
		problems = append(problems, w.problems...)
		groups = append(groups, out...)
	}
	head := "# Written by Evenkeel from its objectives; a change here is lost with the next export.\n"
	if len(groups) == 0 {
		return []byte(head + "groups: []\n"), problems
	}
	return append([]byte(head), tree.Emit(tree.Obj{{Key: "groups", Value: groups}})...), problems
}

// ruleWriter writes the groups of one objective.
type ruleWriter struct {
	o        slo.Objective
	id       string
	sloName  string
	selector string // of this objective's series
	plan     *slo.Plan
	period   time.Duration
	problems []kit.Problem
}

// identify gives the objective Sloth's three labels, its id used by no other.
func (w *ruleWriter) identify(used map[string]bool) {
	if w.sloName = w.o.Annotations[prefix+keySlothSLO]; w.sloName == "" {
		w.sloName = w.o.Name
	}
	w.id = w.o.Service + "-" + w.sloName
	for n := 2; used[w.id]; n++ {
		w.id = w.o.Name + "-" + strconv.Itoa(n)
	}
	used[w.id] = true
	w.selector = fmt.Sprintf("{sloth_id=%q, sloth_service=%q, sloth_slo=%q}", w.id, w.o.Service, w.sloName)
}

func (w *ruleWriter) groups() ([]any, error) {
	o := w.o
	switch {
	case o.Composite != nil:
		return nil, fmt.Errorf("a composite has no form in them")
	case o.Method == slo.Timeslices || o.Method == slo.RatioTimeslices:
		return nil, fmt.Errorf("time slices have no form in them")
	case !promTypes[strings.ToLower(o.Annotations[prefix+keySourceType])]:
		return nil, fmt.Errorf("its source is %s", o.Annotations[prefix+keySourceType])
	}
	plan, err := slo.NewPlan(o, nil)
	if err != nil {
		return nil, err
	}
	w.plan, w.period = plan, windowLength(o.Window)
	if o.Window.Unit != "" {
		w.problems = append(w.problems, kit.Problem{File: o.File, Line: o.Line, Column: 1, Severity: kit.SeverityWarning, Rule: "calendar-rules",
			Msg: fmt.Sprintf("the rules of %s look at the last %s instead of the calendar %s", o.Name, promDuration(w.period), o.Window.Unit), Remedy: "let Evenkeel evaluate it"})
	}
	sli, err := w.sliRules()
	if err != nil {
		return nil, err
	}
	out := []any{w.group("sli-recordings", sli), w.group("meta-recordings", w.metaRules())}
	if alerts := w.alertRules(); len(alerts) > 0 {
		out = append(out, w.group("alerts", alerts))
	}
	return out, nil
}

func (w *ruleWriter) group(name string, rules []any) tree.Obj {
	return tree.Obj{{Key: "name", Value: "sloth-slo-" + name + "-" + w.id}, {Key: "rules", Value: rules}}
}

// record is one recording rule with the objective's labels and more of its own.
func (w *ruleWriter) record(name, expr string, more map[string]string) tree.Obj {
	all := map[string]string{}
	for k, v := range w.o.Labels {
		all[promLabel(k)] = v
	}
	maps.Copy(all, map[string]string{"sloth_id": w.id, "sloth_service": w.o.Service, "sloth_slo": w.sloName})
	maps.Copy(all, more)
	delete(all, "")
	return tree.Obj{{Key: "record", Value: name}, {Key: "expr", Value: expr}, {Key: "labels", Value: textsObj(all)}}
}

// windows are all windows the alerts look at, and the base.
func (w *ruleWriter) windows() []time.Duration {
	out := []time.Duration{baseWindow}
	for _, r := range w.plan.Rules {
		if !r.Trickle {
			out = append(out, r.Short, r.Long)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func errorSeries(window time.Duration) string {
	return "slo:sli_error:ratio_rate" + promDuration(window)
}

// Series of ours: both sides over the base window, from which the period's ratio is made.
const (
	badSeries   = "evenkeel:sli_bad:rate5m"
	totalSeries = "evenkeel:sli_total:rate5m"
)

func (w *ruleWriter) sliRules() ([]any, error) {
	var out []any
	whole := false
	for _, window := range w.windows() {
		bad, total, err := sides(w.o, window)
		if err != nil {
			return nil, err
		}
		expr := bad
		if total != "" {
			whole = true
			expr = fmt.Sprintf("((%s) or 0 * %s)\n/\n(%s > 0)", bad, total, total)
		}
		if _, err := parsePromQL(expr); err != nil {
			return nil, fmt.Errorf("its query is not PromQL: %w", err)
		}
		if window == baseWindow && total != "" {
			out = append(out, w.record(badSeries, fmt.Sprintf("(%s) or 0 * %s", bad, total), nil), w.record(totalSeries, total, nil))
		}
		out = append(out, w.record(errorSeries(window), expr, map[string]string{"sloth_window": promDuration(window)}))
	}
	p := promDuration(w.period)
	expr := fmt.Sprintf("avg_over_time(%s%s[%s])", errorSeries(baseWindow), w.selector, p)
	if whole {
		expr = fmt.Sprintf("sum_over_time(%s%s[%s])\n/\n(sum_over_time(%s%s[%s]) > 0)", badSeries, w.selector, p, totalSeries, w.selector, p)
	}
	if !slices.Contains(w.windows(), w.period) {
		out = append(out, w.record(errorSeries(w.period), expr, map[string]string{"sloth_window": p}))
	}
	return out, nil
}

func (w *ruleWriter) metaRules() []any {
	target := w.o.Target
	perBudget := func(series string) string {
		return fmt.Sprintf("%s%s\n/ on (sloth_id, sloth_slo, sloth_service) group_left\nslo:error_budget:ratio%s", series, w.selector, w.selector)
	}
	days := strconv.FormatFloat(w.period.Hours()/24, 'f', -1, 64)
	return []any{
		w.record("slo:objective:ratio", "vector("+target.String()+")", nil),
		w.record("slo:error_budget:ratio", "vector("+budget(target)+")", nil),
		w.record("slo:time_period:days", "vector("+days+")", nil),
		w.record("slo:current_burn_rate:ratio", perBudget(errorSeries(baseWindow)), nil),
		w.record("slo:period_burn_rate:ratio", perBudget(errorSeries(w.period)), nil),
		w.record("slo:period_error_budget_remaining:ratio", "1 - slo:period_burn_rate:ratio"+w.selector, nil),
		w.record("sloth_slo_info", "vector(1)", map[string]string{"sloth_mode": "evenkeel", "sloth_objective": inPercent(target),
			"sloth_spec": "openslo/v1", "sloth_version": "evenkeel"}),
	}
}
