package assess_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/assess"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// program finds a program of the system, or skips the test.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is required where CI=true", name)
		}
		t.Skipf("no %s: install the Debian package of this name", name)
	}
	return path
}

// start runs a program until the test ends.
func start(t *testing.T, path string, args ...string) {
	t.Helper()
	cmd := exec.Command(path, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

const someRules = `groups:
- name: node
  rules:
  - {alert: NodeDown, expr: 'up{job="node"} == 0', labels: {severity: page}, annotations: {runbook_url: https://runbooks.example.org/node}}
  - {alert: Watchdog, expr: vector(1)}
  - {alert: QueueLong, expr: 'queue_length_of_another_time > 10'}
  - {alert: AlwaysThere, expr: 'up{job="node"} == 1'}
`

func TestARealPrometheusWithANodeExporterIsAssessed(t *testing.T) {
	server, exporter := program(t, "prometheus"), program(t, "prometheus-node-exporter")
	node, addr, dir := free(t), free(t), t.TempDir()
	config := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\nscrape_configs:\n- job_name: node\n  static_configs: [{targets: [%q]}]\n- job_name: prometheus\n  static_configs: [{targets: [%q]}]\n", node, addr)
	for name, text := range map[string]string{"prometheus.yml": config, "rules.yml": someRules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start(t, exporter, "--web.listen-address="+node)
	start(t, server, "--config.file="+filepath.Join(dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr, "--log.level=error")
	r, err := metric.NewRemote(metric.RemoteOptions{URL: "http://" + addr})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	scraped := func() bool {
		list, err := r.LabelValues(ctx, "alertname", []string{`ALERTS{alertname="AlwaysThere"}`}, time.Now().Add(-time.Hour), time.Now().Add(time.Minute))
		return err == nil && len(list) > 0
	}
	for limit := time.Now().Add(time.Minute); !scraped(); time.Sleep(200 * time.Millisecond) { // another process: nothing here to wait on
		if time.Now().After(limit) {
			t.Fatal("prometheus did not evaluate its rules within a minute")
		}
	}
	before := ask(t, "http://"+addr+"/api/v1/status/tsdb")
	a, err := assess.Run(ctx, assess.Options{Source: r, Address: "http://" + addr, Rules: r.Rules, Now: time.Now().Add(2 * time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	if before != http.StatusOK {
		t.Fatalf("prometheus answers %d", before)
	}
	var jobs []string
	for _, s := range a.Services {
		jobs = append(jobs, s.Name)
	}
	if want := []string{"node", "prometheus"}; !slices.Equal(jobs, want) {
		t.Errorf("services %v, want %v; left out %v", jobs, want, a.LeftOut)
	}
	verdicts := map[string]string{}
	for i := range a.Alerts {
		verdicts[a.Alerts[i].Name] = a.Alerts[i].Verdict()
	}
	if verdicts["Watchdog"] != "heartbeat" || verdicts["NodeDown"] != "never fired" || verdicts["QueueLong"] != "cannot fire: nothing matches queue_length_of_another_time" {
		t.Errorf("alerts are judged %v", verdicts)
	}
	to := filepath.Join(t.TempDir(), "org")
	if err := a.Write(to); err != nil {
		t.Fatal(err)
	}
	lints(t, to, 2, 2)
	if err := a.Write(to); err == nil {
		t.Error("a directory that is not empty was written over")
	}
	t.Log(a.Summary(), a.LeftOut)
}

func ask(t *testing.T, url string) int {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}
