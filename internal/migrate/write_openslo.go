package migrate

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// WriteOpenSLO writes objectives as one OpenSLO v1 file, a document each. What OpenSLO has no field for stands in
// annotations under evenkeel.dev/, so that the file is valid for others and reads back here as the same objectives
// (file and line apart). An objective that cannot be said in OpenSLO, one without window, target or query, is an error.
func WriteOpenSLO(objectives []slo.Objective) ([]byte, error) {
	var b bytes.Buffer
	for i, o := range objectives {
		doc, err := openSLO(o)
		if err != nil {
			return nil, fmt.Errorf("write objective %s: %w", o.Name, err)
		}
		if i > 0 {
			b.WriteString("---\n")
		}
		b.Write(tree.Emit(doc))
	}
	return b.Bytes(), nil
}

func openSLO(o slo.Objective) (tree.Obj, error) {
	annotations := clone(o.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	for _, e := range extras {
		if text := e.write(o); text != "" {
			annotations[prefix+e.key] = text
		}
	}
	window, err := windowObj(o.Window)
	if err != nil {
		return nil, err
	}
	spec := tree.Obj{{Key: "description", Value: o.Description}, {Key: "service", Value: o.Service}}
	var objectives []any
	if o.Composite != nil {
		objectives, err = compositeObjs(o, annotations)
	} else {
		var indicator, objective tree.Obj
		indicator, objective, err = indicatorObj(o, nil)
		if o.Title != "" { // otherwise the display name is the title
			objective = append(tree.Obj{{Key: "displayName", Value: take(annotations, keyObjectiveTitle)}}, objective...)
		}
		spec = append(spec, tree.Entry{Key: "indicator", Value: indicator})
		objectives = []any{objective}
		for _, key := range []string{keyIndicatorName, keySourceType, keyRawType} {
			take(annotations, key)
		}
	}
	if err != nil {
		return nil, err
	}
	spec = append(spec, tree.Entry{Key: "timeWindow", Value: []any{window}},
		tree.Entry{Key: "budgetingMethod", Value: methodName(o.Method)},
		tree.Entry{Key: "objectives", Value: objectives},
		tree.Entry{Key: "alertPolicies", Value: policyObjs(o)})
	return tree.Obj{{Key: "apiVersion", Value: "openslo/v1"}, {Key: "kind", Value: "SLO"},
		{Key: "metadata", Value: tree.Obj{{Key: "name", Value: o.Name}, {Key: "displayName", Value: o.Title},
			{Key: "labels", Value: textsObj(o.Labels)}, {Key: "annotations", Value: textsObj(annotations)}}},
		{Key: "spec", Value: spec}}, nil
}

// take removes an annotation that has a place of its own in OpenSLO and gives its text.
func take(annotations map[string]string, key string) string {
	text := annotations[prefix+key]
	delete(annotations, prefix+key)
	return text
}

func textsObj(m map[string]string) tree.Obj {
	var out tree.Obj
	for _, k := range slices.Sorted(maps.Keys(m)) {
		var v any = m[k]
		if v == "" {
			v = tree.Raw("''") // an empty text would be left out
		}
		out = append(out, tree.Entry{Key: k, Value: v})
	}
	return out
}

func methodName(m slo.Method) string {
	for name, method := range methods {
		if method == m {
			return name
		}
	}
	return "Occurrences"
}

// shorthandOf is a length of time as OpenSLO writes it, a number and one unit, the largest that divides it.
func shorthandOf(d time.Duration) (string, error) {
	for _, unit := range []string{"w", "d", "h", "m"} {
		if n := d / unitLengths[unit]; n > 0 && d%unitLengths[unit] == 0 && (unit != "w" || n == 1) {
			return fmt.Sprintf("%d%s", n, unit), nil
		}
	}
	return "", fmt.Errorf("a length of %s is not whole minutes, which OpenSLO needs", d)
}

func windowObj(w slo.Window) (tree.Obj, error) {
	if w.Unit == "" {
		d, err := shorthandOf(w.Rolling)
		return tree.Obj{{Key: "duration", Value: d}, {Key: "isRolling", Value: true}}, err
	}
	letter := ""
	for l, unit := range calendarUnits {
		if unit == w.Unit {
			letter = l
		}
	}
	anchor := w.Anchor
	if anchor == "" {
		anchor = defaultAnchor(w.Unit)
	}
	start, err := time.Parse(anchorLayout, anchor)
	if letter == "" || w.Count < 1 || err != nil {
		return nil, fmt.Errorf("a calendar window of %d %s from %q has no form in OpenSLO", w.Count, w.Unit, w.Anchor)
	}
	zone := w.Zone
	if zone == "" {
		zone = "UTC"
	}
	return tree.Obj{{Key: "duration", Value: strconv.Itoa(w.Count) + letter}, {Key: "isRolling", Value: false},
		{Key: "calendar", Value: tree.Obj{{Key: "startTime", Value: start.Format(time.DateTime)}, {Key: "timeZone", Value: zone}}}}, nil
}

// targetObj is an objective's target and slices.
func targetObj(o slo.Objective) tree.Obj {
	out := tree.Obj{{Key: "target", Value: tree.Raw(o.Target.String())}}
	if o.Method != slo.Timeslices && o.Method != slo.RatioTimeslices {
		return out
	}
	if o.Method == slo.Timeslices {
		out = append(out, tree.Entry{Key: "timeSliceTarget", Value: tree.Raw(o.SliceTarget.String())})
	}
	return append(out, tree.Entry{Key: "timeSliceWindow", Value: fmt.Sprintf("%dm", o.Slice/time.Minute)})
}

func compositeObjs(o slo.Objective, annotations map[string]string) ([]any, error) {
	if o.Composite.Kind == "pooled" {
		annotations[prefix+keyComposite] = "pooled"
		annotations[prefix+keyCompositeTarget] = o.Target.String()
	}
	var out []any
	for _, p := range o.Composite.Parts {
		var own tree.Obj
		for _, e := range extras {
			if text := e.write(p.Objective); text != "" && (e.key == "no-data" || e.key == "staleness") {
				own = append(own, tree.Entry{Key: prefix + e.key, Value: text})
			}
		}
		indicator, objective, err := indicatorObj(p.Objective, own)
		if err != nil {
			return nil, fmt.Errorf("part %s: %w", p.Name, err)
		}
		out = append(out, append(tree.Obj{{Key: "displayName", Value: p.Name}, {Key: "indicator", Value: indicator},
			{Key: "compositeWeight", Value: tree.Raw(number64(p.Weight))}}, objective...))
	}
	return out, nil
}

// policyObjs writes each pair as a policy with its one condition.
func policyObjs(o slo.Objective) []any {
	var out []any
	for _, p := range o.Pairs {
		annotations := tree.Obj{}
		factor := p.Factor
		if p.Spend > 0 {
			annotations = tree.Obj{{Key: prefix + keySpend, Value: number64(p.Spend)}}
			factor = max(1, p.Spend*windowLength(o.Window).Seconds()/p.Long.Seconds())
		}
		condition := tree.Obj{{Key: "kind", Value: "burnrate"}, {Key: "op", Value: "gt"},
			{Key: "threshold", Value: tree.Raw(strconv.FormatFloat(factor, 'f', -1, 64))},
			{Key: "lookbackWindow", Value: spanOf(p.Long)}, {Key: "alertAfter", Value: spanOf(p.Short)}}
		out = append(out, tree.Obj{{Key: "kind", Value: "AlertPolicy"}, {Key: "metadata", Value: tree.Obj{{Key: "name", Value: p.Name}}},
			{Key: "spec", Value: tree.Obj{{Key: "alertWhenBreaching", Value: true},
				{Key: "conditions", Value: []any{tree.Obj{{Key: "kind", Value: "AlertCondition"},
					{Key: "metadata", Value: tree.Obj{{Key: "name", Value: p.Name}, {Key: "annotations", Value: annotations}}},
					{Key: "spec", Value: tree.Obj{{Key: "severity", Value: p.Severity}, {Key: "condition", Value: condition}}}}}},
				{Key: "notificationTargets", Value: []any{tree.Obj{{Key: "kind", Value: "AlertNotificationTarget"},
					{Key: "metadata", Value: tree.Obj{{Key: "name", Value: "on-call"}}},
					{Key: "spec", Value: tree.Obj{{Key: "target", Value: "on-call"}}}}}}}}})
	}
	return out
}

// spanOf is a shorthand where one says it, else several units after each other, which we read and OpenSLO does not.
func spanOf(d time.Duration) string {
	if s, err := shorthandOf(d); err == nil {
		return s
	}
	return spanString(d)
}

// windowLength is a window's nominal length (§8).
func windowLength(w slo.Window) time.Duration {
	nominal := map[string]time.Duration{"day": day, "week": 7 * day, "month": 30 * day, "quarter": 90 * day, "year": 365 * day}
	if w.Unit != "" {
		return time.Duration(w.Count) * nominal[w.Unit]
	}
	return w.Rolling
}
