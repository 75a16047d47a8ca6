package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

var recordTypes = map[string]dnsmessage.Type{"": dnsmessage.TypeA, "A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA,
	"CNAME": dnsmessage.TypeCNAME, "MX": dnsmessage.TypeMX, "NS": dnsmessage.TypeNS, "SOA": dnsmessage.TypeSOA,
	"SRV": dnsmessage.TypeSRV, "TXT": dnsmessage.TypeTXT}

// dns asks a server for a record: over UDP, and again over TCP where the answer was cut. A name without an answer is a
// failure.
func (c *check) dns(ctx context.Context, n Network, r *Result) {
	var t timing
	begin := time.Now()
	m, err := c.ask(ctx, n, "udp", &t)
	if err == nil && m.Truncated {
		m, err = c.ask(ctx, n, "tcp", &t)
	}
	r.record(t)
	r.phase("probe_dns_duration_seconds", "resolve", t.resolve)
	r.phase("probe_dns_duration_seconds", "connect", t.connect)
	r.phase("probe_dns_duration_seconds", "request", max(0, time.Since(begin)-t.resolve-t.connect))
	if err != nil {
		r.add("probe_dns_query_succeeded", 0)
		r.fail("query: %s", c.reason(ctx, err))
		return
	}
	r.add("probe_dns_query_succeeded", 1)
	r.add("probe_dns_answer_rrs", float64(len(m.Answers)))
	r.add("probe_dns_authority_rrs", float64(len(m.Authorities)))
	r.add("probe_dns_additional_rrs", float64(len(m.Additionals)))
	switch {
	case m.RCode != dnsmessage.RCodeSuccess:
		r.fail("the server answers %s", strings.TrimPrefix(m.RCode.String(), "RCode"))
	case len(m.Answers) == 0:
		r.fail("%s has no such record", c.DNS.Name)
	case c.match != nil && !c.anyMatches(m.Answers):
		r.fail("no answer matches %s", c.match)
	}
}

func (c *check) ask(ctx context.Context, n Network, network string, t *timing) (dnsmessage.Message, error) {
	var m dnsmessage.Message
	query, id, err := c.question()
	if err != nil {
		return m, err
	}
	conn, err := n.dial(ctx, network, c.Target, t)
	if err != nil {
		return m, err
	}
	defer conn.Close()
	if d, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(d)
	}
	answer, err := exchange(conn, network, query)
	if err != nil {
		return m, err
	}
	if err := m.Unpack(answer); err != nil {
		return m, fmt.Errorf("the answer makes no sense: %w", err)
	}
	if m.ID != id || !m.Response {
		return m, errors.New("the answer belongs to another question")
	}
	return m, nil
}

func (c *check) question() ([]byte, uint16, error) {
	name, err := dnsmessage.NewName(strings.TrimSuffix(c.DNS.Name, ".") + ".")
	if err != nil {
		return nil, 0, fmt.Errorf("name %q: %w", c.DNS.Name, err)
	}
	id := uint16(rand.Uint32())
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: recordTypes[c.DNS.Type], Class: dnsmessage.ClassINET}}}
	packed, err := m.Pack()
	return packed, id, err
}

// exchange sends a message and reads one; over TCP each has its length in front (RFC 1035, 4.2.2).
func exchange(conn net.Conn, network string, query []byte) ([]byte, error) {
	if network == "udp" {
		if _, err := conn.Write(query); err != nil {
			return nil, err
		}
		buf := make([]byte, 64<<10)
		n, err := conn.Read(buf)
		return buf[:n], err
	}
	framed := append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
	if _, err := conn.Write(framed); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	buf := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(conn, buf)
	return buf, err
}

func (c *check) anyMatches(answers []dnsmessage.Resource) bool {
	for _, a := range answers {
		if c.match.MatchString(recordText(a.Body)) {
			return true
		}
	}
	return false
}

// recordText writes a record's data as zone files do.
func recordText(body dnsmessage.ResourceBody) string {
	switch b := body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(b.A).String()
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(b.AAAA).String()
	case *dnsmessage.CNAMEResource:
		return b.CNAME.String()
	case *dnsmessage.MXResource:
		return fmt.Sprintf("%d %s", b.Pref, b.MX)
	case *dnsmessage.NSResource:
		return b.NS.String()
	case *dnsmessage.SOAResource:
		return fmt.Sprintf("%s %s %d", b.NS, b.MBox, b.Serial)
	case *dnsmessage.SRVResource:
		return fmt.Sprintf("%d %d %d %s", b.Priority, b.Weight, b.Port, b.Target)
	case *dnsmessage.TXTResource:
		return strings.Join(b.TXT, "")
	}
	return ""
}
