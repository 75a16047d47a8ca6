package migrate

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

var errNoQuery = errors.New("its indicator has no query")

// indicatorObj writes an indicator, with annotations of its own, and the objective that goes with it.
func indicatorObj(o slo.Objective, annotations tree.Obj) (indicator, objective tree.Obj, err error) {
	if !o.Target.IsSet() {
		return nil, nil, errors.New("it has no target")
	}
	name := o.Annotations[prefix+keyIndicatorName]
	if name == "" {
		name = label(o.Name)
	}
	objective = targetObj(o)
	spec, threshold, err := metricObj(o)
	if err != nil {
		return nil, nil, err
	}
	if threshold {
		op, extra := thresholdOp(o.Indicator)
		annotations = append(annotations, extra...)
		objective = append(tree.Obj{{Key: "op", Value: op}, {Key: "value", Value: tree.Raw(yamlNumber(o.Indicator.Threshold))}}, objective...)
	}
	return tree.Obj{{Key: "metadata", Value: tree.Obj{{Key: "name", Value: name}, {Key: "annotations", Value: annotations}}},
		{Key: "spec", Value: spec}}, objective, nil
}

func yamlNumber(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// metricObj writes ratioMetric, or thresholdMetric for gauges and for histograms that were not read from a ratio.
func metricObj(o slo.Objective) (spec tree.Obj, threshold bool, err error) {
	in := o.Indicator
	total := in.Total.Text
	side, key := in.Good.Text, "good"
	if in.Bad.Text != "" {
		side, key = in.Bad.Text, "bad"
	}
	switch {
	case in.Kind == slo.Ratio && total != "":
		rawType := o.Annotations[prefix+keyRawType]
		if rawType == "" {
			rawType = "failure"
		}
		return tree.Obj{{Key: "ratioMetric", Value: tree.Obj{{Key: "counter", Value: true}, {Key: "rawType", Value: rawType},
			{Key: "raw", Value: sourceObj(o, total)}}}}, false, nil
	case in.Kind != slo.Gauge && side != "" && total != "":
		return tree.Obj{{Key: "ratioMetric", Value: tree.Obj{{Key: "counter", Value: !in.Delta},
			{Key: key, Value: sourceObj(o, side)}, {Key: "total", Value: sourceObj(o, total)}}}}, false, nil
	case in.Kind == slo.BadTotal || in.Kind == slo.GoodTotal || total == "":
		return nil, false, errNoQuery
	}
	return tree.Obj{{Key: "thresholdMetric", Value: sourceObj(o, total)}}, true, nil
}

// thresholdOp is the comparison of a thresholdMetric, and what OpenSLO cannot say about it.
func thresholdOp(in slo.Indicator) (op string, extra tree.Obj) {
	r := reduce(in.Total.Text)
	buckets := len(r.terms) == 1 && !r.summed && r.unit == running && strings.HasSuffix(r.terms[0].sel.Name, "_bucket")
	if in.Kind == slo.Gauge == buckets || in.Kind == slo.Native {
		extra = tree.Obj{{Key: prefix + keyIndicator, Value: string(in.Kind)}}
	}
	switch {
	case in.Kind != slo.Gauge:
		return "lte", extra
	case ops[in.Op]:
		return in.Op, extra
	}
	return "gte", append(extra, tree.Entry{Key: prefix + keyOp, Value: in.Op})
}

// sourceObj writes a metricSource. The query of a foreign source that was kept as JSON is written out again.
func sourceObj(o slo.Objective, text string) tree.Obj {
	kind, name := o.Annotations[prefix+keySourceType], o.Indicator.Metrics
	foreign := !promTypes[strings.ToLower(kind)]
	if kind == "" {
		kind = "Prometheus"
	}
	if foreign && name == kind {
		name = ""
	}
	var spec any = tree.Obj{{Key: "query", Value: text}}
	if m, ok := jsonObject(text); ok && foreign {
		spec = m
	}
	return tree.Obj{{Key: "metricSource", Value: tree.Obj{{Key: "metricSourceRef", Value: name}, {Key: "type", Value: kind}, {Key: "spec", Value: spec}}}}
}

// jsonObject reads a text that queryText made of a whole specification.
func jsonObject(text string) (tree.Obj, bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var m map[string]any
	if d.Decode(&m) != nil || hasEmpty(m) { // an empty value would be left out
		return nil, false
	}
	if again, err := json.Marshal(m); err != nil || string(again) != text {
		return nil, false
	}
	o, ok := writable(m).(tree.Obj)
	return o, ok
}

func writable(v any) any {
	switch v := v.(type) {
	case map[string]any:
		var o tree.Obj
		for _, k := range slices.Sorted(maps.Keys(v)) {
			o = append(o, tree.Entry{Key: k, Value: writable(v[k])})
		}
		return o
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = writable(v[i])
		}
		return out
	case json.Number:
		return tree.Raw(v)
	}
	return v
}

func hasEmpty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0 || slices.ContainsFunc(slices.Collect(maps.Values(v)), hasEmpty)
	case []any:
		return len(v) == 0 || slices.ContainsFunc(v, hasEmpty)
	}
	return v == nil || v == ""
}
