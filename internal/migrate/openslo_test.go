package migrate

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

var decimals = cmp.Comparer(func(a, b slo.Decimal) bool { return a.Cmp(b) == 0 && a.IsSet() == b.IsSet() })

const checkout = `apiVersion: openslo/v1
kind: SLO
metadata:
  name: checkout-availability
  displayName: Checkout availability
  labels: {team: [shop, web]}
  annotations:
    evenkeel.dev/tier: "1"
    evenkeel.dev/no-data: hold
    evenkeel.dev/policy: 0.5 notify, 1 propose-freeze
    wiki: https://wiki.example/checkout
spec:
  service: checkout
  indicatorRef: checkout-errors
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: Good, target: 0.999}]
  alertPolicies: [{alertPolicyRef: fast}]
`

const parts = `- apiVersion: openslo/v1
  kind: SLI
  metadata: {name: checkout-errors}
  spec:
    ratioMetric:
      counter: true
      bad: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(http_requests_total{code=~"5.."}[{{.window}}]))'}}}
      total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(http_requests_total[{{.window}}]))'}}}
- apiVersion: openslo/v1
  kind: AlertPolicy
  metadata: {name: fast}
  spec:
    alertWhenBreaching: true
    conditions: [{conditionRef: fast-burn}]
    notificationTargets: [{kind: AlertNotificationTarget, metadata: {name: rota}, spec: {target: on-call}}]
- apiVersion: openslo/v1
  kind: AlertCondition
  metadata: {name: fast-burn}
  spec: {severity: page, condition: {kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}}
`

func TestReferencesAreResolvedOverTheFilesOfOneImport(t *testing.T) {
	r := Read([]File{{"slo.yaml", []byte(checkout)}, {"parts.yaml", []byte(parts)}}, Options{Strict: true})
	if len(r.Problems) > 0 || len(r.Notes) > 0 {
		t.Fatalf("problems %v, notes %v", r.Problems, r.Notes)
	}
	want := slo.Objective{
		Name: "checkout-availability", Title: "Checkout availability", Service: "checkout", Tier: 1,
		Labels: map[string]string{"team": "shop,web"},
		Annotations: map[string]string{"wiki": "https://wiki.example/checkout", "evenkeel.dev/objective-title": "Good",
			"evenkeel.dev/indicator-name": "checkout-errors"},
		File: "slo.yaml", Line: 4,
		Indicator: slo.Indicator{Kind: slo.BadTotal,
			Bad: slo.Query{Text: `sum(rate(http_requests_total{code=~"5.."}[{{.window}}]))`,
				Terms: []slo.Term{{Selector: `http_requests_total{code=~"5.."}`, Factor: 1}}},
			Total: slo.Query{Text: `sum(rate(http_requests_total[{{.window}}]))`,
				Terms: []slo.Term{{Selector: `http_requests_total`, Factor: 1}}}},
		Target: slo.MustDecimal("0.999"), Window: slo.Window{Rolling: 28 * day}, Method: slo.Occurrences, NoData: slo.HoldData,
		Pairs:  []slo.Pair{{Name: "fast-burn", Severity: "page", Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute}},
		Policy: []slo.Threshold{{Consumed: 0.5, Action: "notify"}, {Consumed: 1, Action: "propose-freeze"}},
	}
	if diff := cmp.Diff([]slo.Objective{want}, r.Objectives, decimals); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestADanglingReferenceIsRefusedAtItsPlace(t *testing.T) {
	_, _, problems := ReadSLOs("slo.yaml", []byte(checkout), Options{})
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		`slo.yaml:14:17: spec.indicatorRef: no SLI is named "checkout-errors"; define it in one of the files of this import, or mend the name`,
		`slo.yaml:18:36: spec.alertPolicies[0].alertPolicyRef: no AlertPolicy is named "fast"; define it in one of the files of this import, or mend the name`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTargetsAreReadAsDecimals(t *testing.T) {
	for text, want := range map[string]string{
		"target: 0.999": "0.999", "target: .95": "0.95", "targetPercent: 99.9": "0.999", "target: '0.9990'": "0.999",
		"targetPercent: 99.99999999": "0.9999999999", "target: 0.7": "0.7", "target: 0": "0",
	} {
		got, _, problems := ReadSLOs("a.yaml", []byte(strings.Replace(single, "target: 0.999", text, 1)), Options{})
		if len(got) != 1 || got[0].Target.String() != want {
			t.Errorf("%s: %v %v", text, got, problems)
		}
	}
	for _, text := range []string{"target: 1", "target: 99.9", "target: -0.1", "target: 1e-3", "target: .nan", "target: 0.9999999999999",
		"targetPercent: 100", "targetPercent: 101", "target: {}", "target: 0.9\n      targetPercent: 90", "op: gt"} {
		got, _, problems := ReadSLOs("a.yaml", []byte(strings.Replace(single, "target: 0.999", text, 1)), Options{})
		if len(got) != 0 || len(problems) != 1 || problems[0].Rule != "target" || problems[0].Severity != kit.SeverityError {
			t.Errorf("%s: %v %v", text, got, problems)
		}
	}
}

const single = `apiVersion: openslo/v1
kind: SLO
metadata: {name: a}
spec:
  service: web
  indicator:
    metadata: {name: b}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {spec: {query: 'sum(rate(a[5m]))'}}}
        total: {metricSource: {spec: {query: 'sum(rate(b[5m]))'}}}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives:
    - displayName: x
      target: 0.999
`
