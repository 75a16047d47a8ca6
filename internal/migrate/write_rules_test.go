package migrate

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"pgregory.net/rapid"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// load reads rules as Prometheus does and refuses rules that say the same twice, as promtool does.
func load(t interface{ Fatalf(string, ...any) }, data []byte) *rulefmt.RuleGroups {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	groups, errs := rulefmt.Parse(data, false, model.LegacyValidation, parser.NewParser(parser.Options{}), quiet)
	if len(errs) > 0 {
		t.Fatalf("%v\n%s", errs, data)
	}
	seen := map[string]bool{}
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			key := r.Alert + r.Record + fmt.Sprint(r.Labels)
			if seen[key] {
				t.Fatalf("the rule %s stands twice", key)
			}
			seen[key] = true
		}
	}
	return groups
}

func publicObjectives(t *testing.T) []slo.Objective {
	var out []slo.Objective
	taken := map[string]bool{}
	for _, f := range fixtures(t) {
		for _, o := range Read([]File{f}, Options{Partial: true}).Objectives {
			if !taken[o.Name] {
				taken[o.Name] = true
				out = append(out, o)
			}
		}
	}
	return out
}

func TestRulesOfAllPublicObjectivesLoadAsOneFile(t *testing.T) {
	objectives := publicObjectives(t)
	data, problems := WriteRules(objectives)
	groups := load(t, data)
	for _, p := range problems {
		if !strings.Contains(p.Msg, "source is") && !strings.Contains(p.Msg, "time slices") && !strings.Contains(p.Msg, "not PromQL") && p.Rule != "calendar-rules" {
			t.Error(p)
		}
	}
	for _, noise := range []string{"99999999", "00000000", "\n---"} {
		if strings.Contains(string(data), noise) {
			t.Errorf("the rules hold %q", noise)
		}
	}
	t.Logf("%d objectives, %d left out, %d groups, %d bytes", len(objectives), len(problems), len(groups.Groups), len(data))
	promtool(t, "check", "rules", write(t, "rules.yaml", data))
}

func write(t *testing.T, name string, data []byte) string {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("no promtool on the PATH; it comes with Prometheus")
	}
	if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
		t.Fatalf("promtool %v: %v\n%s", args, err, out)
	}
}

func TestRulesOfAnyObjectiveLoad(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data, _ := WriteRules(rapid.SliceOfN(rapid.Custom(drawObjective), 1, 4).Draw(t, "objectives"))
		load(t, data)
	})
}

func TestRulesOfOneObjective(t *testing.T) {
	objectives, _, problems := ReadSLOs("a.yaml", []byte(`
version: prometheus/v1
service: web
labels: {team: shop, app.kubernetes.io/part-of: store}
slos:
  - name: availability
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(http_requests_total{code=~"5.."}[{{.window}}]))
        total_query: sum(rate(http_requests_total[{{.window}}]))
    alerting:
      name: WebErrors
      annotations: {summary: "{{ $value }} of requests fail", broken: "{{ nothing"}
      page_alert: {labels: {severity: critical}}
`), Options{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	data, _ := WriteRules(objectives)
	golden := filepath.Join("testdata", "rules.yaml")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	load(t, data)
	promtool(t, "test", "rules", filepath.Join("testdata", "rules_test.yaml"))
}

func TestLengthsAreNamedAsPrometheusDoes(t *testing.T) {
	for d, want := range map[time.Duration]string{5 * time.Minute: "5m", 28 * day: "4w", 30 * day: "30d", 90 * time.Minute: "1h30m", 365 * day: "1y", 7 * day: "1w", day: "1d"} {
		if got := promDuration(d); got != want || got != model.Duration(d).String() {
			t.Errorf("%v is %s", d, got)
		}
	}
}

func TestBoundsMatchHoweverTheyArePrinted(t *testing.T) {
	for x, want := range map[float64]string{0.4: `le="0.4"`, 5: `le=~"5|5\\.0"`, 1e-7: `le=~"0\\.0000001|1e-07"`} {
		if got := boundMatcher(x); got != want {
			t.Errorf("%v: %s", x, got)
		}
	}
}
