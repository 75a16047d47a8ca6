// Package trace reduces OpenTelemetry spans to what an estate needs, in bounded memory: calls, errors and durations of
// each operation; the edges of the service graph; a few traces worth looking at. Spans themselves are not stored.
//
// Every list here has a limit, everything past a limit is counted under OtherName, and what was left out is in Stats.
package trace

import (
	"sync"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// OtherName stands for all services, operations or edges that came after a limit was reached.
const OtherName = "{other}"

// Options are the limits of a Store; a zero field has the default named beside it.
type Options struct {
	Services   int           // services told apart; 500
	Operations int           // operations told apart, of all services; 3000; beside them one OtherName a service and kind
	PerService int           // operations told apart within one service; 100
	Edges      int           // edges told apart; 2000
	Pending    int           // client and server spans waiting for their other half; 20000
	Wait       time.Duration // how long they wait; 10 s
	Idle       time.Duration // how long a silent entry keeps its place when another wants it; 15 min
	Recent     int           // spans kept of all recent traces, so that a failed one can be shown whole; 20000
	Notable    int           // slow and failed traces that can be looked up; 200
	TraceSpans int           // spans kept of one trace; 128
}

func (o Options) withDefaults() Options {
	def := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	def(&o.Services, 500)
	def(&o.Operations, 3000)
	def(&o.PerService, 100)
	def(&o.Edges, 2000)
	def(&o.Pending, 20_000)
	def(&o.Recent, 20_000)
	def(&o.Notable, 200)
	def(&o.TraceSpans, 128)
	if o.Wait <= 0 {
		o.Wait = 10 * time.Second
	}
	if o.Idle <= 0 {
		o.Idle = 15 * time.Minute
	}
	return o
}

// sweepEvery is how often a full store looks for idle entries in vain, so that a flood of names stays cheap.
const sweepEvery = 5 * time.Second

// Store reduces spans. It is safe for concurrent use.
type Store struct {
	opt Options

	mu       sync.Mutex
	services map[string]*service
	ops      map[opKey]*operation
	edges    map[edgeKey]*edge
	aliases  map[string]string // what callers call a service that answers with spans -> its service.name
	pairs    pairs
	traces   traces
	observed []Observed
	stats    Stats
	began    time.Time

	nextSweep time.Time // no search for idle entries before it
}

// Stats counts what passed through the store and what its limits left out, since the start.
type Stats struct {
	Spans         uint64 // read
	Rejected      uint64 // without trace id, span id or service.name
	Unpaired      uint64 // client or server spans whose other half never came and that name no peer
	OtherServices uint64 // spans counted under OtherName because of the limit on services,
	OtherOps      uint64 // ... on operations,
	OtherEdges    uint64 // ... calls, on edges
	DroppedPairs  uint64 // halves given up early because too many were waiting
	DroppedSpans  uint64 // spans that a recent trace had no room for
	DroppedNews   uint64 // observations nobody collected in time

	Services, Operations, Edges, Waiting, RecentSpans, NotableTraces int // held now
}

// New makes an empty store. now is the start of all its counters.
func New(o Options, now time.Time) *Store {
	o = o.withDefaults()
	return &Store{
		opt:      o,
		services: map[string]*service{},
		ops:      map[opKey]*operation{},
		edges:    map[edgeKey]*edge{},
		aliases:  map[string]string{},
		pairs:    newPairs(),
		traces:   newTraces(),
		began:    now,
	}
}

// Consume reads a batch of spans. It never fails: rejected is the number of spans it could not use because a trace id,
// a span id or the resource's service.name is missing; 0 when all was well.
func (s *Store) Consume(td ptrace.Traces, now time.Time) (rejected int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rs := range td.ResourceSpans().All() {
		from := readResource(rs.Resource())
		for _, ss := range rs.ScopeSpans().All() {
			for _, raw := range ss.Spans().All() {
				sp, ok := readSpan(from, raw)
				if !ok {
					rejected++
					continue
				}
				s.take(sp, now)
			}
		}
	}
	s.stats.Rejected += uint64(rejected)
	s.expire(now)
	return rejected
}

// take counts one span everywhere it belongs.
func (s *Store) take(sp span, now time.Time) {
	s.stats.Spans++
	svc := s.service(sp.resource, now)
	sp.service = svc.name
	op := s.operation(&sp, now)
	slow := false
	if op != nil {
		sp.op = op.key.name
		slow = op.count(&sp, now)
	}
	if sp.entry() {
		svc.ring.add(now, sp.took, sp.failed)
	}
	s.keep(&sp, slow, now)
	s.pair(sp, now)
}

// Stats is what the store has seen and holds.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Services, st.Operations, st.Edges = len(s.services), len(s.ops), len(s.edges)
	st.Waiting, st.RecentSpans, st.NotableTraces = len(s.pairs.waiting), s.traces.spans, s.traces.notable.Len()
	return st
}
