package migrate

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// promDuration is a length of time as Prometheus prints it and Sloth names its series: 5m, 1d, 4w, 30d.
func promDuration(d time.Duration) string {
	for _, u := range []struct {
		name string
		unit time.Duration
	}{{"y", 365 * day}, {"w", 7 * day}} {
		if d > 0 && d%u.unit == 0 {
			return fmt.Sprintf("%d%s", d/u.unit, u.name)
		}
	}
	var b strings.Builder
	for i, name := range []string{"d", "h", "m", "s", "ms"} {
		if n := d / spanUnits[i+1]; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, name)
			d -= n * spanUnits[i+1]
		}
	}
	return b.String()
}

// sides are an indicator's bad and total events a second over a window, in PromQL. A Ratio has only its share: bad is the
// share and total is "".
func sides(o slo.Objective, window time.Duration) (bad, total string, err error) {
	in, w := o.Indicator, promDuration(window)
	by := ""
	if len(o.GroupBy) > 0 {
		by = " by (" + strings.Join(labelNames(o.GroupBy), ", ") + ") "
	}
	sum := func(q slo.Query) string { return sumOf(q, in.Delta, by, w) }
	switch in.Kind {
	case slo.BadTotal:
		return sum(in.Bad), sum(in.Total), nil
	case slo.GoodTotal:
		return lacking(sum(in.Total), sum(in.Good)), sum(in.Total), nil
	case slo.Histogram:
		return classicSides(in, by, w)
	case slo.Native:
		if len(in.Total.Terms) != 1 {
			return "", "", errors.New("its query selects no histogram")
		}
		h := fmt.Sprintf("sum%s(rate(%s[%s]))", by, in.Total.Terms[0].Selector, w)
		total = "histogram_count(" + h + ")"
		return lacking(total, fmt.Sprintf("histogram_fraction(-Inf, %s, %s) * %s", number64(in.Threshold), h, total)), total, nil
	case slo.Gauge:
		q := fill(in.Total.Text, "1m")
		total = fmt.Sprintf("sum%s(count_over_time((%s)[%s:1m]))", by, q, w)
		good := fmt.Sprintf("sum%s(sum_over_time(((%s) %s bool %s)[%s:1m]))", by, q, comparison[in.Op], number64(in.Threshold), w)
		return lacking(total, good), total, nil
	case slo.Ratio:
		return "(" + fill(in.Total.Text, w) + ")", "", nil
	}
	return "", "", fmt.Errorf("an indicator of kind %q has no form in PromQL", in.Kind)
}

// labelNames quotes those that PromQL takes only in quotes.
func labelNames(names []string) []string {
	out := slices.Clone(names)
	for i, name := range out {
		if notPromLabel.MatchString(name) || name[0] >= '0' && name[0] <= '9' {
			out[i] = strconv.Quote(name)
		}
	}
	return out
}

var comparison = map[string]string{"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "==", "ne": "!="}

// lacking is total - good, all of it when good has no series yet.
func lacking(total, good string) string {
	return fmt.Sprintf("%s - ((%s) or 0 * %s)", total, good, total)
}

// sumOf writes a query over a window: from its counters where they are known, else as it stands.
func sumOf(q slo.Query, delta bool, by, w string) string {
	if !q.Exact() {
		return "(" + fill(q.Text, w) + ")"
	}
	function := "rate"
	if delta {
		function = "sum_over_time"
	}
	var b strings.Builder
	for i, t := range q.Terms {
		factor := t.Factor
		switch {
		case i > 0 && factor < 0:
			b.WriteString(" - ")
			factor = -factor
		case i > 0:
			b.WriteString(" + ")
		}
		if factor != 1 {
			b.WriteString(number64(factor) + " * ")
		}
		fmt.Fprintf(&b, "sum%s(%s(%s[%s]))", by, function, t.Selector, w)
	}
	if len(q.Terms) > 1 {
		return "(" + b.String() + ")"
	}
	return b.String()
}

func fill(text, w string) string { return placeholder.ReplaceAllLiteralString(text, w) }

func classicSides(in slo.Indicator, by, w string) (bad, total string, err error) {
	if len(in.Total.Terms) != 1 {
		return "", "", errors.New("its query selects no histogram")
	}
	rate := func(le string) string {
		return fmt.Sprintf("sum%s(rate(%s[%s]))", by, withMatcher(in.Total.Terms[0].Selector, le), w)
	}
	total = rate(`le="+Inf"`)
	return lacking(total, rate(boundMatcher(in.Threshold))), total, nil
}

func withMatcher(selector, matcher string) string {
	inner, ok := strings.CutSuffix(selector, "}")
	if !ok {
		return selector + "{" + matcher + "}"
	}
	if !strings.HasSuffix(inner, "{") {
		inner += ","
	}
	return inner + matcher + "}"
}

// boundMatcher matches a bucket's bound in every way it is printed: 5 and 5.0, 1e-05 and 0.00001.
func boundMatcher(x float64) string {
	forms := []string{strconv.FormatFloat(x, 'f', -1, 64), number64(x)}
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		forms = append(forms, strconv.FormatFloat(x, 'f', 1, 64))
	}
	slices.Sort(forms)
	forms = slices.Compact(forms)
	if len(forms) == 1 {
		return "le=" + strconv.Quote(forms[0])
	}
	for i := range forms {
		forms[i] = regexp.QuoteMeta(forms[i])
	}
	return "le=~" + strconv.Quote(strings.Join(forms, "|"))
}
