package trace

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// pairKey joins the two halves of a call: the trace, and the calling span.
type pairKey struct {
	trace pcommon.TraceID
	span  pcommon.SpanID
}

// half is one side of a call that waits for the other. A calling half stays for its whole wait, because one message may
// have several receivers.
type half struct {
	key    pairKey
	span   span
	due    time.Time
	joined bool
}

// pairs are the waiting halves, by key and in order of arrival. Wait is the same for all, so arrival is also due order.
type pairs struct {
	waiting map[pairKey]*half
	queue   []*half
	head    int
}

func newPairs() pairs { return pairs{waiting: map[pairKey]*half{}} }

// pair joins a span with its other half, or has it wait.
func (s *Store) pair(sp span, now time.Time) {
	switch {
	case sp.exit() && sp.via == "db" && sp.peer != "":
		s.call(&sp, nil, now) // databases do not answer with spans
	case sp.exit():
		s.pairExit(sp, now)
	case sp.entry():
		s.pairEntry(sp, now)
	}
}

func (s *Store) pairExit(sp span, now time.Time) {
	key := pairKey{sp.trace, sp.id}
	other := s.pairs.waiting[key]
	if other == nil {
		s.wait(&half{key: key, span: sp, due: now.Add(s.opt.Wait)})
		return
	}
	if other.span.entry() && !other.joined {
		other.joined = true
		s.call(&sp, &other.span, now)
	}
}

func (s *Store) pairEntry(sp span, now time.Time) {
	keys := sp.links
	if !sp.parent.IsEmpty() {
		keys = append([]pairKey{{sp.trace, sp.parent}}, keys...)
	}
	if len(keys) == 0 {
		return // the root: nobody called
	}
	for _, key := range keys {
		if other := s.pairs.waiting[key]; other != nil && other.span.exit() {
			other.joined = true
			s.call(&other.span, &sp, now)
			return
		}
	}
	if s.pairs.waiting[keys[0]] == nil {
		s.wait(&half{key: keys[0], span: sp, due: now.Add(s.opt.Wait)})
	} else {
		s.stats.Unpaired++
	}
}

// wait puts a half in line; the oldest gives way when the line is full.
func (s *Store) wait(h *half) {
	p := &s.pairs
	if len(p.waiting) >= s.opt.Pending {
		s.stats.DroppedPairs++
		s.giveUp(p.pop(), h.due.Add(-s.opt.Wait))
	}
	p.waiting[h.key] = h
	p.queue = append(p.queue, h)
}

func (p *pairs) pop() *half {
	h := p.queue[p.head]
	p.queue[p.head] = nil
	p.head++
	if p.head > 1024 && p.head*2 > len(p.queue) {
		p.queue = append([]*half(nil), p.queue[p.head:]...)
		p.head = 0
	}
	delete(p.waiting, h.key)
	return h
}

// expire gives up the halves whose wait is over.
func (s *Store) expire(now time.Time) {
	p := &s.pairs
	for p.head < len(p.queue) && !p.queue[p.head].due.After(now) {
		s.giveUp(p.pop(), now)
	}
}

// giveUp ends a wait: a caller that names its peer called something without instrumentation.
func (s *Store) giveUp(h *half, now time.Time) {
	switch {
	case h.joined:
	case h.span.exit() && h.span.peer != "":
		s.call(&h.span, nil, now)
	default:
		s.stats.Unpaired++
	}
}
