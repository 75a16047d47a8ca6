package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

func TestQueriesReduceToCounters(t *testing.T) {
	one := func(sel string) []slo.Term { return []slo.Term{{Selector: sel, Factor: 1}} }
	for _, c := range []struct {
		query string
		want  []slo.Term
	}{
		{`sum(rate(x_total{code=~"5.."}[{{.window}}]))`, one(`x_total{code=~"5.."}`)},
		{`sum(rate(x_total[{{ .window }}]))`, one(`x_total`)},
		{`sum by (job) (increase(x_total[$__range]))`, one(`x_total`)},
		{`sum(increase(x_total[5m]))`, one(`x_total`)},
		{`sum(rate(x_total[$__rate_interval])) or vector(0)`, one(`x_total`)},
		{`(sum(rate(x_total[5m])) OR on() vector(0))`, one(`x_total`)},
		{`vector(0) or sum(rate(x_total[5m]))`, one(`x_total`)},
		{`sum(rate(a_total[5m])) - sum(rate(b_total[5m]))`, []slo.Term{{Selector: "a_total", Factor: 1}, {Selector: "b_total", Factor: -1}}},
		{`sum(rate(a_total[5m])) + 2 * sum(rate(b_total[5m])) / 4`, []slo.Term{{Selector: "a_total", Factor: 1}, {Selector: "b_total", Factor: 0.5}}},
		{`-(sum(rate(a_total[5m])))`, []slo.Term{{Selector: "a_total", Factor: -1}}},
		{`sum(rate(a_total[5m])) + sum(rate(a_total[5m]))`, []slo.Term{{Selector: "a_total", Factor: 2}}},
		{`clamp_min(sum(rate(a_total[5m])) - sum(rate(b_total[5m])), 0)`, []slo.Term{{Selector: "a_total", Factor: 1}, {Selector: "b_total", Factor: -1}}},
		{`x_total{a="b"}`, one(`x_total{a="b"}`)},
		{`sum(x_total)`, one(`x_total`)},
		{`{__name__="x_total",a="b"}`, one(`{__name__="x_total",a="b"}`)},
		{`sum(rate(x_total[5m])) * 60 * 5`, []slo.Term{{Selector: "x_total", Factor: 300}}},
		{`sum(sum by (pod) (rate(x_total[5m])))`, one(`x_total`)},
	} {
		q, why := Reduce(c.query)
		if why != "" {
			t.Errorf("%s: not reduced: %s", c.query, why)
		}
		if diff := cmp.Diff(slo.Query{Text: c.query, Terms: c.want}, q); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.query, diff)
		}
	}
}

func TestQueriesThatAreNoSumsKeepTheirTextAndSayWhy(t *testing.T) {
	for query, want := range map[string]string{
		`avg(rate(x_total[5m]))`:                                  "avg() does not add up events",
		`sum without (pod) (rate(x_total[5m]))`:                   "sum without (...) leaves its groups open; name them with sum by (...)",
		`sum(rate(x_total[5m] offset 1h))`:                        "x_total looks at another time (offset or @)",
		`sum(rate(x_total[5m] @ 100))`:                            "x_total looks at another time (offset or @)",
		`sum(rate(a_total[5m]) - rate(b_total[5m]))`:              "- joins series by their labels; sum both sides first",
		`sum by (a) (rate(a[5m])) - sum by (b) (rate(b[5m]))`:     "its two sides are summed by different labels",
		`sum(rate(a_total[5m])) - sum(increase(b_total[5m]))`:     "it mixes events a second and events a window",
		`sum(rate(a_total[5m])) + 1`:                              "+ with a constant is not a sum of counters",
		`sum(rate(a_total[5m])) / sum(rate(b_total[5m]))`:         "/ of two series is not a sum of counters",
		`sum(irate(x_total[5m]))`:                                 "irate() is not a sum of counters",
		`sum_over_time((count(x < 0.75))[5m:]) OR on() vector(0)`: "sum_over_time() is taken over a subquery",
		`label_replace(sum(rate(x[5m])), "a", "b", "c", "d")`:     "label_replace() is not a sum of counters",
		`sum(rate(a[5m])) - sum(rate(a[5m]))`:                     "its terms cancel out",
		`sum(rate(a[5m])) / 0`:                                    "a constant factor makes it +Inf",
		`vector(0)`:                                               "it selects no counter",
		`vector(1)`:                                               "it counts a constant",
		`1`:                                                       `"1" is not a counter`,
	} {
		q, why := Reduce(query)
		if q.Exact() || q.Text != query || why != want {
			t.Errorf("%s:\n got %q, exact %v\nwant %q", query, why, q.Exact(), want)
		}
	}
	if _, why := Reduce(`sum(rate(x[5m])`); why == "" {
		t.Error("a query that does not parse gives no reason")
	}
}
