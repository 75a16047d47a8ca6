package trace

import (
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

type edgeKey struct{ from, to string }

// edge is calls from one service to another, or to a peer that sends no spans.
type edge struct {
	key            edgeKey
	via            string
	uninstrumented bool
	born           time.Time
	first, last    time.Time
	calls, failed  uint64
	client, server durations
	ring           ring // by what the caller saw
	exemplars      exemplars
}

// Observed is a service or an edge that the spans showed for the first time, or again after 30 days. Service is set for
// a service, From and To for an edge.
type Observed struct {
	Service        string
	From, To       string
	Via            string // http, rpc, db, messaging, unknown
	Uninstrumented bool   // To sends no spans itself
	TraceID        string // one that shows the edge
	At             time.Time
}

const maxObserved = 10_000

func (s *Store) observe(o Observed) {
	if o.Service == OtherName || o.From == OtherName || o.To == OtherName {
		return
	}
	if len(s.observed) >= maxObserved {
		s.stats.DroppedNews++
		return
	}
	s.observed = append(s.observed, o)
}

// Observed hands out what was newly seen since the last call, in order; nil when nothing was.
func (s *Store) Observed() []Observed {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.observed
	s.observed = nil
	return o
}

// call counts a call on its edge. server is nil when the far end sent no span. A service calling itself is no edge.
func (s *Store) call(client, server *span, now time.Time) {
	to := client.peer
	if server != nil {
		to = server.service
		s.learn(client, to)
	} else if known := s.aliases[to]; known != "" && known != shared {
		to = known // it answers with spans; this one's was not sampled, or is late
	}
	if to == client.service {
		return
	}
	e := s.edge(edgeKey{client.service, to}, client, server, now)
	failed := client.failed
	if server != nil && client.status == 0 {
		failed = client.failed || server.failed
	}
	e.calls++
	if failed {
		e.failed++
	}
	e.last = now
	e.client.add(client.took)
	if server != nil {
		e.server.add(server.took)
		e.uninstrumented = false
	}
	e.ring.add(now, client.took, failed)
	if failed || len(e.exemplars.list) == 0 || client.took > e.exemplars.slowest() {
		ex := exemplar(client, now)
		ex.Failed = failed
		e.exemplars.add(ex)
	}
}

// shared is the alias of a name behind which several services answer, such as a load balancer's.
const shared = "{several}"

// learn notes under which name callers know a service that answers with spans, so that a call whose other half is missing
// is not taken for one to somebody else. Edges made before that was known go.
func (s *Store) learn(client *span, service string) {
	name := client.peer
	known := s.aliases[name]
	if name == "" || name == service || known == service || known == shared || service == OtherName {
		return
	}
	if known != "" {
		s.aliases[name] = shared
		return
	}
	if len(s.aliases) >= s.opt.Services*4 {
		clear(s.aliases) // it is learnt again within moments
	}
	s.aliases[name] = service
	for k, e := range s.edges {
		if k.to == name && e.uninstrumented {
			delete(s.edges, k)
		}
	}
}

func (s *Store) edge(key edgeKey, client, server *span, now time.Time) *edge {
	e, ok := s.edges[key]
	again := ok && now.Sub(e.last) > 30*24*time.Hour
	if !ok {
		other := edgeKey{OtherName, OtherName}
		if len(s.edges) >= s.opt.Edges && key != other && !s.dropIdleEdge(now) {
			s.stats.OtherEdges++
			return s.edge(other, client, server, now)
		}
		e = &edge{key: key, via: client.via, uninstrumented: server == nil, born: now, first: now}
		s.edges[key] = e
	}
	if !ok || again {
		s.observe(Observed{From: key.from, To: key.to, Via: e.via, Uninstrumented: server == nil,
			TraceID: client.trace.String(), At: now})
	}
	return e
}

func (s *Store) dropIdleEdge(now time.Time) bool {
	if now.Before(s.nextSweep) {
		return false
	}
	var oldest *edge
	for _, v := range s.edges {
		if now.Sub(v.last) >= s.opt.Idle && (oldest == nil || v.last.Before(oldest.last)) {
			oldest = v
		}
	}
	if oldest == nil {
		s.nextSweep = now.Add(sweepEvery)
		return false
	}
	delete(s.edges, oldest.key)
	return true
}

// Exemplar is one call that can be looked at.
type Exemplar struct {
	TraceID string
	SpanID  string
	At      time.Time // when we received it
	Took    time.Duration
	Failed  bool

	trace pcommon.TraceID
	span  pcommon.SpanID
}

func exemplar(sp *span, now time.Time) Exemplar {
	return Exemplar{sp.trace.String(), sp.id.String(), now, sp.took, sp.failed, sp.trace, sp.id}
}

// exemplars are the last few calls worth looking at, newest last.
type exemplars struct{ list []Exemplar }

const maxExemplars = 4

func (x *exemplars) add(e Exemplar) {
	if len(x.list) == maxExemplars {
		x.list = append(x.list[:0], x.list[1:]...)
	}
	x.list = append(x.list, e)
}

func (x *exemplars) slowest() time.Duration {
	var d time.Duration
	for _, e := range x.list {
		d = max(d, e.Took)
	}
	return d
}

// newest copies them, newest first.
func (x *exemplars) newest() []Exemplar {
	l := slices.Clone(x.list)
	slices.Reverse(l)
	return l
}
