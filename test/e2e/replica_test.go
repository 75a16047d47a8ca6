package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
)

func TestAServerThatDoesNotLeadShowsTheLeadersFiguresAndTakesOver(t *testing.T) {
	t.Parallel()
	ledger := dbtest.Postgres(t)
	_, url := prometheus(t, `global: {scrape_interval: 1s}
scrape_configs:
- {job_name: prom, static_configs: [{targets: ["SELF"]}]}
`)
	dir := orgDir(t, fmt.Sprintf("metrics: {url: %q}\n", url),
		availability("prometheus-answers", `prometheus_http_requests_total{code=~"5.."}`, `prometheus_http_requests_total`))
	led := t.TempDir()
	a := serve(t, "--data", led, "--org", dir, "--ledger", ledger)
	o := a.counted(t, "prometheus-answers", 1, 90*time.Second)
	b := serve(t, "--data", t.TempDir(), "--org", dir, "--ledger", ledger)
	seen := b.counted(t, "prometheus-answers", 1, 75*time.Second) // the leader's figures are stored with its next round
	if seen.total() > o.total()+10_000 {
		t.Errorf("the second server shows %v events, the leader %v", seen.total(), o.total())
	}
	for _, path := range []string{"/", "/objectives/prometheus-answers", "/system"} {
		body, _ := b.page(t, path)
		for _, want := range []string{"This server stands by", led} {
			if !strings.Contains(body, want) {
				t.Errorf("%s of the second server does not say %q", path, want)
			}
		}
		if body, _ := a.page(t, path); strings.Contains(body, "stands by") {
			t.Errorf("%s of the leader says that it stands by", path)
		}
	}
	a.kill()
	eventually(t, 120*time.Second, func() string {
		if body, _ := b.page(t, "/"); strings.Contains(body, "evaluates") {
			return "the second server still stands by"
		}
		return ""
	})
	if now := b.counted(t, "prometheus-answers", 1, time.Second); now.total() < seen.total() {
		t.Errorf("after taking over %v events, before %v", now.total(), seen.total())
	}
}

func TestASecondServerThatCouldNotSeeTheSamplesIsRefused(t *testing.T) {
	t.Parallel()
	at := []string{"--listen", "127.0.0.1:0", "--otlp-http", "off", "--otlp-grpc", "off"}
	t.Run("on the same data directory", func(t *testing.T) {
		t.Parallel()
		data := t.TempDir()
		s := serve(t, "--data", data)
		refuses(t, append([]string{"serve", "--data", data}, at...), data, "in use by another server", "postgres://")
		if status, _, _, err := fetch(s.web + "/"); err != nil || status != http.StatusOK {
			t.Errorf("the first one answers %d %v afterwards", status, err)
		}
	})
	t.Run("with an embedded metric store", func(t *testing.T) {
		t.Parallel()
		ledger, data := dbtest.Postgres(t), t.TempDir()
		s := serve(t, "--data", data, "--ledger", ledger)
		before := s.facts(t, "catalog.applied")
		for _, metrics := range []string{"", "metrics: none\n"} {
			args := append([]string{"serve", "--data", t.TempDir(), "--org", orgDir(t, metrics), "--ledger", ledger}, at...)
			refuses(t, args, data, "embedded metric store", "metrics.url")
		}
		if after := s.facts(t, "catalog.applied"); len(after) != len(before) {
			t.Errorf("those who were refused had %d versions recorded", len(after)-len(before))
		}
	})
}
