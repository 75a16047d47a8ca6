package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"time"
)

const (
	maxRedirects = 10
	maxBody      = 1 << 20
)

func (c *check) http(ctx context.Context, n Network, now time.Time, r *Result) {
	t := new(timing)
	client, redirects := c.client(n, t)
	defer client.CloseIdleConnections()
	var w watch
	method := c.HTTP.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, w.trace()), method, c.Target, strings.NewReader(c.HTTP.Body))
	if err != nil {
		r.fail("make request: %s", err)
		return
	}
	req.Header.Set("User-Agent", "evenkeel-probe")
	for k, v := range c.HTTP.Headers {
		if strings.EqualFold(k, "Host") {
			req.Host = v
		}
		req.Header.Set(k, v)
	}
	res, err := client.Do(req)
	r.record(*t)
	r.add("probe_http_redirects", float64(*redirects))
	if err != nil {
		r.add("probe_http_status_code", 0)
		r.fail("request: %s", c.reason(ctx, withoutURL(err)))
		return
	}
	defer res.Body.Close()
	c.judge(ctx, now, res, *t, w, r)
}

// client makes a client of one use, so that each run resolves, connects and shakes hands anew.
func (c *check) client(n Network, t *timing) (*http.Client, *int) {
	redirects := new(int)
	tr := &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return n.dial(ctx, network, addr, t)
		},
		TLSClientConfig:        c.tlsConfig(""),
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error {
		if c.HTTP.NoRedirects {
			return http.ErrUseLastResponse
		}
		if *redirects++; *redirects > maxRedirects {
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		return nil
	}}, redirects
}

// judge measures the answer and says what is wrong with it.
func (c *check) judge(ctx context.Context, now time.Time, res *http.Response, t timing, w watch, r *Result) {
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	done := time.Now()
	r.add("probe_http_status_code", float64(res.StatusCode))
	r.add("probe_http_version", float64(res.ProtoMajor)+float64(res.ProtoMinor)/10)
	r.add("probe_http_content_length", float64(res.ContentLength))
	r.add("probe_http_uncompressed_body_length", float64(len(body)))
	r.phase("probe_http_duration_seconds", "resolve", t.resolve)
	r.phase("probe_http_duration_seconds", "connect", t.connect)
	r.phase("probe_http_duration_seconds", "tls", w.tls)
	r.phase("probe_http_duration_seconds", "processing", span(w.wrote, w.first))
	r.phase("probe_http_duration_seconds", "transfer", span(w.first, done))
	ssl := 0.0
	if res.TLS != nil {
		ssl = 1
		c.certificate(*res.TLS, res.Request.URL.Hostname(), now, r)
	}
	r.add("probe_http_ssl", ssl)
	switch {
	case r.Reason != "": // the certificate
	case !c.goodStatus(res.StatusCode):
		r.fail("answered %s", res.Status)
	case err != nil:
		r.fail("read body: %s", c.reason(ctx, err))
	case c.match != nil && !c.match.Match(body):
		r.fail("the body does not match %s", c.match)
	}
	if c.match != nil {
		failed := 0.0
		if !c.match.Match(body) {
			failed = 1
		}
		r.add("probe_failed_due_to_regex", failed)
	}
}

func (c *check) goodStatus(code int) bool {
	if len(c.HTTP.Status) == 0 {
		return code/100 == 2
	}
	return slices.Contains(c.HTTP.Status, code)
}

// watch notes when the steps of the last request of a redirect chain happened.
type watch struct {
	shake, wrote, first time.Time
	tls                 time.Duration
}

func (w *watch) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		TLSHandshakeStart:    func() { w.shake = time.Now() },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { w.tls += time.Since(w.shake) },
		WroteRequest:         func(httptrace.WroteRequestInfo) { w.wrote = time.Now() },
		GotFirstResponseByte: func() { w.first = time.Now() },
	}
}

func span(a, b time.Time) time.Duration {
	if a.IsZero() || b.Before(a) {
		return 0
	}
	return b.Sub(a)
}

// withoutURL takes the address off an error: it may hold a password.
func withoutURL(err error) error {
	if in := errors.Unwrap(err); in != nil {
		return in
	}
	return err
}
