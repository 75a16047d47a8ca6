package trace

import (
	"container/list"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// Trace is what is known of one notable trace.
type Trace struct {
	ID      string
	Seen    time.Time // when its first span arrived
	Failed  bool
	Slow    bool
	Root    string // operation of the span without a parent, or of the first that came
	Service string // that span's service
	Took    time.Duration
	Spans   []Span // in order of arrival; at most Options.TraceSpans
	Left    int    // spans there was no room for
}

// Span is one step of a Trace.
type Span struct {
	ID, Parent string
	Service    string
	Version    string // service.version
	Name       string
	Kind       string // server, client, producer, consumer, internal, unspecified
	Start      time.Time
	Took       time.Duration
	Failed     bool
	HTTPStatus int
	Message    string // of a failed span
	Peer       string // of a call
}

// traces are the recent ones, oldest first, and the notable ones, which stay longer.
type traces struct {
	byID    map[pcommon.TraceID]*held
	recent  *list.List // of *held
	notable *list.List // of *held
	spans   int        // held by recent traces
}

type held struct {
	id      pcommon.TraceID
	trace   Trace
	at      *list.Element
	notable bool
}

func newTraces() traces {
	return traces{byID: map[pcommon.TraceID]*held{}, recent: list.New(), notable: list.New()}
}

// keep files a span under its trace. A failed or slow span makes the trace notable.
func (s *Store) keep(sp *span, slow bool, now time.Time) {
	t := &s.traces
	h := t.byID[sp.trace]
	if h == nil {
		h = &held{id: sp.trace, trace: Trace{ID: sp.trace.String(), Seen: now}}
		h.at = t.recent.PushBack(h)
		t.byID[sp.trace] = h
	}
	s.file(h, sp, slow)
	if (h.trace.Failed || h.trace.Slow) && !h.notable {
		t.recent.Remove(h.at)
		t.spans -= len(h.trace.Spans)
		h.notable = true
		h.at = t.notable.PushBack(h)
	}
	for t.spans > s.opt.Recent || t.recent.Len() > s.opt.Recent {
		t.drop(t.recent)
	}
	for t.notable.Len() > s.opt.Notable {
		t.drop(t.notable)
	}
}

func (s *Store) file(h *held, sp *span, slow bool) {
	tr := &h.trace
	tr.Failed = tr.Failed || sp.failed
	tr.Slow = tr.Slow || slow
	if tr.Root == "" || sp.parent.IsEmpty() {
		tr.Root, tr.Service, tr.Took = sp.name, sp.service, sp.took
	}
	if len(tr.Spans) >= s.opt.TraceSpans {
		tr.Left++
		s.stats.DroppedSpans++
		return
	}
	out := Span{ID: sp.id.String(), Service: sp.service, Version: sp.resource.version, Name: sp.name, Kind: kindName(sp.kind),
		Start: sp.start, Took: sp.took, Failed: sp.failed, HTTPStatus: sp.status, Message: sp.message, Peer: sp.peer}
	if !sp.parent.IsEmpty() {
		out.Parent = sp.parent.String()
	}
	tr.Spans = append(tr.Spans, out)
	if !h.notable {
		s.traces.spans++
	}
}

// drop forgets the oldest of a list.
func (t *traces) drop(l *list.List) {
	h := l.Remove(l.Front()).(*held)
	if !h.notable {
		t.spans -= len(h.trace.Spans)
	}
	delete(t.byID, h.id)
}
