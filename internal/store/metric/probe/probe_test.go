package probe

import (
	"context"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/value"
	"golang.org/x/net/dns/dnsmessage"

	"evenkeel.dev/evenkeel/internal/kit"
)

var here = Network{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

// try runs a probe with defaults at the present time.
func try(t *testing.T, n Network, p Probe) (Result, map[string]float64) {
	t.Helper()
	p.Name = "p"
	if p.Timeout == 0 {
		p.Timeout = 5 * time.Second
	}
	r, err := Run(context.Background(), p, n, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, v := range r.Values {
		values[strings.TrimSuffix(v.Name+"/"+v.Labels[1], "/")] = v.V
	}
	return r, values
}

func certFile(t *testing.T, srv *httptest.Server) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestAnHTTPProbeJudgesTheAnswer(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("all is well")) })
	mux.HandleFunc("/bad", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) })
	mux.Handle("/to", http.RedirectHandler("/ok", http.StatusFound))
	mux.Handle("/round", http.RedirectHandler("/round", http.StatusFound))
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		for range 64 {
			_, _ = w.Write(make([]byte, 1<<16))
		}
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.Method + r.Host + r.Header.Get("X-A")))
	})
	srv := httptest.NewServer(mux)
	defer srv.Close()
	for _, c := range []struct {
		path    string
		h       HTTP
		timeout time.Duration
		reason  string // "" = success
		status  float64
	}{
		{path: "/ok", status: 200},
		{path: "/ok", h: HTTP{Match: "is (well|fine)"}, status: 200},
		{path: "/ok", h: HTTP{Match: "broken"}, reason: "does not match broken", status: 200},
		{path: "/ok", h: HTTP{Status: []int{204}}, reason: "answered 200 OK", status: 200},
		{path: "/bad", reason: "answered 503", status: 503},
		{path: "/bad", h: HTTP{Status: []int{503}}, status: 503},
		{path: "/to", status: 200},
		{path: "/to", h: HTTP{NoRedirects: true}, reason: "answered 302", status: 302},
		{path: "/round", reason: "more than 10 redirects"},
		{path: "/slow", timeout: 50 * time.Millisecond, reason: "no answer within 50ms"},
		{path: "/big", status: 200},
		{path: "/echo", h: HTTP{Method: "POST", Body: "x", Headers: map[string]string{"Host": "shop.example", "X-A": "1"}, Match: "^POSTshop.example1$"}, status: 200},
	} {
		r, v := try(t, here, Probe{Kind: "http", Target: srv.URL + c.path, HTTP: c.h, Timeout: c.timeout})
		if r.Success != (c.reason == "") || !strings.Contains(r.Reason, c.reason) || v["probe_http_status_code"] != c.status {
			t.Errorf("%s %+v: %v %q %v", c.path, c.h, r.Success, r.Reason, v)
		}
		if v["probe_ip_protocol"] != 4 || v["probe_http_uncompressed_body_length"] > maxBody {
			t.Errorf("%s: %v", c.path, v)
		}
	}
}

func TestCertificatesAreMeasuredAndJudged(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer srv.Close()
	ca := certFile(t, srv)
	addr := strings.TrimPrefix(srv.URL, "https://")
	expiry := float64(srv.Certificate().NotAfter.Unix())
	for _, c := range []struct {
		p      Probe
		reason string
	}{
		{Probe{Kind: "tls", Target: addr, TLS: TLS{CAFile: ca, ServerName: "example.com"}}, ""},
		{Probe{Kind: "tls", Target: addr, TLS: TLS{CAFile: ca}}, ""}, // httptest's certificate names 127.0.0.1
		{Probe{Kind: "tls", Target: addr, TLS: TLS{CAFile: ca, ServerName: "other.test"}}, "not other.test"},
		{Probe{Kind: "tls", Target: addr}, "not trusted"},
		{Probe{Kind: "tls", Target: addr, TLS: TLS{CAFile: ca, MinLeft: 1e6 * time.Hour}}, "expires in"},
		{Probe{Kind: "http", Target: srv.URL, TLS: TLS{CAFile: ca}}, ""},
		{Probe{Kind: "http", Target: srv.URL}, "not trusted"},
	} {
		r, v := try(t, here, c.p)
		if r.Success != (c.reason == "") || !strings.Contains(r.Reason, c.reason) || v["probe_ssl_earliest_cert_expiry"] != expiry {
			t.Errorf("%+v: %v %q %v", c.p, r.Success, r.Reason, v)
		}
	}
	p := Probe{Name: "p", Kind: "tls", Target: addr, TLS: TLS{CAFile: ca}}
	r, err := Run(context.Background(), p, here, srv.Certificate().NotAfter.Add(time.Hour))
	if err != nil || r.Success || !strings.Contains(r.Reason, "expired") {
		t.Errorf("after its expiry: %v %v", r, err)
	}
}

func TestATCPProbeConnects(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if r, _ := try(t, here, Probe{Kind: "tcp", Target: l.Addr().String()}); !r.Success {
		t.Error(r.Reason)
	}
	l.Close()
	if r, _ := try(t, here, Probe{Kind: "tcp", Target: l.Addr().String()}); r.Success || !strings.Contains(r.Reason, "refused") {
		t.Error(r.Reason)
	}
}

func TestAddressesOfThisMachineAndItsCloudAreRefused(t *testing.T) {
	for text, refused := range map[string]bool{"127.0.0.1": true, "::1": true, "169.254.169.254": true, "fe80::1": true, "::ffff:127.0.0.1": true,
		"0.0.0.0": true, "224.0.0.1": true, "100.100.100.200": true, "fd00:ec2::254": true, "10.0.0.1": false, "192.168.1.1": false, "1.1.1.1": false} {
		if err := (Network{}).permit(netip.MustParseAddr(text)); (err != nil) != refused {
			t.Errorf("%s: %v", text, err)
		}
	}
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	r, _ := try(t, Network{}, Probe{Kind: "http", Target: srv.URL})
	if r.Success || !strings.Contains(r.Reason, "a loopback address; allow it") {
		t.Error(r.Reason)
	}
	byName := strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)
	if r, _ = try(t, Network{}, Probe{Kind: "http", Target: byName}); !strings.Contains(r.Reason, "address is refused") {
		t.Errorf("by a name: %s", r.Reason)
	}
}

// nameServer answers questions for good.test over UDP and, when cut, over TCP.
func nameServer(t *testing.T, truncate bool) string {
	t.Helper()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { udp.Close(); tcp.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = udp.WriteTo(reply(buf[:n], truncate), from)
		}
	}()
	go func() {
		for {
			c, err := tcp.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 512)
			n, _ := c.Read(buf)
			answer := reply(buf[2:n], false)
			_, _ = c.Write(append([]byte{byte(len(answer) >> 8), byte(len(answer))}, answer...))
			c.Close()
		}
	}()
	return udp.LocalAddr().String()
}

func reply(query []byte, truncate bool) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil {
		return nil
	}
	m.Response, m.Truncated = true, truncate
	q := m.Questions[0]
	switch {
	case truncate:
	case q.Name.String() == "good.test." && q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: &dnsmessage.AResource{A: [4]byte{10, 1, 2, 3}}}}
	case q.Name.String() == "good.test.":
	default:
		m.RCode = dnsmessage.RCodeNameError
	}
	out, _ := m.Pack()
	return out
}

func TestADNSProbeAsksAndJudges(t *testing.T) {
	for _, truncate := range []bool{false, true} {
		server := nameServer(t, truncate)
		for _, c := range []struct {
			dns    DNS
			reason string
		}{
			{DNS{Name: "good.test"}, ""},
			{DNS{Name: "good.test", Match: `^10\.`}, ""},
			{DNS{Name: "good.test", Match: `^11\.`}, "no answer matches"},
			{DNS{Name: "good.test", Type: "TXT"}, "has no such record"},
			{DNS{Name: "bad.test"}, "NameError"},
		} {
			r, v := try(t, here, Probe{Kind: "dns", Target: server, DNS: c.dns})
			if r.Success != (c.reason == "") || !strings.Contains(r.Reason, c.reason) || v["probe_dns_query_succeeded"] != 1 {
				t.Errorf("cut %v, %+v: %v %q %v", truncate, c.dns, r.Success, r.Reason, v)
			}
		}
	}
}

func TestSamplesCarryTheProbesLabels(t *testing.T) {
	p := Probe{Name: "front", Kind: "http", Target: "https://u:secret@shop.example/", Service: "checkout", Labels: map[string]string{"team": "a", "probe": "no"}}
	r := Result{At: time.UnixMilli(5), Took: time.Second, Success: true}
	r.phase("probe_http_duration_seconds", "tls", time.Second)
	got := r.Samples(p)
	want := []kit.Label{{Name: "__name__", Value: "probe_http_duration_seconds"}, {Name: "instance", Value: "https://shop.example/"}, {Name: "job", Value: "probe/http"},
		{Name: "phase", Value: "tls"}, {Name: "probe", Value: "front"}, {Name: "service", Value: "checkout"}, {Name: "team", Value: "a"}}
	if d := cmp.Diff(want, got[2].Labels); d != "" || got[0].Value != 1 || got[0].TimeMS != 5 {
		t.Errorf("%v\n%s", got, d)
	}
}

func TestWrongProbesAreRefusedInWords(t *testing.T) {
	for _, p := range []Probe{{Kind: "http", Target: "https://a"}, {Name: "a", Kind: "icmp", Target: "a"}, {Name: "a", Kind: "http", Target: "ftp://a"},
		{Name: "a", Kind: "tcp", Target: "a"}, {Name: "a", Kind: "dns", Target: "a:53"}, {Name: "a", Kind: "dns", Target: "a:53", DNS: DNS{Name: "b", Type: "XX"}},
		{Name: "a", Kind: "http", Target: "http://a", HTTP: HTTP{Match: "("}}, {Name: "a", Kind: "tls", Target: "a:1", TLS: TLS{CAFile: "/none"}},
		{Name: "a", Kind: "tcp", Target: "a:1", Interval: time.Second, Timeout: time.Minute}, {Name: "a", Kind: "tcp", Target: "a:1", Interval: time.Millisecond}} {
		if _, err := Run(context.Background(), p, here, time.Now()); kit.CodeOf(err) != kit.Invalid {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestTheRunnerKeepsToItsIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := map[string]int{}
		var all []kit.Sample
		sink := func(_ context.Context, s []kit.Sample) error { all = append(all, s...); return nil }
		r := NewRunner(here, sink, time.Now, slog.New(slog.DiscardHandler))
		r.run = func(_ context.Context, c *check) Result {
			runs[c.Name]++
			return Result{At: r.now(), Success: true}
		}
		a := Probe{Name: "a", Kind: "tcp", Target: "a:1", Interval: 30 * time.Second}
		b := Probe{Name: "b", Kind: "tcp", Target: "b:1", Interval: time.Minute}
		if err := r.Apply([]Probe{a, b}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if runs["a"] < 20 || runs["a"] > 22 || runs["b"] < 10 || runs["b"] > 12 {
			t.Errorf("runs in ten minutes: %v", runs)
		}
		if err := r.Apply([]Probe{a, {Name: "x"}}); kit.CodeOf(err) != kit.Invalid {
			t.Errorf("a wrong list: %v", err)
		}
		if err := r.Apply([]Probe{a}); err != nil {
			t.Fatal(err)
		}
		if last := all[len(all)-1]; !value.IsStaleNaN(last.Value) {
			t.Errorf("the removed probe's last sample is %v", last)
		}
		before := runs["b"]
		time.Sleep(5 * time.Minute)
		if runs["b"] != before {
			t.Error("a removed probe runs on")
		}
		if res, ok := r.Last("a"); !ok || !res.Success {
			t.Error("no last result")
		}
		r.Close()
	})
}
