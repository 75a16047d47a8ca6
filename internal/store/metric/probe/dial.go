package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// Network reaches targets. Loopback, link-local, multicast and cloud metadata addresses are refused: whoever may write
// a probe must not reach through it what only this machine may reach. It looks at the address that is dialled, so
// neither a name nor a redirect leads around it.
type Network struct {
	Allow []netip.Prefix // refused addresses that may be probed all the same, 127.0.0.0/8 for the demo
}

// metadata are the well-known addresses of cloud instance metadata that are not link-local: Alibaba, Oracle, Azure, AWS.
var metadata = []netip.Addr{netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("192.0.0.192"),
	netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("fd00:ec2::254")}

var errAddress = errors.New("address is refused")

// permit is nil for an address that may be dialled.
func (n Network) permit(a netip.Addr) error {
	a = a.Unmap()
	for _, p := range n.Allow {
		if p.Contains(a) {
			return nil
		}
	}
	what := ""
	switch {
	case a.IsLoopback():
		what = "a loopback"
	case a.IsLinkLocalUnicast():
		what = "a link-local"
	case a.IsMulticast() || a.IsUnspecified():
		what = "no host's"
	}
	for _, m := range metadata {
		if a == m {
			what = "a cloud's metadata"
		}
	}
	if what == "" {
		return nil
	}
	return fmt.Errorf("%w: %s is %s address; allow it in the server's configuration if that is meant", errAddress, a, what)
}

// timing is what dialling took, apart from the whole.
type timing struct {
	resolve, connect time.Duration
	ip               netip.Addr
}

// dial resolves a host and connects to the first of its addresses that answers.
func (n Network) dial(ctx context.Context, network, hostport string, t *timing) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	t.resolve += time.Since(begin)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", host, err)
	}
	d := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		return n.permit(ap.Addr())
	}}
	begin = time.Now()
	defer func() { t.connect += time.Since(begin) }()
	for _, ip := range ips[:min(len(ips), 4)] {
		var conn net.Conn
		if conn, err = d.DialContext(ctx, network, net.JoinHostPort(ip.Unmap().String(), port)); err == nil {
			t.ip = ip.Unmap()
			return conn, nil
		}
	}
	return nil, err
}

// record notes where a run went.
func (r *Result) record(t timing) {
	r.add("probe_dns_lookup_time_seconds", t.resolve.Seconds())
	if t.ip.IsValid() {
		version := 6.0
		if t.ip.Is4() {
			version = 4
		}
		r.add("probe_ip_protocol", version)
	}
}
