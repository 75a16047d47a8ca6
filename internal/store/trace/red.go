package trace

import (
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace"
)

// service is one service.name that sends spans, or a peer that others name.
type service struct {
	name     string
	resource resource
	first    time.Time
	last     time.Time
	ops      int
	ring     ring
}

type opKey struct {
	service string
	kind    ptrace.SpanKind
	name    string
}

// operation counts the spans of one name and kind within a service.
type operation struct {
	key         opKey
	born        time.Time
	last        time.Time
	fine, erred uint64
	durations   durations
	exemplars   exemplars
	sent        uint64 // durations.count at the last emission with an exemplar
}

// service finds or makes the service of a span. Past the limit a silent one gives way, else OtherName takes it.
func (s *Store) service(r resource, now time.Time) *service {
	svc, ok := s.services[r.service]
	if !ok {
		if len(s.services) >= s.opt.Services && r.service != OtherName && !s.dropIdleService(now) {
			s.stats.OtherServices++
			return s.service(resource{service: OtherName}, now)
		}
		svc = &service{name: r.service, first: now}
		s.services[r.service] = svc
		s.observe(Observed{Service: r.service, At: now})
	}
	svc.resource, svc.last = r, now
	return svc
}

// operation finds or makes the operation of a span; nil for steps inside a service, which would only multiply series.
func (s *Store) operation(sp *span, now time.Time) *operation {
	if !sp.entry() && !sp.exit() {
		return nil
	}
	key := opKey{sp.service, sp.kind, sp.name}
	op, ok := s.ops[key]
	if !ok {
		svc := s.services[sp.service]
		full := svc.ops >= s.opt.PerService || len(s.ops) >= s.opt.Operations
		if full && sp.name != OtherName && !s.dropIdleOperation(sp.service, now) {
			s.stats.OtherOps++
			other := *sp
			other.name = OtherName
			return s.operation(&other, now)
		}
		op = &operation{key: key, born: now}
		s.ops[key] = op
		svc.ops++
	}
	op.last = now
	return op
}

// count adds a span and says whether it was notably slow: beyond what 99 of 100 calls of this operation took so far,
// among at least 100, and at least 50 ms.
func (o *operation) count(sp *span, now time.Time) (slow bool) {
	slow = sp.took >= 50*time.Millisecond && o.durations.count >= 100 && o.durations.above(sp.took.Seconds()) < 0.01
	if sp.erred {
		o.erred++
	} else {
		o.fine++
	}
	o.durations.add(sp.took)
	if sp.failed || slow || o.durations.count == o.sent+1 {
		o.exemplars.add(exemplar(sp, now))
	}
	return slow
}

func (s *Store) dropIdleService(now time.Time) bool {
	if now.Before(s.nextSweep) {
		return false
	}
	var oldest *service
	for _, v := range s.services {
		if v.name != OtherName && now.Sub(v.last) >= s.opt.Idle && (oldest == nil || v.last.Before(oldest.last)) {
			oldest = v
		}
	}
	if oldest == nil {
		s.nextSweep = now.Add(sweepEvery)
		return false
	}
	for k := range s.ops {
		if k.service == oldest.name {
			delete(s.ops, k)
		}
	}
	delete(s.services, oldest.name)
	return true
}

// dropIdleOperation makes room: of the service where it is full, of all where the store is.
func (s *Store) dropIdleOperation(service string, now time.Time) bool {
	if now.Before(s.nextSweep) {
		return false
	}
	within := s.services[service].ops >= s.opt.PerService
	var oldest *operation
	for k, v := range s.ops {
		if (!within || k.service == service) && now.Sub(v.last) >= s.opt.Idle && (oldest == nil || v.last.Before(oldest.last)) {
			oldest = v
		}
	}
	if oldest == nil {
		s.nextSweep = now.Add(sweepEvery)
		return false
	}
	delete(s.ops, oldest.key)
	s.services[oldest.key.service].ops--
	return true
}
