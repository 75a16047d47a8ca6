package e2e

import (
	"fmt"
	"html"
	"os/exec"
	"strings"
	"testing"
	"time"
)

const getPrometheus = "install prometheus (on Debian: apt-get install prometheus)"

// prometheus starts a real Prometheus with a configuration and waits until it answers.
func prometheus(t *testing.T, config string) (p *process, url string) {
	t.Helper()
	path := tool(t, getPrometheus, "prometheus")
	dir, addr := t.TempDir(), port(t)
	write(t, dir, "prometheus.yml", strings.ReplaceAll(config, "SELF", addr))
	p = start(t, path, "--config.file", dir+"/prometheus.yml", "--storage.tsdb.path", dir+"/tsdb", "--web.listen-address", addr, "--log.level", "warn")
	url = "http://" + addr
	eventually(t, starting, func() string {
		status, body, _, err := fetch(url + "/-/ready")
		if status != 200 {
			return fmt.Sprintf("%d %s %v; prometheus wrote %s", status, body, err, p.out.String())
		}
		return ""
	})
	return p, url
}

func TestARealPrometheusWritesToUsAndPromtoolReadsFromUs(t *testing.T) {
	t.Parallel()
	promtool := tool(t, getPrometheus, "promtool")
	tool(t, getPrometheus, "prometheus")
	node := tool(t, "install prometheus-node-exporter (on Debian: apt-get install prometheus-node-exporter)", "prometheus-node-exporter", "node_exporter")
	s := serve(t, "--data", t.TempDir())
	addr := port(t)
	start(t, node, "--web.listen-address", addr)
	prometheus(t, fmt.Sprintf(`global: {scrape_interval: 1s}
scrape_configs:
- {job_name: node, static_configs: [{targets: ["%s"]}]}
remote_write:
- {url: "%s/prometheus/api/v1/write"}
`, addr, s.web))
	for query, want := range map[string]string{`up{job="node"}`: "=> 1 @", `node_memory_MemTotal_bytes / 2`: addr, `count(node_cpu_seconds_total)`: "=> "} {
		eventually(t, 45*time.Second, func() string {
			out, err := exec.CommandContext(t.Context(), promtool, "query", "instant", s.web+"/prometheus", query).CombinedOutput()
			if err != nil || !strings.Contains(string(out), want) {
				return fmt.Sprintf("promtool query instant %s: %v: %q, want %q in it", query, err, out, want)
			}
			return ""
		})
	}
	series, err := exec.CommandContext(t.Context(), promtool, "query", "series", "--match", "node_load1", s.web+"/prometheus").CombinedOutput()
	if err != nil || !strings.Contains(string(series), `job="node"`) {
		t.Errorf("promtool query series: %v: %s", err, series)
	}
}

func TestAPrometheusAsTheOnlyStoreIsEvaluatedAndItsLossIsAFact(t *testing.T) {
	t.Parallel()
	p, url := prometheus(t, `global: {scrape_interval: 1s}
scrape_configs:
- {job_name: prom, static_configs: [{targets: ["SELF"]}]}
`)
	dir := orgDir(t, fmt.Sprintf("metrics: {url: %q}\n", url),
		availability("prometheus-answers", `prometheus_http_requests_total{code=~"5.."}`, `prometheus_http_requests_total`))
	s := serve(t, "--data", t.TempDir(), "--org", dir)
	o := s.counted(t, "prometheus-answers", 1, 90*time.Second)
	if b := o.Groups[0].Budget; b.SLI == nil || *b.SLI != 1 || b.Remaining != 1 {
		t.Errorf("a Prometheus without failures stands at %+v", b)
	}
	p.kill()
	eventually(t, 90*time.Second, func() string {
		for _, row := range s.facts(t, "source.gap") {
			if strings.Contains(row, "source:") {
				return ""
			}
		}
		return "no source.gap of the source in the ledger"
	})
	for path, words := range map[string][]string{
		"/system":                        {"silent", "1 objective has no data until it answers"},
		"/ledger?kind=source.gap":        {"connection refused"},
		"/":                              {"Metric source metrics has not answered for"},
		"/objectives/prometheus-answers": {"Metric source metrics has not answered since", "connection refused", "left out of the budget"},
	} {
		body, _ := s.page(t, path)
		for _, word := range words {
			if !strings.Contains(strings.ReplaceAll(html.UnescapeString(body), "\u00a0", " "), word) {
				t.Errorf("%s does not say %q after the Prometheus is gone", path, word)
			}
		}
	}
	if now, err := s.objectives(); err != nil || now["prometheus-answers"].total() < o.total() {
		t.Errorf("the budget is gone with its source: %+v %v", now, err)
	}
}
