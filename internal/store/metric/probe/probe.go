// Package probe checks services from outside by HTTP, TCP, DNS and TLS, and writes what it saw as samples under the
// names of the Prometheus blackbox exporter.
package probe

import (
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Probe is one check as declared in the org directory.
type Probe struct {
	Name     string // unique
	Kind     string // http, tcp, dns, tls
	Target   string // http: a URL; tcp, tls: host:port; dns: the server, host:port or host
	Service  string // catalog component it speaks for; may be empty
	Labels   map[string]string
	Interval time.Duration // 0 = 30 s
	Timeout  time.Duration // 0 = 10 s; at most Interval
	HTTP     HTTP
	DNS      DNS
	TLS      TLS
}

// HTTP is what an http probe sends and expects.
type HTTP struct {
	Method      string // "" = GET
	Headers     map[string]string
	Body        string
	Status      []int  // good codes; empty = 200..299
	Match       string // RE2 that the first MiB of the body must match; "" = anything
	NoRedirects bool
}

// DNS is what a dns probe asks.
type DNS struct {
	Name  string
	Type  string // A, AAAA, CNAME, MX, NS, SOA, SRV, TXT; "" = A
	Match string // RE2 that at least one answer must match; "" = any answer
}

// TLS is what a probe demands of the certificate it meets, https included.
type TLS struct {
	ServerName string        // "" = the host of the target
	MinLeft    time.Duration // fails when the certificate expires sooner
	CAFile     string        // "" = the system's
}

const (
	defaultInterval = 30 * time.Second
	defaultTimeout  = 10 * time.Second
)

// SampleLabels are the labels of the probe's samples, without the metric's name: probe, service, job ("probe/http"),
// instance (the target, without credentials) and its own. Its own never replace these.
func (p Probe) SampleLabels() map[string]string {
	out := maps.Clone(p.Labels)
	if out == nil {
		out = map[string]string{}
	}
	out["probe"], out["job"], out["instance"] = p.Name, "probe/"+p.Kind, p.Target
	if u, err := url.Parse(p.Target); err == nil && p.Kind == "http" {
		u.User = nil
		out["instance"] = u.String()
	}
	if p.Service != "" {
		out["service"] = p.Service
	}
	return out
}

// check is a probe that is ready to run: defaults filled in, expressions compiled, files read.
type check struct {
	Probe
	url   *url.URL
	match *regexp.Regexp
	roots *x509.CertPool
}

// prepare is kit.Invalid for a probe that cannot run.
func prepare(p Probe) (*check, error) {
	if p.Interval == 0 {
		p.Interval = defaultInterval
	}
	if p.Timeout == 0 {
		p.Timeout = min(defaultTimeout, p.Interval)
	}
	c := &check{Probe: p}
	if err := c.fill(); err != nil {
		return nil, kit.Errorf(kit.Invalid, "probe %q: %w", p.Name, err)
	}
	return c, nil
}

func (c *check) fill() (err error) {
	switch {
	case c.Name == "":
		return fmt.Errorf("the name is missing")
	case c.Interval < time.Second:
		return fmt.Errorf("interval %s is shorter than a second", c.Interval)
	case c.Timeout <= 0 || c.Timeout > c.Interval:
		return fmt.Errorf("timeout %s must be positive and at most the interval %s", c.Timeout, c.Interval)
	}
	expr := c.HTTP.Match
	switch c.Kind {
	case "http":
		c.url, err = url.Parse(c.Target)
		if err != nil || c.url.Scheme != "http" && c.url.Scheme != "https" || c.url.Host == "" {
			return fmt.Errorf("target must be like https://host/path")
		}
	case "tcp", "tls", "dns":
		if _, _, err := net.SplitHostPort(c.Target); err != nil && c.Kind == "dns" {
			c.Target = net.JoinHostPort(strings.Trim(c.Target, "[]"), "53")
		}
		if _, _, err := net.SplitHostPort(c.Target); err != nil {
			return fmt.Errorf("target %q must be host:port", c.Target)
		}
		if c.Kind == "dns" {
			expr = c.DNS.Match
			if _, ok := recordTypes[c.DNS.Type]; !ok || c.DNS.Name == "" {
				return fmt.Errorf("dns needs a name to ask for and a known record type, got %q and %q", c.DNS.Name, c.DNS.Type)
			}
		}
	default:
		return fmt.Errorf("kind %q is none of http, tcp, dns, tls", c.Kind)
	}
	if expr != "" {
		if c.match, err = regexp.Compile(expr); err != nil {
			return fmt.Errorf("match: %w", err)
		}
	}
	return c.readRoots()
}

func (c *check) readRoots() error {
	if c.TLS.CAFile == "" {
		return nil
	}
	pem, err := os.ReadFile(c.TLS.CAFile)
	if err != nil {
		return fmt.Errorf("read ca_file: %w", err)
	}
	c.roots = x509.NewCertPool()
	if !c.roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("ca_file %s holds no certificate", c.TLS.CAFile)
	}
	return nil
}

// Result is what one run saw.
type Result struct {
	At      time.Time // when it began
	Took    time.Duration
	Success bool
	Reason  string // why it failed, in words; empty on success
	Values  []Value
}

// Value is one number of a result.
type Value struct {
	Name   string    // "probe_http_status_code"
	Labels [2]string // one more label and its value; empty = none
	V      float64
}

func (r *Result) add(name string, v float64) { r.Values = append(r.Values, Value{Name: name, V: v}) }

func (r *Result) phase(name, phase string, d time.Duration) {
	r.Values = append(r.Values, Value{name, [2]string{"phase", phase}, d.Seconds()})
}

func (r *Result) fail(format string, args ...any) { r.Reason = fmt.Sprintf(format, args...) }

// Samples are the result as float series of the probe, all at the time when the run began.
func (r Result) Samples(p Probe) []kit.Sample {
	success := 0.0
	if r.Success {
		success = 1
	}
	values := append([]Value{{Name: "probe_success", V: success}, {Name: "probe_duration_seconds", V: r.Took.Seconds()}}, r.Values...)
	base := p.SampleLabels()
	out := make([]kit.Sample, 0, len(values))
	for _, v := range values {
		ls := make([]kit.Label, 0, len(base)+2)
		for name, value := range base {
			if name != v.Labels[0] {
				ls = append(ls, kit.Label{Name: name, Value: value})
			}
		}
		ls = append(ls, kit.Label{Name: "__name__", Value: v.Name})
		if v.Labels[0] != "" {
			ls = append(ls, kit.Label{Name: v.Labels[0], Value: v.Labels[1]})
		}
		slices.SortFunc(ls, func(a, b kit.Label) int {
			if a.Name < b.Name {
				return -1
			}
			return 1
		})
		out = append(out, kit.Sample{Labels: ls, TimeMS: r.At.UnixMilli(), Value: v.V})
	}
	return out
}
