package trace_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"pgregory.net/rapid"

	"evenkeel.dev/evenkeel/internal/store/trace"
)

var t0 = time.Date(2026, 10, 22, 12, 0, 30, 0, time.UTC)

// sent is a span as a test writes it.
type sent struct {
	service, name string
	kind          ptrace.SpanKind
	trace, id     byte
	parent        byte
	took          time.Duration
	failed        bool
	attrs         map[string]any
	link          [2]byte // trace, span
}

const (
	server   = ptrace.SpanKindServer
	client   = ptrace.SpanKindClient
	producer = ptrace.SpanKindProducer
	consumer = ptrace.SpanKindConsumer
)

func batch(spans ...sent) ptrace.Traces {
	td := ptrace.NewTraces()
	for _, s := range spans {
		rs := td.ResourceSpans().AppendEmpty()
		if s.service != "" {
			rs.Resource().Attributes().PutStr("service.name", s.service)
		}
		sp := rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
		sp.SetName(s.name)
		sp.SetKind(s.kind)
		sp.SetTraceID(pcommon.TraceID{s.trace})
		sp.SetSpanID(pcommon.SpanID{s.id})
		sp.SetParentSpanID(pcommon.SpanID{s.parent})
		sp.SetStartTimestamp(pcommon.NewTimestampFromTime(t0))
		sp.SetEndTimestamp(pcommon.NewTimestampFromTime(t0.Add(s.took)))
		if s.failed {
			sp.Status().SetCode(ptrace.StatusCodeError)
		}
		_ = sp.Attributes().FromRaw(s.attrs)
		if s.link != [2]byte{} {
			l := sp.Links().AppendEmpty()
			l.SetTraceID(pcommon.TraceID{s.link[0]})
			l.SetSpanID(pcommon.SpanID{s.link[1]})
		}
	}
	return td
}

// lines prints a graph: "a -> b via calls/errors", a star for an uninstrumented far end.
func lines(edges []trace.Edge) []string {
	var out []string
	for _, e := range edges {
		star := ""
		if e.Uninstrumented {
			star = "*"
		}
		out = append(out, fmt.Sprintf("%s -> %s%s %s %d/%d", e.From, e.To, star, e.Via, e.Calls, e.Errors))
	}
	return out
}

func expect(t *testing.T, s *trace.Store, now time.Time, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, lines(s.Graph(now, time.Hour))); d != "" {
		t.Errorf("graph (-want +got):\n%s", d)
	}
}

var http200 = map[string]any{"http.request.method": "GET", "http.response.status_code": int64(200), "server.address": "b.example"}

func TestClientAndServerSpansMakeAnEdgeInWhateverOrderTheyCome(t *testing.T) {
	call := sent{service: "a", name: "GET", kind: client, trace: 1, id: 2, parent: 1, took: 30 * time.Millisecond, attrs: http200}
	answer := sent{service: "b", name: "GET /x", kind: server, trace: 1, id: 3, parent: 2, took: 20 * time.Millisecond}
	for _, order := range [][]sent{{call, answer}, {answer, call}} {
		s := trace.New(trace.Options{}, t0)
		for i, sp := range order {
			s.Consume(batch(sp), t0.Add(time.Duration(i)*time.Second))
		}
		expect(t, s, t0.Add(time.Minute), "a -> b http 1/0")
		e := s.Graph(t0.Add(time.Minute), time.Hour)[0]
		if e.Uninstrumented || e.P50 < 25*time.Millisecond || e.P50 > 40*time.Millisecond {
			t.Errorf("edge %+v; the caller's 30 ms count", e)
		}
		if len(e.Exemplars) != 1 || e.Exemplars[0].SpanID != "0200000000000000" {
			t.Errorf("exemplars %+v", e.Exemplars)
		}
	}
}

func TestPeersWithoutSpansAreNamedByTheirCallers(t *testing.T) {
	for name, c := range map[string]struct {
		attrs map[string]any
		kind  ptrace.SpanKind
		want  string
	}{
		"peer.service first":      {map[string]any{"peer.service": "ledger", "db.system": "postgresql", "db.name": "x"}, client, "a -> ledger* db 1/0"},
		"a database by its name":  {map[string]any{"db.system.name": "postgresql", "db.namespace": "orders"}, client, "a -> orders (postgresql)* db 1/0"},
		"a nameless database":     {map[string]any{"db.system": "redis"}, client, "a -> redis* db 1/0"},
		"a host":                  {map[string]any{"http.request.method": "GET", "server.address": "api.example", "server.port": int64(443)}, client, "a -> api.example* http 1/0"},
		"an address and its port": {map[string]any{"http.method": "GET", "net.peer.name": "127.0.0.1", "net.peer.port": int64(81)}, client, "a -> 127.0.0.1:81* http 1/0"},
		"a topic":                 {map[string]any{"messaging.system": "kafka", "messaging.destination.name": "orders"}, producer, "a -> orders* messaging 1/0"},
		"an rpc service":          {map[string]any{"rpc.system": "grpc", "rpc.service": "shop.Cart"}, client, "a -> shop.Cart* rpc 1/0"},
	} {
		t.Run(name, func(t *testing.T) {
			s := trace.New(trace.Options{Wait: 5 * time.Second}, t0)
			s.Consume(batch(sent{service: "a", name: "call", kind: c.kind, trace: 1, id: 2, attrs: c.attrs}), t0)
			expect(t, s, t0.Add(6*time.Second), c.want)
		})
	}
}

func TestALateOtherHalfDoesNotMakeAStranger(t *testing.T) {
	s := trace.New(trace.Options{Wait: time.Second}, t0)
	call := func(id byte) sent {
		return sent{service: "a", kind: client, name: "GET", trace: 1, id: id, attrs: http200}
	}
	s.Consume(batch(call(2)), t0)
	expect(t, s, t0.Add(2*time.Second), "a -> b.example* http 1/0")
	s.Consume(batch(call(3), sent{service: "b", kind: server, name: "GET /x", trace: 1, id: 9, parent: 3}), t0.Add(3*time.Second))
	s.Consume(batch(call(4)), t0.Add(4*time.Second)) // never answered
	expect(t, s, t0.Add(9*time.Second), "a -> b http 2/0")
}

func TestOneMessageMayHaveSeveralReceiversEvenByLink(t *testing.T) {
	s := trace.New(trace.Options{}, t0)
	s.Consume(batch(
		sent{service: "a", kind: producer, name: "send", trace: 1, id: 2, attrs: map[string]any{"messaging.system": "nats", "messaging.destination.name": "q"}},
		sent{service: "b", kind: consumer, name: "process", trace: 1, id: 3, parent: 2},
		sent{service: "c", kind: consumer, name: "process", trace: 7, id: 4, link: [2]byte{1, 2}, failed: true},
	), t0)
	expect(t, s, t0.Add(time.Minute), "a -> b messaging 1/0", "a -> c messaging 1/1")
}

func TestAClientErrorOf404IsNoFailureOfTheEdge(t *testing.T) {
	s := trace.New(trace.Options{}, t0)
	code := func(n int64) map[string]any {
		return map[string]any{"http.request.method": "GET", "http.response.status_code": n, "peer.service": "b"}
	}
	s.Consume(batch(
		sent{service: "a", kind: client, name: "GET", trace: 1, id: 2, failed: true, attrs: code(404)},
		sent{service: "a", kind: client, name: "GET", trace: 1, id: 3, failed: true, attrs: code(503)},
		sent{service: "a", kind: client, name: "GET", trace: 1, id: 4, failed: true, attrs: map[string]any{"http.request.method": "GET", "peer.service": "b"}},
	), t0)
	expect(t, s, t0.Add(time.Minute), "a -> b* http 3/2")
}

func TestNewServicesAndEdgesAreReportedOnce(t *testing.T) {
	s := trace.New(trace.Options{}, t0)
	pair := batch(sent{service: "a", kind: client, name: "GET", trace: 1, id: 2, attrs: http200}, sent{service: "b", kind: server, name: "GET /", trace: 1, id: 3, parent: 2})
	s.Consume(pair, t0)
	want := []trace.Observed{{Service: "a", At: t0}, {Service: "b", At: t0}, {From: "a", To: "b", Via: "http", TraceID: "01000000000000000000000000000000", At: t0}}
	if d := cmp.Diff(want, s.Observed()); d != "" {
		t.Error(d)
	}
	s.Consume(pair, t0.Add(time.Second))
	if o := s.Observed(); o != nil {
		t.Errorf("again: %+v", o)
	}
}

func TestFailedTracesCanBeLookedUpWithTheSpansThatCameBeforeTheFailure(t *testing.T) {
	s := trace.New(trace.Options{}, t0)
	s.Consume(batch(sent{service: "a", kind: server, name: "GET /", trace: 9, id: 1, took: time.Second}), t0)
	s.Consume(batch(sent{service: "b", kind: server, name: "POST /y", trace: 9, id: 2, parent: 1, failed: true}), t0)
	list := s.Notable()
	if len(list) != 1 || !list[0].Failed || list[0].Root != "GET /" || list[0].Service != "a" {
		t.Fatalf("notable %+v", list)
	}
	tr, ok := s.Trace(list[0].ID)
	if !ok || len(tr.Spans) != 2 || tr.Spans[1].Parent != "0100000000000000" || !tr.Spans[1].Failed {
		t.Errorf("trace %+v", tr)
	}
	for _, id := range []string{"", "zz", "01", list[0].ID + "00", "00000000000000000000000000000001"} {
		if _, ok := s.Trace(id); ok {
			t.Errorf("id %q names a trace", id)
		}
	}
}

func TestSpansWithoutIdentityAreRejectedAndCounted(t *testing.T) {
	s := trace.New(trace.Options{}, t0)
	n := s.Consume(batch(
		sent{name: "no service", kind: server, trace: 1, id: 1},
		sent{service: "a", name: "no id", kind: server, trace: 1},
		sent{service: "a", name: "no trace", kind: server, id: 1},
		sent{service: "a", name: "fine", kind: server, trace: 1, id: 1},
	), t0)
	if st := s.Stats(); n != 3 || st.Rejected != 3 || st.Spans != 1 {
		t.Errorf("rejected %d, stats %+v", n, st)
	}
}

// values reads float and histogram counts by "metric{attr values}".
func values(md pmetric.Metrics) map[string]int64 {
	out := map[string]int64{}
	for _, rm := range md.ResourceMetrics().All() {
		for _, sm := range rm.ScopeMetrics().All() {
			for _, m := range sm.Metrics().All() {
				key := func(a pcommon.Map) string { return fmt.Sprint(m.Name(), a.AsRaw()) }
				switch m.Type() {
				case pmetric.MetricTypeSum:
					for _, p := range m.Sum().DataPoints().All() {
						out[key(p.Attributes())] = p.IntValue()
					}
				case pmetric.MetricTypeHistogram:
					for _, p := range m.Histogram().DataPoints().All() {
						out["classic "+key(p.Attributes())] = int64(p.Count())
					}
				case pmetric.MetricTypeExponentialHistogram:
					for _, p := range m.ExponentialHistogram().DataPoints().All() {
						out["native "+key(p.Attributes())] = int64(p.Count())
					}
				}
			}
		}
	}
	return out
}

func TestMetricsCountCallsErrorsAndDurationsInBothForms(t *testing.T) {
	s := trace.New(trace.Options{}, t0)
	for i := range byte(10) {
		s.Consume(batch(sent{service: "a", kind: server, name: "GET", trace: i + 1, id: 1, took: time.Duration(i) * time.Millisecond, failed: i < 3,
			attrs: map[string]any{"http.request.method": "GET", "http.route": "/items/{id}"}}), t0)
	}
	got := values(s.Metrics(t0.Add(10 * time.Second)))
	op := "service.name:a span.kind:SPAN_KIND_SERVER span.name:GET /items/{id}"
	for key, want := range map[string]int64{
		"traces.span.metrics.callsmap[" + op + " status.code:STATUS_CODE_ERROR]": 3,
		"traces.span.metrics.callsmap[" + op + " status.code:STATUS_CODE_UNSET]": 7,
		"classic traces.span.metrics.durationmap[" + op + "]":                    10,
		"native traces.span.metrics.durationmap[" + op + "]":                     10,
	} {
		if got[key] != want {
			t.Errorf("%s is %d, want %d; all: %v", key, got[key], want, got)
		}
	}
	if quiet := values(s.Metrics(t0.Add(time.Hour))); quiet["classic traces.span.metrics.durationmap["+op+"]"] != 0 {
		t.Error("an operation that was silent for an hour is still sent")
	}
}

func TestLimitsHoldAndWhatIsOverThemIsCountedUnderOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := trace.Options{Services: 3, Operations: 12, PerService: 3, Edges: 4, Pending: 5, Recent: 20, Notable: 3, TraceSpans: 4}
		s := trace.New(o, t0)
		now := t0
		spans := uint64(0)
		for range rapid.IntRange(1, 60).Draw(t, "batches") {
			now = now.Add(time.Duration(rapid.IntRange(0, 8000).Draw(t, "ms")) * time.Millisecond)
			sp := sent{
				service: fmt.Sprint("s", rapid.IntRange(0, 8).Draw(t, "service")),
				name:    fmt.Sprint("op", rapid.IntRange(0, 8).Draw(t, "op")),
				kind:    ptrace.SpanKind(rapid.IntRange(0, 6).Draw(t, "kind")),
				trace:   byte(rapid.IntRange(1, 9).Draw(t, "trace")), id: byte(rapid.IntRange(1, 9).Draw(t, "id")),
				parent: byte(rapid.IntRange(0, 9).Draw(t, "parent")), failed: rapid.Bool().Draw(t, "failed"),
				took:  time.Duration(rapid.Int64().Draw(t, "took")),
				attrs: map[string]any{"peer.service": fmt.Sprint("p", rapid.IntRange(0, 8).Draw(t, "peer"))},
			}
			s.Consume(batch(sp), now)
			spans++
		}
		st := s.Stats()
		if st.Services > o.Services+1 || st.Operations > o.Operations+4*(o.Services+1) || st.Edges > o.Edges+1 || st.Waiting > o.Pending || st.NotableTraces > o.Notable || st.RecentSpans > o.Recent {
			t.Fatalf("over a limit: %+v", st)
		}
		if st.Spans != spans {
			t.Fatalf("%d spans read, %d sent", st.Spans, spans)
		}
		s.Metrics(now)
		s.Graph(now, time.Hour)
		s.Services(now, time.Minute)
	})
}

func BenchmarkConsume(b *testing.B) {
	s := trace.New(trace.Options{}, t0)
	td := batch(sent{service: "a", kind: client, name: "GET", trace: 1, id: 2, attrs: http200},
		sent{service: "b", kind: server, name: "GET /x", trace: 1, id: 3, parent: 2, attrs: http200})
	spans := td.ResourceSpans()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		var id pcommon.TraceID
		id[0], id[1], id[2], id[3] = byte(n), byte(n>>8), byte(n>>16), 1
		for i := range 2 {
			spans.At(i).ScopeSpans().At(0).Spans().At(0).SetTraceID(id)
		}
		s.Consume(td, t0.Add(time.Duration(n)*100*time.Microsecond))
	}
	b.ReportMetric(float64(2*n)/b.Elapsed().Seconds(), "spans/s")
}
