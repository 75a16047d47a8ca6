package intake_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"evenkeel.dev/evenkeel/internal/intake"
	"evenkeel.dev/evenkeel/internal/kit"
)

// sink is the stores behind a receiver.
type sink struct {
	points   int
	spans    int
	rejected int64
	reason   string
	err      error
}

func (s *sink) options() intake.Options {
	return intake.Options{
		Now: time.Now,
		Metrics: func(_ context.Context, md pmetric.Metrics) (int64, string, error) {
			if s.err == nil {
				s.points += md.DataPointCount()
			}
			return s.rejected, s.reason, s.err
		},
		Traces: func(td ptrace.Traces, _ time.Time) int {
			s.spans += td.SpanCount()
			return int(s.rejected)
		},
	}
}

func metrics(n int) pmetricotlp.ExportRequest {
	md := pmetric.NewMetrics()
	ps := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptyGauge().DataPoints()
	for range n {
		ps.AppendEmpty().SetIntValue(1)
	}
	return pmetricotlp.NewExportRequestFromMetrics(md)
}

func spans(n int) ptraceotlp.ExportRequest {
	td := ptrace.NewTraces()
	ss := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for range n {
		ss.AppendEmpty().SetName("x")
	}
	return ptraceotlp.NewExportRequestFromTraces(td)
}

func logs(n int) plogotlp.ExportRequest {
	ld := plog.NewLogs()
	ls := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
	for range n {
		ls.AppendEmpty().Body().SetStr("hello")
	}
	return plogotlp.NewExportRequestFromLogs(ld)
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func zip(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, _ = w.Write(b)
	_ = w.Close()
	return buf.Bytes()
}

// post sends a body and returns the recorded answer.
func post(r *intake.Receiver, path string, body []byte, head ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	req.Header.Set("Content-Type", "application/x-protobuf")
	for i := 0; i+1 < len(head); i += 2 {
		req.Header.Set(head[i], head[i+1])
	}
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, req)
	return w
}

func TestHTTPTakesBothFormsPackedOrNot(t *testing.T) {
	for name, c := range map[string]struct {
		body []byte
		head []string
	}{
		"protobuf":        {must(metrics(3).MarshalProto()), nil},
		"json":            {must(metrics(3).MarshalJSON()), []string{"Content-Type", "application/json; charset=utf-8"}},
		"packed protobuf": {zip(must(metrics(3).MarshalProto())), []string{"Content-Encoding", "gzip"}},
		"packed json":     {zip(must(metrics(3).MarshalJSON())), []string{"Content-Encoding", "gzip", "Content-Type", "application/json"}},
	} {
		t.Run(name, func(t *testing.T) {
			var s sink
			w := post(intake.New(s.options()), "/v1/metrics", c.body, c.head...)
			if w.Code != http.StatusOK || s.points != 3 {
				t.Fatalf("status %d, %d points: %s", w.Code, s.points, w.Body)
			}
			want := "application/x-protobuf"
			if strings.Contains(name, "json") {
				want = "application/json"
			}
			if got := w.Header().Get("Content-Type"); got != want {
				t.Errorf("answered as %s, want %s", got, want)
			}
		})
	}
}

func TestRejectedPointsAreAPartialSuccessInWords(t *testing.T) {
	s := sink{rejected: 99, reason: "too old"}
	r := intake.New(s.options())
	w := post(r, "/v1/metrics", must(metrics(3).MarshalProto()))
	resp := pmetricotlp.NewExportResponse()
	if err := resp.UnmarshalProto(w.Body.Bytes()); err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d: %v", w.Code, err)
	}
	if p := resp.PartialSuccess(); p.RejectedDataPoints() != 3 || p.ErrorMessage() != "too old" {
		t.Errorf("rejected %d: %q; never more than were sent", p.RejectedDataPoints(), p.ErrorMessage())
	}
	m, _, _ := r.Counts()
	if m.Rejected != 3 || m.Items != 0 || m.Messages != 1 {
		t.Errorf("counts %+v", m)
	}
}

func TestLogsAreDeclinedWithAReasonThatKeepsSendersFromRetrying(t *testing.T) {
	w := post(intake.New((&sink{}).options()), "/v1/logs", must(logs(2).MarshalProto()))
	resp := plogotlp.NewExportResponse()
	if err := resp.UnmarshalProto(w.Body.Bytes()); err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d: %v", w.Code, err)
	}
	if p := resp.PartialSuccess(); p.RejectedLogRecords() != 2 || !strings.Contains(p.ErrorMessage(), "not stored") {
		t.Errorf("rejected %d: %q", p.RejectedLogRecords(), p.ErrorMessage())
	}
}

func TestRefusalsTellTheSenderWhetherToComeBack(t *testing.T) {
	good := must(metrics(1).MarshalProto())
	for name, c := range map[string]struct {
		err    error
		body   []byte
		head   []string
		limit  int64
		status int
		retry  bool
	}{
		"the store has no room":       {err: kit.Errorf(kit.Unavailable, "disk is full"), body: good, status: 503, retry: true},
		"the store broke":             {err: errors.New("secret path"), body: good, status: 503, retry: true},
		"nothing to write to":         {err: kit.Errorf(kit.Conflict, "metrics are read from elsewhere"), body: good, status: 422},
		"not protobuf":                {body: []byte("hello"), status: 400},
		"not JSON":                    {body: []byte("{"), head: []string{"Content-Type", "application/json"}, status: 400},
		"another form":                {body: good, head: []string{"Content-Type", "text/plain"}, status: 415},
		"another packing":             {body: good, head: []string{"Content-Encoding", "zstd"}, status: 415},
		"packed rubbish":              {body: good, head: []string{"Content-Encoding", "gzip"}, status: 400},
		"too large":                   {body: must(metrics(200).MarshalProto()), limit: 100, status: 413},
		"too large when unpacked":     {body: zip(make([]byte, 1<<20)), head: []string{"Content-Encoding", "gzip"}, limit: 10_000, status: 413},
		"JSON lists in lists":         {body: []byte(strings.Repeat("[", 100_000)), head: []string{"Content-Type", "application/json"}, status: 400},
		"protobuf values in values":   {body: nested(20_000), status: 400},
		"in JSON the answer is JSON":  {err: kit.Errorf(kit.Unavailable, "later"), body: must(metrics(1).MarshalJSON()), head: []string{"Content-Type", "application/json"}, status: 503, retry: true},
		"a body that ends too early":  {body: good[:len(good)-1], status: 400},
		"points without a home there": {err: kit.Errorf(kit.Invalid, "no"), body: good, status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			o := (&sink{err: c.err}).options()
			o.MaxBody = c.limit
			w := post(intake.New(o), "/v1/metrics", c.body, c.head...)
			if w.Code != c.status || (w.Header().Get("Retry-After") != "") != c.retry {
				t.Fatalf("status %d (want %d), Retry-After %q: %s", w.Code, c.status, w.Header().Get("Retry-After"), w.Body)
			}
			if w.Header().Get("Content-Type") == "application/json" {
				if !strings.Contains(w.Body.String(), `"message"`) {
					t.Errorf("body %s", w.Body)
				}
				return
			}
			var st rpc.Status
			if err := proto.Unmarshal(w.Body.Bytes(), &st); err != nil || st.Message == "" {
				t.Errorf("body is no Status with a message: %v", err)
			}
			if strings.Contains(st.Message, "secret") {
				t.Errorf("the sender learns of our insides: %s", st.Message)
			}
		})
	}
}

// nested is a metrics request with an attribute of lists in lists, n deep.
func nested(n int) []byte {
	field := func(tag byte, inner []byte) []byte {
		out := []byte{tag<<3 | 2}
		for l := len(inner); ; l >>= 7 {
			if l < 0x80 {
				out = append(out, byte(l))
				break
			}
			out = append(out, byte(l)|0x80)
		}
		return append(out, inner...)
	}
	v := field(1, []byte("x"))
	for range n {
		v = field(5, field(1, v)) // AnyValue.array_value, ArrayValue.values
	}
	return field(1, field(1, field(1, append(field(1, []byte("k")), field(2, v)...)))) // resource, attributes
}

func TestOnlyPostIsAnswered(t *testing.T) {
	w := httptest.NewRecorder()
	intake.New((&sink{}).options()).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/v1/traces", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("status %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestMetricsAreRefusedWithTheReasonWhereThereIsNoStore(t *testing.T) {
	r := intake.New(intake.Options{Now: time.Now, NoMetrics: "set metrics.write_url"})
	w := post(r, "/v1/metrics", must(metrics(1).MarshalProto()))
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "set metrics.write_url") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestTokensAreCheckedBeforeTheBodyIsRead(t *testing.T) {
	o := (&sink{}).options()
	o.Authorize = func(_ context.Context, token, _ string) error {
		if token != "good" {
			return kit.Errorf(kit.Denied, "token is unknown")
		}
		return nil
	}
	r := intake.New(o)
	unread := iotestReader{t}
	req := httptest.NewRequest(http.MethodPost, "/v1/traces", unread)
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, req)
	if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
		t.Errorf("status %d", w.Code)
	}
	if w := post(r, "/v1/metrics", must(metrics(1).MarshalProto()), "Authorization", "Bearer good"); w.Code != http.StatusOK {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

type iotestReader struct{ t *testing.T }

func (r iotestReader) Read([]byte) (int, error) {
	r.t.Error("the body of an unknown sender was read")
	return 0, io.EOF
}

// dial serves a receiver over gRPC on loopback.
func dial(t *testing.T, o intake.Options) *grpc.ClientConn {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := intake.New(o).Server()
	done := make(chan error, 1)
	go func() { done <- srv.Serve(lis) }()
	cc, err := grpc.NewClient(lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cc.Close()
		srv.Stop()
		<-done
	})
	return cc
}

func TestGRPCTakesTheThreeSignals(t *testing.T) {
	var s sink
	cc := dial(t, s.options())
	ctx := t.Context()
	if _, err := pmetricotlp.NewGRPCClient(cc).Export(ctx, metrics(4), grpc.UseCompressor("gzip")); err != nil || s.points != 4 {
		t.Errorf("%d points, %v", s.points, err)
	}
	if _, err := ptraceotlp.NewGRPCClient(cc).Export(ctx, spans(5)); err != nil || s.spans != 5 {
		t.Errorf("%d spans, %v", s.spans, err)
	}
	resp, err := plogotlp.NewGRPCClient(cc).Export(ctx, logs(6))
	if err != nil || resp.PartialSuccess().RejectedLogRecords() != 6 {
		t.Errorf("logs: %v", err)
	}
}

func TestGRPCRefusalsCarryARetryDelayWhereComingBackHelps(t *testing.T) {
	s := sink{err: kit.Errorf(kit.Unavailable, "disk is full")}
	o := s.options()
	o.MaxBody = 1 << 20
	o.Authorize = func(_ context.Context, token, remote string) error {
		if token != "good" || remote == "" {
			return kit.Errorf(kit.Denied, "token is unknown")
		}
		return nil
	}
	c := pmetricotlp.NewGRPCClient(dial(t, o))
	_, err := c.Export(t.Context(), metrics(1))
	if status.Code(err) != codes.Unauthenticated {
		t.Errorf("without a token: %v", err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer good")
	_, err = c.Export(ctx, metrics(1))
	st := status.Convert(err)
	if st.Code() != codes.Unavailable || len(st.Details()) != 1 {
		t.Fatalf("full: %v", err)
	}
	if d, ok := st.Details()[0].(*errdetails.RetryInfo); !ok || d.RetryDelay.AsDuration() <= 0 {
		t.Errorf("details %v", st.Details())
	}
	s.err = kit.Errorf(kit.Conflict, "no write_url")
	if _, err = c.Export(ctx, metrics(1)); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("no store: %v", err)
	}
	if _, err = c.Export(ctx, metrics(300_000)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("too large: %v", err)
	}
	deep := pmetricotlp.NewExportRequest()
	if err := deep.UnmarshalProto(nested(400)); err != nil {
		t.Fatal(err)
	}
	if _, err = c.Export(ctx, deep); err == nil || !strings.Contains(err.Error(), "nested") {
		t.Errorf("too deep: %v", err)
	}
}

// FuzzAnyBody sends rubbish in either form: an answer of the protocol comes back, and nothing panics.
func FuzzAnyBody(f *testing.F) {
	for _, b := range [][]byte{must(metrics(2).MarshalProto()), must(metrics(2).MarshalJSON()), must(spans(2).MarshalProto()),
		must(logs(1).MarshalJSON()), zip(must(spans(1).MarshalJSON())), nested(3), nested(100), []byte(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{"asInt":"9"}]}}]}]}]}`)} {
		f.Add(b, byte(0))
		f.Add(b, byte(7))
	}
	f.Fuzz(func(t *testing.T, body []byte, how byte) {
		var s sink
		r := intake.New(s.options())
		path := []string{"/v1/metrics", "/v1/traces", "/v1/logs"}[how%3]
		kind := []string{"application/x-protobuf", "application/json"}[how/3%2]
		packing := []string{"", "gzip"}[how/6%2]
		w := post(r, path, body, "Content-Type", kind, "Content-Encoding", packing)
		switch w.Code {
		case 200, 400, 413:
		default:
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
	})
}
