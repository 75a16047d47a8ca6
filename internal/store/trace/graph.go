package trace

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Edge is one line of the service graph.
type Edge struct {
	From, To       string
	Via            string // http, rpc, db, messaging, unknown
	Uninstrumented bool   // To sends no spans itself: a database, somebody else's service
	First, Last    time.Time
	Traffic                   // within the window, as the caller saw it
	Exemplars      []Exemplar // newest first, at most 4
}

// Graph is every edge that is known, with its traffic of the window before now (one minute to one hour), ordered by
// From and To. An edge without calls in the window is listed with zeros. Empty when no spans came yet.
func (s *Store) Graph(now time.Time, window time.Duration) []Edge {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	out := make([]Edge, 0, len(s.edges))
	for _, e := range s.edges {
		out = append(out, Edge{From: e.key.from, To: e.key.to, Via: e.via, Uninstrumented: e.uninstrumented,
			First: e.first, Last: e.last, Traffic: e.ring.traffic(now, window), Exemplars: e.exemplars.newest()})
	}
	slices.SortFunc(out, func(a, b Edge) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return out
}

// Service is one sender of spans.
type Service struct {
	Name        string // service.name
	Namespace   string // service.namespace, "" where not said; so too the next two
	Version     string
	Environment string
	First, Last time.Time
	Traffic     // work that came in from outside: server and consumer spans
	Operations  []Operation
}

// Operation is one kind of work within a service, since the start.
type Operation struct {
	Name      string
	Kind      string // server, client, producer, consumer
	Calls     uint64
	Errors    uint64 // spans whose status is error
	Mean      time.Duration
	Exemplars []Exemplar // newest first, at most 4
}

// Services is every sender of spans that is known, with its traffic of the window before now (one minute to one hour),
// ordered by name, operations by kind and name. Empty when no spans came yet.
func (s *Store) Services(now time.Time, window time.Duration) []Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	ops := map[string][]Operation{}
	for k, o := range s.ops {
		mean := time.Duration(o.durations.sum / float64(max(o.durations.count, 1)) * float64(time.Second))
		ops[k.service] = append(ops[k.service], Operation{Name: k.name, Kind: kindName(k.kind), Calls: o.fine + o.erred,
			Errors: o.erred, Mean: mean, Exemplars: o.exemplars.newest()})
	}
	out := make([]Service, 0, len(s.services))
	for _, v := range s.services {
		list := ops[v.name]
		slices.SortFunc(list, func(a, b Operation) int { return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Name, b.Name)) })
		out = append(out, Service{Name: v.name, Namespace: v.resource.namespace, Version: v.resource.version,
			Environment: v.resource.environment, First: v.first, Last: v.last, Traffic: v.ring.traffic(now, window), Operations: list})
	}
	slices.SortFunc(out, func(a, b Service) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Trace finds a trace by its id (32 hexadecimal digits): a notable one, or one of the last few moments.
func (s *Store) Trace(id string) (Trace, bool) {
	var key pcommon.TraceID
	if b, err := hex.DecodeString(id); err != nil || copy(key[:], b) != len(key) || len(b) != len(key) {
		return Trace{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.traces.byID[key]
	if !ok {
		return Trace{}, false
	}
	t := h.trace
	t.Spans = slices.Clone(t.Spans)
	return t, true
}

// Notable is the slow and failed traces that are still held, newest first, without their spans.
func (s *Store) Notable() []Trace {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Trace, 0, s.traces.notable.Len())
	for e := s.traces.notable.Back(); e != nil; e = e.Prev() {
		t := e.Value.(*held).trace
		t.Spans = nil
		out = append(out, t)
	}
	return out
}

func kindName(k ptrace.SpanKind) string { return strings.ToLower(k.String()) }
