package migrate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/kit"
)

// seeds are the files of this package's tests, and the public ones where they are at hand.
func seeds(f *testing.F) {
	for _, s := range []string{single, checkout, parts, ruleFile, "", "- a", "version: prometheus/v1\nslos: [{}]"} {
		f.Add([]byte(s))
	}
}

// FuzzReadSLOs: no file makes the importer panic; every finding has a place and words; what is read is written and read
// again without loss.
func FuzzReadSLOs(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, o := range []Options{{}, {Strict: true}, {Partial: true}} {
			r := Read([]File{{"f", data}}, o)
			for _, p := range append(r.Problems, r.Notes...) {
				if p.File != "f" || p.Line < 1 || p.Column < 1 || p.Msg == "" || p.Rule == "" || p.Severity == kit.SeverityError && p.Remedy == "" {
					t.Fatalf("a finding without place or words: %#v", p)
				}
			}
			if o.Strict || len(r.Objectives) == 0 {
				continue
			}
			again, err := WriteOpenSLO(r.Objectives)
			if err != nil {
				t.Fatalf("%v\n%s", err, data)
			}
			back := Read([]File{{"g", again}}, Options{})
			if diff := cmp.Diff(unplaced(r.Objectives), unplaced(back.Objectives), decimals); diff != "" {
				t.Fatalf("%s\n%v\n%s\n%s", diff, back.Problems, data, again)
			}
			rules, _ := WriteRules(r.Objectives)
			load(t, rules)
			Lint(r.Objectives)
		}
	})
}

// FuzzReduce: no query panics; an exact one's selectors are PromQL, and an inexact one says why.
func FuzzReduce(f *testing.F) {
	for _, s := range []string{`sum(rate(x{a="b"}[{{.window}}]))`, `sum by (a) (increase(x[5m])) - 2 * sum by (a) (y)`, `1 - a / b`,
		`histogram_fraction(0, 0.2, sum(rate(h[5m]))) * histogram_count(sum(rate(h[5m])))`, `x or vector(0)`, `-x`, `clamp_min(x, 0)`, `"x"`, `x[5m:1m]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, promql string) {
		q, why := Reduce(promql)
		if q.Exact() != (why == "") || q.Text != promql {
			t.Fatalf("%q: exact %v, why %q", promql, q.Exact(), why)
		}
		for _, term := range q.Terms {
			if _, ok := selectorOf(term.Selector); !ok || term.Factor == 0 {
				t.Fatalf("%q: the term %+v is no selector", promql, term)
			}
		}
		share(promql, false)
		ratio("good_total", reduce(promql), reduce("sum(rate(h_count[5m]))"))
	})
}

// FuzzReadRules: no file panics, and what is read is complete.
func FuzzReadRules(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		rules, problems := ReadRules("f", data)
		for _, r := range rules {
			if r.Name == "" || r.Expr == "" || r.Line < 1 || r.For < 0 {
				t.Fatalf("%+v", r)
			}
		}
		for _, p := range problems {
			if p.Line < 1 || p.Msg == "" {
				t.Fatalf("%#v", p)
			}
		}
	})
}
