package migrate

import (
	"slices"
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/kit"
)

func TestLintSaysWhatIsDoubtful(t *testing.T) {
	for rule, change := range map[string][2]string{
		"no-service":        {"service: web", "description: x"},
		"short-window":      {"duration: 28d", "duration: 1m"},
		"same-query":        {"sum(rate(a[5m]))", "sum(rate(b[1h]))"},
		"bucket-without-le": {"sum(rate(b[5m]))", "sum(rate(b_bucket[5m]))"},
		"fleeting-group":    {"metadata: {name: a}", "metadata: {name: a, annotations: {evenkeel.dev/group-by: 'cluster,pod'}}"},
		"slo-alerts": {"objectives:", "alertPolicies: [{kind: AlertPolicy, metadata: {name: p}, spec: {alertWhenBreaching: true, conditions: [{kind: AlertCondition, " +
			"metadata: {name: c}, spec: {severity: page, condition: {kind: burnrate, op: gt, threshold: 1000, lookbackWindow: 1h, alertAfter: 5m}}}]}}]\n  objectives:"},
	} {
		got := lintOf(t, strings.Replace(single, change[0], change[1], 1))
		if !slices.ContainsFunc(got, func(p kit.Problem) bool { return p.Rule == rule && p.File == "a.yaml" && p.Line == 3 }) {
			t.Errorf("%s: %v", rule, got)
		}
	}
	if got := lintOf(t, single); len(got) > 0 {
		t.Errorf("nothing to say, and yet: %v", got)
	}
}

func lintOf(t *testing.T, file string) []kit.Problem {
	t.Helper()
	objectives, _, problems := ReadSLOs("a.yaml", []byte(file), Options{})
	if len(objectives) != 1 {
		t.Fatalf("%v\n%s", problems, file)
	}
	var out []kit.Problem
	for _, p := range Lint(objectives) {
		if p.Severity != kit.SeverityNote {
			out = append(out, p)
		}
	}
	return out
}

func TestLintFindsNamesUsedTwice(t *testing.T) {
	a, _, _ := ReadSLOs("a.yaml", []byte(single), Options{})
	b, _, _ := ReadSLOs("b.yaml", []byte(single), Options{})
	got := Lint(append(a, b...))
	if len(got) != 1 || got[0].String() != "b.yaml:3:1: objective a: it is defined twice, first at a.yaml:3; rename one of them or remove it" {
		t.Error(got)
	}
}

func TestLintFindsMillisecondsTakenForSeconds(t *testing.T) {
	pyrra := `apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: a}
spec:
  target: "99"
  window: 4w
  indicator:
    latency:
      success: {metric: 'http_seconds_bucket{le="250"}'}
      total: {metric: http_seconds_count}
`
	if got := lintOf(t, pyrra); len(got) != 1 || got[0].Rule != "threshold-unit" || got[0].Remedy != "if milliseconds were meant, write 0.25" {
		t.Error(got)
	}
}

func TestEveryPublicObjectivePassesTheEnginesChecks(t *testing.T) {
	for _, f := range fixtures(t) {
		for _, p := range Lint(Read([]File{f}, Options{Partial: true}).Objectives) {
			if p.Severity == kit.SeverityError {
				t.Errorf("%v", p)
			}
		}
	}
}
