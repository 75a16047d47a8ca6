package migrate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ruleFile = `groups:
  - name: web
    interval: 30s
    labels: {team: web}
    rules:
      - record: web:errors:rate5m
        expr: sum(rate(http_requests_total{code=~"5.."}[5m]))
      - alert: WebDown
        expr: up{job="web"} == 0
        for: 5m
        keep_firing_for: 10m
        labels: {severity: page}
        annotations: {summary: "{{ $labels.instance }} is down"}
---
groups:
  - name: second
    rules: [{alert: Second, expr: vector(1)}]
`

func TestAlertingRulesAreReadFromEveryDocument(t *testing.T) {
	rules, problems := ReadRules("r.yaml", []byte(ruleFile))
	want := []AlertRule{
		{Name: "WebDown", Group: "web", Expr: `up{job="web"} == 0`, For: 5 * time.Minute, KeepFiring: 10 * time.Minute, Interval: 30 * time.Second,
			Labels: map[string]string{"team": "web", "severity": "page"}, Annotations: map[string]string{"summary": "{{ $labels.instance }} is down"},
			File: "r.yaml", Line: 8, Column: 9},
		{Name: "Second", Group: "second", Expr: "vector(1)", File: "r.yaml", Line: 17, Column: 14},
	}
	if diff := cmp.Diff(want, rules); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(problems) != 1 || problems[0].Rule != "second-document" || problems[0].Line != 15 {
		t.Errorf("problems %v", problems)
	}
}

func TestInvalidRulesAreLeftOutAtTheirPlace(t *testing.T) {
	rules, problems := ReadRules("r.yaml", []byte(`groups:
  - rules:
      - {alert: A, expr: 'sum(x'}
      - {alert: B, expr: 'x[$__range]'}
      - {alert: C, expr: x, for: soon}
      - {alert: D}
      - {expr: x}
      - {alert: E, expr: x}
  - rules: {}
`))
	if len(rules) != 1 || rules[0].Name != "E" {
		t.Errorf("rules %v", rules)
	}
	var got []string
	for _, p := range problems {
		where, _, _ := strings.Cut(p.String(), ";")
		got = append(got, where)
	}
	want := []string{
		"r.yaml:3:26: groups[0].rules[0].expr: the expression is not PromQL: 1:6: parse error: unclosed left parenthesis",
		"r.yaml:4:26: groups[0].rules[1].expr: the expression is not PromQL: $__range is not filled in",
		"r.yaml:5:34: groups[0].rules[2].for: this is no length of time such as 5m",
		"r.yaml:6:10: groups[0].rules[3].expr: the rule has no expression",
		"r.yaml:7:10: groups[0].rules[4].alert: the rule has no name",
		"r.yaml:9:12: groups[1].rules: rules is a list",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPublicRuleFilesAreRead(t *testing.T) {
	n := 0
	for _, f := range fixtures(t) {
		if !strings.Contains(f.Name, "/_gen/") {
			continue
		}
		rules, problems := ReadRules(f.Name, f.Data)
		n += len(rules)
		for _, p := range problems {
			if p.Rule != "second-document" && !strings.Contains(f.Name, "victoria") {
				t.Error(p)
			}
		}
	}
	if n < 40 {
		t.Errorf("%d rules", n)
	}
	t.Logf("%d alerting rules", n)
}

func TestWhatWeWriteAsRulesIsRead(t *testing.T) {
	objectives := publicObjectives(t)
	data, _ := WriteRules(objectives)
	rules, problems := ReadRules("r.yaml", data)
	if len(problems) > 0 || len(rules) < len(objectives) {
		t.Errorf("%d rules of %d objectives, %v", len(rules), len(objectives), problems)
	}
}
