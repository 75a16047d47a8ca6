package trace

import (
	"net"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

const maxName = 128 // bytes kept of any name that telemetry sends

// resource is who sent a span.
type resource struct {
	service, namespace, version, environment string
}

func readResource(r pcommon.Resource) resource {
	a := r.Attributes()
	env := text(a, "deployment.environment.name", "deployment.environment")
	return resource{text(a, "service.name"), text(a, "service.namespace"), text(a, "service.version"), env}
}

// span is what the reductions need of one span.
type span struct {
	resource resource
	trace    pcommon.TraceID
	id       pcommon.SpanID
	parent   pcommon.SpanID // empty for a root
	kind     ptrace.SpanKind
	name     string
	start    time.Time
	took     time.Duration
	status   int    // HTTP status, 0 where there is none
	erred    bool   // the span's own status is error
	failed   bool   // the call failed for its caller: HTTP 500 and up, or an error where there is no HTTP status
	message  string // status message
	via      string // http, rpc, db, messaging, unknown
	peer     string // who was called, in the caller's words; "" where it does not say
	links    []pairKey
	service  string // as counted: the name, or OtherName
	op       string // as counted
}

// entry says whether the span is work that came from outside the service.
func (s *span) entry() bool {
	return s.kind == ptrace.SpanKindServer || s.kind == ptrace.SpanKindConsumer
}

// exit says whether the span is a call to something outside the service.
func (s *span) exit() bool {
	return s.kind == ptrace.SpanKindClient || s.kind == ptrace.SpanKindProducer
}

func readSpan(from resource, raw ptrace.Span) (span, bool) {
	if from.service == "" || raw.TraceID().IsEmpty() || raw.SpanID().IsEmpty() {
		return span{}, false
	}
	a := raw.Attributes()
	s := span{
		resource: from,
		trace:    raw.TraceID(),
		id:       raw.SpanID(),
		parent:   raw.ParentSpanID(),
		kind:     raw.Kind(),
		name:     clip(raw.Name()),
		start:    raw.StartTimestamp().AsTime(),
		took:     took(raw),
		status:   httpStatus(a),
		erred:    raw.Status().Code() == ptrace.StatusCodeError,
		message:  clip(raw.Status().Message()),
		via:      via(a),
	}
	s.failed = s.erred
	if s.status > 0 {
		s.failed = s.status >= 500
	}
	if route := text(a, "http.route"); route != "" && s.kind == ptrace.SpanKindServer {
		s.name = clip(text(a, "http.request.method", "http.method") + " " + route)
	}
	if s.name == "" {
		s.name = "(unnamed)"
	}
	if s.exit() {
		s.peer = peer(a, s.via)
	}
	if s.kind == ptrace.SpanKindConsumer {
		s.links = links(raw)
	}
	return s, true
}

// took is the span's length: 0 for one that ends before it starts, at most a day.
func took(raw ptrace.Span) time.Duration {
	from, to := raw.StartTimestamp(), raw.EndTimestamp()
	if to <= from {
		return 0
	}
	return time.Duration(min(uint64(to-from), uint64(24*time.Hour)))
}

// links are the producer spans that a consumer names, at most four.
func links(raw ptrace.Span) []pairKey {
	var keys []pairKey
	for _, l := range raw.Links().All() {
		if len(keys) == 4 {
			break
		}
		keys = append(keys, pairKey{l.TraceID(), l.SpanID()})
	}
	return keys
}

// via says what carried a call. Source: OpenTelemetry semantic conventions 1.3x, with the names before they were stable.
func via(a pcommon.Map) string {
	switch {
	case has(a, "db.system.name", "db.system"):
		return "db"
	case has(a, "messaging.system", "messaging.destination.name", "messaging.destination"):
		return "messaging"
	case has(a, "rpc.system.name", "rpc.system"):
		return "rpc"
	case has(a, "http.request.method", "http.method"):
		return "http"
	}
	return "unknown"
}

// peer names the far end of a call as its caller knows it: peer.service where it is said, else the best name there is
// for what carried it. An IP address keeps its port, a host name does not.
func peer(a pcommon.Map, via string) string {
	if name := text(a, "peer.service", "service.peer.name"); name != "" {
		return name
	}
	addr := text(a, "server.address", "net.peer.name", "net.sock.peer.name", "net.peer.ip")
	if addr == "localhost" || net.ParseIP(addr) != nil {
		if port := text(a, "server.port", "net.peer.port"); port != "" {
			addr = net.JoinHostPort(addr, port)
		}
	}
	switch via {
	case "db":
		system, name := text(a, "db.system.name", "db.system"), text(a, "db.namespace", "db.name")
		if name != "" {
			return clip(name + " (" + system + ")")
		}
		return first(addr, system)
	case "messaging":
		return first(text(a, "messaging.destination.name", "messaging.destination"), addr, text(a, "messaging.system"))
	case "rpc":
		return first(addr, text(a, "rpc.service"))
	}
	return addr
}

func httpStatus(a pcommon.Map) int {
	for _, k := range []string{"http.response.status_code", "http.status_code"} {
		if v, ok := a.Get(k); ok && v.Type() == pcommon.ValueTypeInt && v.Int() > 0 && v.Int() < 1000 {
			return int(v.Int())
		}
	}
	return 0
}

func has(a pcommon.Map, keys ...string) bool {
	for _, k := range keys {
		if _, ok := a.Get(k); ok {
			return true
		}
	}
	return false
}

// text is the first of the attributes that holds a string or a whole number, clipped.
func text(a pcommon.Map, keys ...string) string {
	for _, k := range keys {
		v, ok := a.Get(k)
		switch {
		case !ok:
		case v.Type() == pcommon.ValueTypeStr && v.Str() != "":
			return clip(v.Str())
		case v.Type() == pcommon.ValueTypeInt:
			return strconv.FormatInt(v.Int(), 10)
		}
	}
	return ""
}

func first(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}

// clip makes any text a label value: valid UTF-8, at most maxName bytes, owned by nobody else's buffer.
func clip(s string) string {
	if len(s) > maxName {
		s = strings.Clone(s[:maxName])
	}
	return strings.TrimSpace(strings.ToValidUTF8(s, ""))
}
