package metric

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/config"

	"evenkeel.dev/evenkeel/internal/kit"
)

// serveStore mounts a store as the product does.
func serveStore(t testing.TB, s interface{ Handler() http.Handler }) string {
	t.Helper()
	srv := httptest.NewServer(http.StripPrefix("/prometheus", s.Handler()))
	t.Cleanup(srv.Close)
	return srv.URL + "/prometheus"
}

func needTool(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is required where CI=true", name)
		}
		t.Skipf("no %s: install the Debian package prometheus", name)
	}
	return path
}

// startPrometheus runs a real server on a free loopback port with a config, and waits until it is ready.
func startPrometheus(t testing.TB, config string, flags ...string) string {
	t.Helper()
	bin := needTool(t, "prometheus")
	dir := t.TempDir()
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, append([]string{"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"),
		"--web.listen-address=" + addr, "--log.level=warn"}, flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("prometheus said:\n%s", text)
		}
	})
	base := "http://" + addr
	eventually(t, "prometheus is ready", func() bool {
		res, err := http.Get(base + "/-/ready")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == 200
	})
	return base
}

// eventually polls what another process does; nothing in this process can be waited on instead.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute in vain: %s", what)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func TestARealPrometheusWritesToUsAndIsRead(t *testing.T) {
	s := openStore(t)
	ours := serveStore(t, s)
	theirs := startPrometheus(t, fmt.Sprintf(`
global: {scrape_interval: 1s, external_labels: {prometheus: other}}
scrape_configs: [{job_name: down, static_configs: [{targets: [127.0.0.1:1]}]}]
remote_write: [{url: %s/api/v1/write, queue_config: {batch_send_deadline: 1s}, metadata_config: {send_interval: 1s}}]
`, ours), "--web.enable-lifecycle")
	ctx := context.Background()
	eventually(t, "remote write arrives", func() bool {
		v, _, err := s.Query(ctx, `count(up{prometheus="other"})`, time.Now())
		return err == nil && v.String() != ""
	})
	eventually(t, "staleness and failed scrapes are seen", func() bool {
		return len(read(t, s, `up{job="down"}`, time.Now().Add(-time.Minute), time.Now())) == 1
	})

	r, err := NewRemote(RemoteOptions{URL: theirs})
	if err != nil {
		t.Fatal(err)
	}
	if srv, err := r.Ping(ctx); err != nil || srv.Version == "" {
		t.Errorf("ping: %v %v", srv, err)
	}
	var theirPoints, ourPoints []Point
	from, to := time.Now().Add(-time.Hour), time.Time{}
	eventually(t, "some samples are there", func() bool {
		to = time.Now()
		for _, p := range read(t, r, `up{job="down"}`, from, to) {
			theirPoints = p
		}
		return len(theirPoints) >= 4
	})
	eventually(t, "the same samples arrive here", func() bool {
		ourPoints = nil
		for _, p := range read(t, s, `up{job="down"}`, from, to) {
			ourPoints = p
		}
		return len(ourPoints) >= len(theirPoints)
	})
	if d := cmp.Diff(theirPoints, ourPoints); d != "" || len(theirPoints) < 2 {
		t.Errorf("raw samples there (-) and here (+), %d of them:\n%s", len(theirPoints), d)
	}
}

func TestRemoteReadsTheSameAsTheStoreItself(t *testing.T) {
	s := openStore(t)
	r, err := NewRemote(RemoteOptions{URL: serveStore(t, s)})
	if err != nil {
		t.Fatal(err)
	}
	var all []kit.Sample
	for i := range 3 * 60 * 4 { // three hours, so that several stretches are read
		for _, pod := range []string{"p1", "p2"} {
			all = append(all, sample("http_requests_total{code=500,pod="+pod+"}", time.Duration(i)*15*time.Second-3*time.Hour, float64(i)))
		}
	}
	appendAll(t, s, all...)
	from, to := base.Add(-3*time.Hour), base
	if d := cmp.Diff(read(t, s, `http_requests_total{code="500"}`, from, to), read(t, r, `http_requests_total{code="500"}`, from, to)); d != "" {
		t.Error(d)
	}
	ctx := context.Background()
	for _, src := range []Source{s, r} {
		ls, err := src.Series(ctx, []string{"http_requests_total"}, from, to)
		if err != nil || len(ls) != 2 {
			t.Errorf("%T series: %v %v", src, ls, err)
		}
		names, err := src.LabelNames(ctx, nil, from, to)
		if d := cmp.Diff([]string{"__name__", "code", "pod"}, names); d != "" || err != nil {
			t.Errorf("%T names: %v %s", src, err, d)
		}
		values, err := src.LabelValues(ctx, "pod", []string{`http_requests_total`}, from, to)
		if d := cmp.Diff([]string{"p1", "p2"}, values); d != "" || err != nil {
			t.Errorf("%T values: %v %s", src, err, d)
		}
		v, _, err := src.Query(ctx, `sum(http_requests_total)`, base.Add(-time.Hour))
		if err != nil || !strings.Contains(v.String(), "960") {
			t.Errorf("%T query: %v %v", src, v, err)
		}
		m, err := src.QueryRange(ctx, `sum(http_requests_total)`, from, to, time.Minute)
		if err != nil || len(m) != 1 || len(m[0].Floats) < 180 {
			t.Errorf("%T range: %v %v", src, m, err)
		}
		if _, _, err := src.Query(ctx, `sum(`, base); kit.CodeOf(err) != kit.Invalid {
			t.Errorf("%T wrong query: %v", src, err)
		}
	}
}

func TestPromtoolQueriesUs(t *testing.T) {
	promtool := needTool(t, "promtool")
	s := openStore(t)
	url := serveStore(t, s)
	appendAll(t, s, sample("a{x=1}", 0, 42))
	at, until := fmt.Sprint(base.Add(time.Minute).Unix()), fmt.Sprint(base.Add(2*time.Minute).Unix())
	for _, args := range [][]string{
		{"query", "instant", "--time=" + at, url, "a"},
		{"query", "range", "--start=" + at, "--end=" + until, url, "a"},
		{"query", "series", "--match=a", "--start=" + fmt.Sprint(base.Add(-time.Hour).Unix()), "--end=" + at, url},
		{"query", "labels", url, "x"},
	} {
		out, err := exec.Command(promtool, args...).CombinedOutput()
		if err != nil || len(out) == 0 {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestGrafanaRequests replays what Grafana's Prometheus data source asks: health check, builder, dashboards.
func TestGrafanaRequests(t *testing.T) {
	s := openStore(t)
	api := serveStore(t, s) + "/api/v1"
	appendAll(t, s, sample("http_requests_total{code=200,job=shop}", 0, 1), sample("http_requests_total{code=200,job=shop}", time.Minute, 61))
	s.known.set("http_requests_total", Metadata{Type: "counter", Help: "Requests."})
	start, end := fmt.Sprint(base.Add(-5*time.Minute).Unix()), fmt.Sprint(base.Add(5*time.Minute).Unix())
	form := func(kv ...string) url.Values {
		v := url.Values{}
		for i := 0; i < len(kv); i += 2 {
			v.Add(kv[i], kv[i+1])
		}
		return v
	}
	window := func(kv ...string) url.Values { return form(append(kv, "start", start, "end", end)...) }
	for _, c := range []struct {
		method, path string
		form         url.Values
		want         string // in the answer
	}{
		{"GET", "/status/buildinfo", nil, `"version":"3.`},
		{"POST", "/query", form("query", "1+1", "time", start), `"scalar"`},
		{"POST", "/query_range", window("query", `sum(rate(http_requests_total[5m]))`, "step", "15"), `"matrix"`},
		{"GET", "/query_range", window("query", `sum(rate(http_requests_total[5m]))`, "step", "15"), `"matrix"`},
		{"GET", "/label/__name__/values", window(), `http_requests_total`},
		{"GET", "/label/code/values", window("match[]", `{__name__="http_requests_total"}`), `"200"`},
		{"POST", "/labels", window("match[]", `{__name__="http_requests_total"}`), `"job"`},
		{"GET", "/labels", window(), `"job"`},
		{"POST", "/series", window("match[]", `{__name__="http_requests_total"}`, "limit", "40000"), `"shop"`},
		{"GET", "/series", window("match[]", `{job="shop"}`), `"shop"`},
		{"GET", "/metadata", form("limit", "1000"), `"counter"`},
		{"GET", "/metadata", form("metric", "http_requests_total"), `"Requests."`},
		{"POST", "/query_exemplars", window("query", `http_requests_total`), `"success"`},
		{"GET", "/query_exemplars", window("query", `http_requests_total`), `"success"`},
		{"GET", "/format_query", form("query", `sum( a )`), `sum(a)`},
		{"GET", "/parse_query", form("query", `sum(a)`), `"aggregation"`},
		{"GET", "/rules", nil, `"groups":[]`},
		{"GET", "/alerts", nil, `"alerts":[]`},
		{"GET", "/targets", nil, `"activeTargets":[]`},
		{"GET", "/status/tsdb", nil, `"numSeries":1`},
		{"GET", "/status/runtimeinfo", nil, `"storageRetention"`},
	} {
		code, body := ask(t, c.method, api+c.path, c.form)
		if code != 200 || !strings.Contains(body, c.want) || !strings.Contains(body, `"status":"success"`) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.form.Encode(), code, body)
		}
	}
	for path, want := range map[string]int{"/query?query=a%2B": 400, "/query_range?query=a&start=0&end=99999999&step=1": 400, "/metadata?limit=x": 400} {
		if code, body := ask(t, "GET", api+path, nil); code != want || !strings.Contains(body, `"errorType":"bad_data"`) {
			t.Errorf("GET %s: %d %s", path, code, body)
		}
	}
	if code, body := ask(t, "POST", api+"/admin/tsdb/delete_series", form("match[]", "a")); code/100 == 2 {
		t.Errorf("admin call: %d %s", code, body)
	}
}

func ask(t testing.TB, method, to string, form url.Values) (int, string) {
	t.Helper()
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		to += "?" + form.Encode()
	}
	req, err := http.NewRequest(method, to, body)
	if err != nil {
		t.Fatal(err)
	}
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestTargetsAreScrapedAndShown(t *testing.T) {
	s := openStore(t)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "# HELP jobs_total Jobs.\n# TYPE jobs_total counter\njobs_total{queue=\"a\"} 3\n")
	}))
	defer target.Close()
	addr := strings.TrimPrefix(target.URL, "http://")
	dir := t.TempDir()
	list := filepath.Join(dir, "targets.json")
	if err := os.WriteFile(list, fmt.Appendf(nil, `[{"targets": [%q], "labels": {"from": "file"}}]`, addr), 0o600); err != nil {
		t.Fatal(err)
	}
	found := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode([]map[string]any{{"targets": []string{addr}, "labels": map[string]string{"from": "http"}}})
	}))
	defer found.Close()
	err := s.ApplyScrape(jobs(
		fmt.Sprintf(`{"job_name": "static", "scrape_interval": "1s", "static_configs": [{"targets": [%q], "labels": {"from": "static"}}]}`, addr),
		`{"job_name": "file", "scrape_interval": "1s", "file_sd_configs": [{"files": ["targets.json"]}]}`,
		fmt.Sprintf("job_name: http\nscrape_interval: 1s\nhttp_sd_configs:\n- url: %s", found.URL)), dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, from := range []string{"static", "file", "http"} {
		eventually(t, "scrape by "+from+" discovery", func() bool {
			return len(read(t, s, `jobs_total{queue="a",from="`+from+`"}`, time.Now().Add(-time.Minute), time.Now())) == 1
		})
	}
	if v, _, err := s.Query(ctx, `sum(up)`, time.Now()); err != nil || !strings.Contains(v.String(), "3") {
		t.Errorf("up: %v %v", v, err)
	}
	if m, _ := s.Metadata(ctx, "jobs_total"); m["jobs_total"][0] != (Metadata{Type: "counter", Help: "Jobs."}) {
		t.Errorf("metadata: %v", m)
	}
	if code, body := ask(t, "GET", serveStore(t, s)+"/api/v1/targets", nil); code != 200 || strings.Count(body, `"health":"up"`) != 3 {
		t.Errorf("targets: %d %s", code, body)
	}
	for _, bad := range []string{`{"job_name": "a", "scrape_interval": "1s", "scrape_timeout": "1m"}`, `{"job_name": "a", "kubernetes_sd_configs": []}`, `{`} {
		if err = s.ApplyScrape(jobs(bad), dir); kit.CodeOf(err) != kit.Invalid {
			t.Errorf("wrong job %s: %v", bad, err)
		}
	}
	if force := s.scraper.config().ScrapeConfigs; !slices.ContainsFunc(force, func(j *config.ScrapeConfig) bool { return j.JobName == "http" }) {
		t.Error("a wrong job replaced the jobs in force")
	}
}

func jobs(texts ...string) (out []json.RawMessage) {
	for _, t := range texts {
		out = append(out, json.RawMessage(t))
	}
	return out
}
