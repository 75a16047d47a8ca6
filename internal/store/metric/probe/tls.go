package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"time"
)

func (c *check) tls(ctx context.Context, n Network, now time.Time, r *Result) {
	var t timing
	conn, err := n.dial(ctx, "tcp", c.Target, &t)
	r.record(t)
	if err != nil {
		r.fail("connect: %s", c.reason(ctx, err))
		return
	}
	defer conn.Close()
	host, _, _ := net.SplitHostPort(c.Target)
	shake := tls.Client(conn, c.tlsConfig(host))
	if err := shake.HandshakeContext(ctx); err != nil {
		r.fail("TLS handshake: %s", c.reason(ctx, err))
		return
	}
	c.certificate(shake.ConnectionState(), host, now, r)
}

// tlsConfig lets every certificate through, so that one that has expired is still measured; certificate judges it.
func (c *check) tlsConfig(host string) *tls.Config {
	return &tls.Config{ServerName: c.serverName(host), InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}
}

// serverName is the name that the certificate must be for.
func (c *check) serverName(host string) string {
	if c.TLS.ServerName != "" {
		return c.TLS.ServerName
	}
	return host
}

// certificate measures and judges what the server at host showed.
func (c *check) certificate(st tls.ConnectionState, host string, now time.Time, r *Result) {
	r.Values = append(r.Values, Value{"probe_tls_version_info", [2]string{"version", tls.VersionName(st.Version)}, 1})
	if len(st.PeerCertificates) == 0 {
		r.fail("the server showed no certificate")
		return
	}
	expiry := st.PeerCertificates[0].NotAfter
	for _, cert := range st.PeerCertificates {
		if cert.NotAfter.Before(expiry) {
			expiry = cert.NotAfter
		}
	}
	r.add("probe_ssl_earliest_cert_expiry", float64(expiry.Unix()))
	if chain, err := c.verify(st, host, now); err != nil {
		r.fail("certificate: %s", err)
		return
	} else if !chain.IsZero() {
		r.add("probe_ssl_last_chain_expiry_timestamp_seconds", float64(chain.Unix()))
	}
	if left := expiry.Sub(now); left < c.TLS.MinLeft {
		r.fail("the certificate expires in %s, on %s; at least %s is asked for", left.Round(time.Minute), expiry.UTC().Format("2006-01-02 15:04"), c.TLS.MinLeft)
	}
}

// verify checks name and chain. It returns when the last of the valid chains expires.
func (c *check) verify(st tls.ConnectionState, host string, now time.Time) (time.Time, error) {
	o := x509.VerifyOptions{Roots: c.roots, DNSName: c.serverName(host), CurrentTime: now, Intermediates: x509.NewCertPool()}
	for _, cert := range st.PeerCertificates[1:] {
		o.Intermediates.AddCert(cert)
	}
	chains, err := st.PeerCertificates[0].Verify(o)
	if err != nil {
		return time.Time{}, fmt.Errorf("not trusted: %w", err)
	}
	var last time.Time
	for _, chain := range chains {
		first := chain[0].NotAfter
		for _, cert := range chain {
			if cert.NotAfter.Before(first) {
				first = cert.NotAfter
			}
		}
		if first.After(last) {
			last = first
		}
	}
	return last, nil
}
