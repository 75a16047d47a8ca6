package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// catalog is one service with its owner.
const catalog = `apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: crew}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: till, annotations: {evenkeel.dev/tier: "1"}}
spec: {type: service, lifecycle: production, owner: crew}
`

// availability is an objective of the service till since an hour ago: 99 % of the events of total are not among bad.
func availability(name, bad, total string) string {
	return fmt.Sprintf(`apiVersion: openslo/v1
kind: SLO
metadata: {name: %[1]s, annotations: {evenkeel.dev/start: "%[4]s"}}
spec:
  service: till
  indicator:
    metadata: {name: %[1]s-ratio}
    spec:
      ratioMetric:
        counter: true
        bad: {metricSource: {type: Prometheus, spec: {query: '%[2]s'}}}
        total: {metricSource: {type: Prometheus, spec: {query: '%[3]s'}}}
  budgetingMethod: Occurrences
  timeWindow: [{duration: 28d, isRolling: true}]
  objectives: [{target: 0.99}]
`, name, bad, total, time.Now().Add(-time.Hour).UTC().Format(time.RFC3339))
}

// orgDir is a small org directory: settings, one service, and the given objectives.
func orgDir(t *testing.T, settings string, objectives ...string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "evenkeel.yaml", "apiVersion: evenkeel.dev/v1\nkind: Organisation\norganisation: Corner Till\nzone: UTC\n"+settings)
	write(t, dir, "catalog.yaml", catalog)
	write(t, dir, "slos.yaml", strings.Join(objectives, "---\n"))
	return dir
}

func TestABadEditIsRefusedAnnouncedOnEveryPageAndMended(t *testing.T) {
	t.Parallel()
	good := availability("till-availability", `till_requests_total{code="500"}`, `till_requests_total`)
	dir := orgDir(t, "", good)
	s := serve(t, "--data", t.TempDir(), "--org", dir)
	home, _ := s.page(t, "/")
	if strings.Contains(home, "organisation directory has") {
		t.Fatalf("a good directory is announced as bad:\n%s", banner(home))
	}
	write(t, dir, "slos.yaml", strings.Replace(good, "target: 0.99", "target: 99", 1))
	pages := []string{"/"}
	for _, m := range sectionLink.FindAllStringSubmatch(home, -1) {
		if m[1] != "/" {
			pages = append(pages, m[1])
		}
	}
	for _, path := range append(pages, "/objectives/till-availability") {
		eventually(t, 20*time.Second, func() string {
			body, _ := s.page(t, path)
			if b := banner(body); !strings.Contains(b, "slos.yaml") && !strings.Contains(b, "not in force") {
				return path + " announces nothing: " + b
			}
			return ""
		})
	}
	if n := len(s.facts(t, "catalog.refused")); n != 1 {
		t.Errorf("%d facts catalog.refused, want 1", n)
	}
	write(t, dir, "slos.yaml", strings.Replace(good, "target: 0.99", "target: 0.98", 1))
	for _, path := range pages {
		eventually(t, 20*time.Second, func() string {
			body, _ := s.page(t, path)
			if b := banner(body); b != "" {
				return path + " still announces " + b
			}
			return ""
		})
	}
	if n := len(s.facts(t, "catalog.applied")); n != 2 {
		t.Errorf("%d facts catalog.applied, want 2", n)
	}
	if body, _ := s.page(t, "/objectives/till-availability"); !strings.Contains(body, "98") {
		t.Errorf("the mended target is not shown")
	}
}

// banner is a page's announcement, "" without one.
func banner(page string) string {
	_, after, found := strings.Cut(page, `<div class="banner`)
	if !found {
		return ""
	}
	text, _, _ := strings.Cut(after, "</div>")
	return text
}
