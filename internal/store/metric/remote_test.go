package metric

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/prometheus/model/histogram"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"pgregory.net/rapid"

	"evenkeel.dev/evenkeel/internal/kit"
)

func remoteTo(t *testing.T, h http.HandlerFunc, change ...func(*RemoteOptions)) *Remote {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	o := RemoteOptions{URL: srv.URL, Timeout: 200 * time.Millisecond, MaxBytes: 1 << 20}
	for _, c := range change {
		c(&o)
	}
	r, err := NewRemote(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// hang waits until the client gives up, which a server notices once it has read the body.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

func TestASourceThatHangsFailsOrLiesIsNamed(t *testing.T) {
	answer := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); fmt.Fprint(w, body) }
	}
	matrix := func(values string) http.HandlerFunc {
		return answer(200, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"b"},"values":`+values+`}]}}`)
	}
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		code kit.Code
		text string
	}{
		"hangs": {hang, kit.Unavailable, "no answer within 200ms"},
		"hangs in the body": {func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "{")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, kit.Unavailable, "no answer within 200ms"},
		"5xx": {answer(502, "<h1>Bad gateway</h1>"), kit.Unavailable, "status 502"},
		"redirects": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		}, kit.Unavailable, "redirects to"},
		"not a Prometheus":     {answer(200, "<html>"), kit.Unavailable, "no Prometheus API"},
		"404":                  {answer(404, "404 page not found"), kit.Unavailable, "status 404"},
		"401":                  {answer(401, "who are you"), kit.Denied, "does not let us in"},
		"a wrong question":     {answer(400, `{"status":"error","errorType":"bad_data","error":"parse error"}`), kit.Invalid, "parse error"},
		"too many samples":     {answer(422, `{"status":"error","errorType":"execution","error":"query processing would load too many samples into memory"}`), kit.TooLarge, "too many samples"},
		"a vector":             {answer(200, `{"status":"success","data":{"resultType":"vector","result":[]}}`), kit.Unavailable, "matrix was due"},
		"a number for a value": {matrix(`[[1,2]]`), kit.Unavailable, "not text"},
		"words for a value":    {matrix(`[[1,"x"]]`), kit.Unavailable, "not a number"},
		"an endless time":      {matrix(`[[1e300,"1"]]`), kit.Unavailable, "out of range"},
		"a time not asked for": {matrix(`[[1,"1"]]`), kit.Unavailable, "was asked"},
		"a pair of three":      {matrix(`[[1]]`), kit.Unavailable, "not a pair"},
		"null":                 {answer(200, `{"status":"success","data":null}`), kit.Unavailable, "matrix was due"},
		"gigabytes": {func(w http.ResponseWriter, _ *http.Request) {
			for range 64 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, kit.TooLarge, "more than 1.0 MiB"},
	} {
		r := remoteTo(t, c.h)
		err := r.Raw(context.Background(), "a", base, base.Add(5*time.Second), func(Series) error { return nil })
		if kit.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.text) || len(err.Error()) > 700 {
			t.Errorf("%s: %v (%s), want %s with %q", name, err, kit.CodeOf(err), c.code, c.text)
		}
	}
	gone := remoteTo(t, answer(200, ""), func(o *RemoteOptions) { o.URL = "http://u:secret@127.0.0.1:1" })
	if _, err := gone.Ping(context.Background()); kit.CodeOf(err) != kit.Unavailable || strings.Contains(err.Error(), "secret") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestLongRangesShrinkUntilTheyFit(t *testing.T) {
	var asked []string
	r := remoteTo(t, func(w http.ResponseWriter, req *http.Request) {
		q := req.FormValue("query")
		asked = append(asked, q)
		ms := 0
		if _, err := fmt.Sscanf(q, "a[%dms]", &ms); err != nil || ms > 2_000_000 {
			w.WriteHeader(422)
			fmt.Fprint(w, `{"status":"error","errorType":"execution","error":"too many samples"}`)
			return
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
	})
	if err := r.Raw(context.Background(), "a", base.Add(-6*time.Hour), base, nil); err != nil {
		t.Error(err)
	}
	if asked[0] != "a[7200000ms]" || asked[1] != "a[1800000ms]" || len(asked) > 40 {
		t.Errorf("asked %d times: %v", len(asked), asked)
	}
}

func TestCredentialsAndHeadersAreSent(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("t0ken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, auth := range map[string]Auth{
		"Bearer t0ken tenant": {BearerFile: token, Headers: map[string]string{"X-Scope-OrgID": "tenant"}},
		"Basic dTpw ":         {User: "u", Password: "p"},
		"Basic dTp0MGtlbg== ": {User: "u", PassFile: token},
		"Bearer direct ":      {Bearer: "direct"},
		" second":             {Headers: map[string]string{"X-Scope-OrgID": "second"}},
	} {
		got := ""
		r := remoteTo(t, func(w http.ResponseWriter, req *http.Request) {
			got = req.Header.Get("Authorization") + " " + req.Header.Get("X-Scope-OrgID")
			fmt.Fprint(w, `{"status":"success","data":{"version":"3"}}`)
		}, func(o *RemoteOptions) { o.Auth = auth })
		if _, err := r.Ping(context.Background()); err != nil || got != want {
			t.Errorf("got %q, want %q, err %v", got, want, err)
		}
	}
	for _, url := range []string{"", "prometheus:9090", "ftp://a", "http://"} {
		if _, err := NewRemote(RemoteOptions{URL: url}); kit.CodeOf(err) != kit.Invalid {
			t.Errorf("URL %q: %v", url, err)
		}
	}
}

func TestServersThatOnlyTakeGETAreAskedByGET(t *testing.T) {
	r := remoteTo(t, func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodGet {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		fmt.Fprint(w, `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]},"warnings":["careful"]}`)
	})
	v, warn, err := r.Query(context.Background(), "2", base)
	if err != nil || v.String() == "" || len(warn) != 1 {
		t.Errorf("%v %v %v", v, warn, err)
	}
}

func TestPushedTelemetryIsForwardedOrRefusedWithAReason(t *testing.T) {
	s := openStore(t)
	there := serveStore(t, s)
	ctx := context.Background()
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("jobs")
	p := m.SetEmptyGauge().DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(base))
	p.SetDoubleValue(3)

	refusing, err := NewRemote(RemoteOptions{URL: there})
	if err != nil {
		t.Fatal(err)
	}
	_, err = refusing.WriteOTLP(ctx, md)
	for _, err := range []error{err, refusing.Append(ctx, []kit.Sample{sample("a", 0, 1)})} {
		if kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), "metrics.write_url") {
			t.Errorf("without a write_url: %v", err)
		}
	}
	if code, text := post(serveStore(t, refusing), series("a", 1, base.UnixMilli())); code != 400 || !strings.Contains(text, "write_url") {
		t.Errorf("remote write without a write_url: %d %s", code, text)
	}

	forwarding, err := NewRemote(RemoteOptions{URL: there, WriteURL: there + "/api/v1/write"})
	if err != nil {
		t.Fatal(err)
	}
	if err := forwarding.Append(ctx, []kit.Sample{sample("a{x=1}", 0, 1)}); err != nil {
		t.Error(err)
	}
	if st, err := forwarding.WriteOTLP(ctx, md); err != nil || st.Points != 1 || st.Reason != "" {
		t.Errorf("%+v %v", st, err)
	}
	front := serveStore(t, forwarding)
	if code, text := post(front, series("b", 1, base.UnixMilli())); code != 204 {
		t.Errorf("remote write through us: %d %s", code, text)
	}
	if got := read(t, s, `{__name__=~"a|b|jobs"}`, base, base.Add(time.Second)); len(got) != 3 {
		t.Errorf("arrived: %v", got)
	}
	if code, text := ask(t, "POST", front+"/api/v1/query", map[string][]string{"query": {"a"}, "time": {fmt.Sprint(base.Unix())}}); code != 200 || !strings.Contains(text, `"vector"`) {
		t.Errorf("a query through us: %d %s", code, text)
	}
	if code, _ := ask(t, "POST", front+"/api/v1/admin/tsdb/delete_series", nil); code != 404 {
		t.Errorf("an admin call through us: %d", code)
	}
	if err := forwarding.Append(ctx, []kit.Sample{sample("a{x=1}", -48*time.Hour, 1)}); kit.CodeOf(err) != kit.Invalid {
		t.Errorf("a sample that is refused there: %v", err)
	}
}

// TestPrintedHistogramsAreRebuilt prints histograms as the HTTP API does and reads them back.
func TestPrintedHistogramsAreRebuilt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &histogram.FloatHistogram{Schema: int32(rapid.IntRange(-4, 8).Draw(t, "schema")), Sum: 3}
		n := rapid.IntRange(2, 8).Draw(t, "buckets")
		h.PositiveSpans = []histogram.Span{{Offset: int32(rapid.IntRange(-8, 8).Draw(t, "offset")), Length: uint32(n)}}
		for range n {
			h.PositiveBuckets = append(h.PositiveBuckets, float64(rapid.IntRange(1, 9).Draw(t, "count")))
		}
		if rapid.Bool().Draw(t, "zero") {
			h.ZeroThreshold, h.ZeroCount = math.Exp2(-128), 2
		}
		h.Count = h.ZeroCount
		var printed []bucket
		for it := h.AllBucketIterator(); it.Next(); {
			b := it.At()
			if b.Count == 0 {
				continue
			}
			printed = append(printed, bucket{b.Lower, b.Upper, b.Count})
			if b.Lower > 0 {
				h.Count += b.Count
			}
		}
		got, err := histogramOf(h.Count, h.Sum, printed)
		if err != nil {
			t.Fatal(err)
		}
		var back []bucket
		for it := got.AllBucketIterator(); it.Next(); {
			if b := it.At(); b.Count != 0 {
				back = append(back, bucket{b.Lower, b.Upper, b.Count})
			}
		}
		if d := cmp.Diff(printed, back, cmp.AllowUnexported(bucket{}), cmpopts.EquateApprox(1e-9, 0)); d != "" {
			t.Errorf("schema %d read as %d:\n%s", h.Schema, got.Schema, d)
		}
		if got.Schema != h.Schema {
			t.Errorf("schema %d read as %d", h.Schema, got.Schema)
		}
	})
	custom, err := histogramOf(6, 1, []bucket{{math.Inf(-1), 0.5, 1}, {0.5, 0.75, 2}, {3, math.Inf(1), 3}})
	if err != nil || custom.Schema != histogram.CustomBucketsSchema {
		t.Errorf("%v %v", custom, err)
	}
}

func TestNativeHistogramsComeOverHTTP(t *testing.T) {
	s := openStore(t)
	md := pmetric.NewMetrics()
	m := md.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
	m.SetName("latency")
	e := m.SetEmptyExponentialHistogram()
	e.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := e.DataPoints().AppendEmpty()
	p.SetTimestamp(pcommon.NewTimestampFromTime(base))
	p.SetScale(2)
	p.SetCount(10)
	p.SetSum(7)
	p.SetZeroCount(1)
	p.Positive().SetOffset(-3)
	p.Positive().BucketCounts().FromRaw([]uint64{2, 0, 3, 4})
	if st, err := s.WriteOTLP(context.Background(), md); err != nil || st.Reason != "" {
		t.Fatalf("%+v %v", st, err)
	}
	r, err := NewRemote(RemoteOptions{URL: serveStore(t, s)})
	if err != nil {
		t.Fatal(err)
	}
	for _, src := range []Source{s, r} {
		got := read(t, src, "latency", base, base.Add(time.Second))[`{__name__="latency"}`]
		if len(got) != 1 || got[0].H == nil || got[0].H.Count != 10 || got[0].H.Schema != 2 || got[0].H.ZeroCount != 1 || got[0].V != 7 {
			t.Errorf("%T: %v", src, got)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{`{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"]],"histograms":[[1,{"count":"1","sum":"1","buckets":[[0,"0.5","1","1"]]}]]}]}`,
		`{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"NaN"]}]}`, `{"resultType":"string","result":[1,"x"]}`, `{"resultType":"scalar","result":[1,"x"]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var res result
		if json.Unmarshal(b, &res) == nil {
			_, _ = res.value()
			_, _ = res.matrix()
		}
	})
}

func FuzzFirstByte(f *testing.F) {
	f.Add([]byte{5, 16, 0x1a, 1, 1, 1, 1})
	f.Fuzz(func(t *testing.T, b []byte) { firstByte(b) })
}
