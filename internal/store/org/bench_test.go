package org

import (
	"fmt"
	"strings"
	"testing"
)

// estateOf makes a directory of n services with their objectives, databases and teams.
func estateOf(n int) map[string]string {
	files := map[string]string{"evenkeel.yaml": "organisation: Acme\nzone: Europe/Berlin\n"}
	for team := range n / 20 {
		files[fmt.Sprintf("teams/team-%d.yaml", team)] = fmt.Sprintf("apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: team-%d}\nspec: {type: team, children: []}\n", team)
	}
	for i := range n {
		var b strings.Builder
		fmt.Fprintf(&b, `apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: service-%[1]d
  title: Service %[1]d
  description: Does what service %[1]d has to do, and does it well.
  labels:
    evenkeel.dev/tier: "%[2]d"
  annotations:
    github.com/project-slug: acme/service-%[1]d
    evenkeel.dev/on-call: group:team-%[3]d
    evenkeel.dev/soft-dependencies: service-%[4]d=0.05
  tags: [go, http]
spec:
  type: service
  lifecycle: production
  owner: group:team-%[3]d
  dependsOn: [component:service-%[5]d, resource:db-%[1]d]
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: db-%[1]d}
spec: {type: database, owner: group:team-%[3]d}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: service-%[1]d-availability}
spec:
  service: service-%[1]d
  budgetingMethod: Occurrences
  timeWindow: [{duration: 28d, isRolling: true}]
  indicator:
    metadata: {name: service-%[1]d}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: Prometheus, spec: {query: 'sum(http_requests_total{job="service-%[1]d",code=~"5.."})'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'sum(http_requests_total{job="service-%[1]d"})'}}}
  objectives: [{displayName: Good, target: 0.99}]
`, i, i%4, i%(n/20), i*7%n, i/2)
		files[fmt.Sprintf("services/service-%d.yaml", i)] = b.String()
	}
	return files
}

// BenchmarkLoad reads a directory of 1,000 services, 1,000 databases and 1,000 objectives, with all lint rules.
func BenchmarkLoad(b *testing.B) {
	dir := write(b, estateOf(1000))
	b.ReportAllocs()
	for b.Loop() {
		d, problems := Load(dir, Options{})
		if d.Catalog.Len() != 2050 || len(d.Objectives) != 1000 || Failed(problems) {
			b.Fatalf("%d entities, %d objectives, %.2000s", d.Catalog.Len(), len(d.Objectives), lines(problems))
		}
	}
}
