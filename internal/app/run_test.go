package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"

	"evenkeel.dev/evenkeel/internal/kit"
)

// started is a server that runs in this process.
type started struct {
	t    *testing.T
	at   Addresses
	stop context.CancelFunc
	done chan error
}

// start runs a server on free ports until the test ends.
func start(t *testing.T, change func(*Config)) *started {
	t.Helper()
	s, err := try(t, change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.stop()
		if err := <-s.done; err != nil {
			t.Errorf("the server ended with %v", err)
		}
		s.done <- nil
	})
	return s
}

// try is start without expecting it to work.
func try(t *testing.T, change func(*Config)) (*started, error) {
	cfg := DefaultConfig()
	cfg.Listen, cfg.OTLPHTTP, cfg.OTLPGRPC, cfg.Data = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0", t.TempDir()
	change(&cfg)
	ctx, stop := context.WithCancel(context.Background())
	s := &started{t: t, stop: stop, done: make(chan error, 2)}
	ready := make(chan Addresses, 1)
	go func() {
		s.done <- Run(ctx, cfg, Options{Version: "test", Log: slog.New(slog.DiscardHandler), Now: time.Now, Ready: func(at Addresses) { ready <- at }})
	}()
	select {
	case s.at = <-ready:
		return s, nil
	case err := <-s.done:
		stop()
		return nil, err
	}
}

func (s *started) get(path string) (int, string) {
	s.t.Helper()
	res, err := http.Get(s.at.Web + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// until asks a page until it holds a text.
func (s *started) until(path, text string) {
	s.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ; ; <-tick.C {
		if _, body := s.get(path); strings.Contains(body, text) {
			return
		} else if time.Now().After(deadline) {
			s.t.Fatalf("%s does not say %q:\n%s", path, text, body)
		}
	}
}

var section = regexp.MustCompile(`<li><a href="(/[^"]*)" data-key=`)

func TestAServerStartsOnAnEmptyDirectoryAndSaysHowToBegin(t *testing.T) {
	s := start(t, func(*Config) {})
	if code, body := s.get("/-/ready"); code != http.StatusOK {
		t.Errorf("ready: %d %s", code, body)
	}
	_, home := s.get("/")
	for _, want := range []string{"First steps", s.at.OTLPHTTP, s.at.OTLPGRPC, s.at.Web + "/prometheus/api/v1/write", "evenkeel assess"} {
		if !strings.Contains(home, want) {
			t.Errorf("the first page of a new server does not say %q", want)
		}
	}
	pages := section.FindAllStringSubmatch(home, -1)
	if len(pages) < 7 {
		t.Fatalf("%d sections", len(pages))
	}
	for _, p := range pages {
		if code, body := s.get(p[1]); code != http.StatusOK || !strings.HasSuffix(strings.TrimSpace(body), "</html>") {
			t.Errorf("%s of a new server: %d", p[1], code)
		}
	}
}

func TestLargeAnswersOfTheAPIAreGzipped(t *testing.T) {
	s := start(t, func(*Config) {})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.at.Web+"/api/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip") // said by the caller, so the client leaves the answer packed
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got := res.Header.Get("Content-Encoding"); res.StatusCode != http.StatusOK || got != "gzip" {
		t.Errorf("answered %d with content encoding %q", res.StatusCode, got)
	}
	if _, plain := s.get("/api/openapi.json"); !strings.Contains(plain, `"openapi":"3.1`) {
		t.Errorf("unpacked it begins %.80s", plain)
	}
}

func TestAServerStopsInTimeThoughAPageIsOpen(t *testing.T) {
	s, err := try(t, func(*Config) {})
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Get(s.at.Web + "/live") // never ends by itself
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	asked := time.Now()
	s.stop()
	select {
	case err := <-s.done:
		if err != nil {
			t.Errorf("stopped with %v", err)
		}
	case <-time.After(graceful + 5*time.Second):
		t.Fatal("still runs")
	}
	if took := time.Since(asked); took > graceful/2 {
		t.Errorf("stopped after %v", took)
	}
}

const component = `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: %s}
spec: {type: service, lifecycle: production, owner: crew}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: crew}
spec: {type: team, children: []}
`

func TestABadOrgDirectoryIsAnnouncedOnEveryPageAndTheGoodOneStays(t *testing.T) {
	dir := t.TempDir()
	catalog := filepath.Join(dir, "catalog.yaml")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(catalog, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(fmt.Sprintf(component, "till"))
	s := start(t, func(c *Config) { c.Org = dir })
	s.until("/services", `href="/services/till"`)
	put(fmt.Sprintf(component, "till") + "---\nkind: [\n")
	s.until("/", "catalog.yaml")
	for _, path := range []string{"/", "/services", "/services/till", "/objectives", "/ledger", "/system", "/nowhere"} {
		if _, body := s.get(path); !strings.Contains(body, "The organisation directory has <b>") {
			t.Errorf("%s does not announce it", path)
		}
	}
	if _, body := s.get("/services"); !strings.Contains(body, `href="/services/till"`) {
		t.Error("the good version is no longer in force")
	}
	put(fmt.Sprintf(component, "desk"))
	s.until("/services", `href="/services/desk"`)
	if _, body := s.get("/"); strings.Contains(body, "The organisation directory has") {
		t.Error("a mended directory is still announced as bad")
	}
}

func TestASecondServerOnTheSameDirectoryIsRefused(t *testing.T) {
	data := t.TempDir()
	s := start(t, func(c *Config) { c.Data = data })
	_, err := try(t, func(c *Config) { c.Data = data })
	if kit.CodeOf(err) != kit.Conflict || !strings.Contains(err.Error(), data) || !strings.Contains(err.Error(), "another server") {
		t.Errorf("got %v", err)
	}
	if code, _ := s.get("/"); code != http.StatusOK {
		t.Errorf("the first one answers %d", code)
	}
}

func TestAccessByTokensNeedsAToken(t *testing.T) {
	_, err := try(t, func(c *Config) { c.Auth = "tokens" })
	if kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), "evenkeel token create") {
		t.Errorf("got %v", err)
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	s := start(t, func(*Config) {})
	addr := strings.TrimPrefix(s.at.Web, "http://")
	_, err := try(t, func(c *Config) { c.OTLPHTTP = addr })
	if kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), addr) || !strings.Contains(err.Error(), "OTLP/HTTP") {
		t.Errorf("got %v", err)
	}
}

func TestWhoWritesSamplesIsCountedOnTheSystemPage(t *testing.T) {
	s := start(t, func(*Config) {})
	var req prompb.WriteRequest
	now := time.Now().UnixMilli()
	for i := range 30 {
		req.Timeseries = append(req.Timeseries, prompb.TimeSeries{Samples: []prompb.Sample{{Timestamp: now - 1000, Value: 1}, {Timestamp: now, Value: 2}},
			Labels: []prompb.Label{{Name: "__name__", Value: "till_requests_total"}, {Name: "code", Value: fmt.Sprint(i)}}})
	}
	raw, err := proto.Marshal(&req)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("POST", s.at.Web+"/prometheus/api/v1/write", bytes.NewReader(snappy.Encode(nil, raw)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Encoding", "snappy")
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "Prometheus/3.5.0 (server)")
	res, err := http.DefaultClient.Do(r)
	if err != nil || res.StatusCode/100 != 2 {
		t.Fatal(res, err)
	}
	res.Body.Close()
	_, body := s.get("/system?frag=sources")
	for _, want := range []string{"Prometheus/3.5.0", "remote-write", "fresh", `data-l="Samples/s">6</td>`} { // 60 in the ten seconds that run
		if !strings.Contains(body, want) {
			t.Errorf("the System page does not show %q:\n%s", want, body)
		}
	}
}
