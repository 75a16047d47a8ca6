package metric

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"evenkeel.dev/evenkeel/internal/kit"
)

func TestHostileWritesGetClearAnswers(t *testing.T) {
	s := openStore(t, func(o *Options) {
		o.Limits = Limits{Series: 100, Labels: 5, LabelBytes: 50, BodyBytes: 4 << 20}
	})
	url := serveStore(t, s)
	now := base.UnixMilli()
	if code, text := post(url, series("good", 1, now)); code != 204 {
		t.Fatalf("%d %s", code, text)
	}
	var many prompb.TimeSeries
	for i := range 8 {
		many.Labels = append(many.Labels, prompb.Label{Name: fmt.Sprintf("l%d", i), Value: "x"})
	}
	many.Labels = append([]prompb.Label{{Name: "__name__", Value: "many"}}, many.Labels...)
	many.Samples = []prompb.Sample{{Timestamp: now, Value: 1}}
	long := series("long", 1, now)
	long.Labels = append(long.Labels, prompb.Label{Name: "x", Value: strings.Repeat("y", 51)})
	explosion := make([]prompb.TimeSeries, 300)
	for i := range explosion {
		explosion[i] = series(fmt.Sprintf("boom%d", i), 1, now)
	}
	for name, c := range map[string]struct {
		code int
		text string
		send func() (int, string)
	}{
		"too many labels":      {400, "limit labels=5", func() (int, string) { return post(url, many, series("good", 2, now+1)) }},
		"a long label":         {400, "limit label_bytes=50", func() (int, string) { return post(url, long) }},
		"another value":        {400, "duplicate sample", func() (int, string) { post(url, series("twice", 1, now)); return post(url, series("twice", 9, now)) }},
		"too old":              {400, "too old", func() (int, string) { return post(url, series("good", 9, now-int64(30*time.Hour/time.Millisecond))) }},
		"from the future":      {400, "future", func() (int, string) { return post(url, series("good", 9, time.Now().Add(time.Hour).UnixMilli())) }},
		"not compressed":       {400, "snappy", func() (int, string) { return postRaw(url, []byte("hello")) }},
		"compressed nonsense":  {400, "proto", func() (int, string) { return postRaw(url, snappy.Encode(nil, []byte("hello"))) }},
		"metadata nonsense":    {400, "metadata", func() (int, string) { return postRaw(url, snappy.Encode(nil, []byte("\x1ahello"))) }},
		"a decompression bomb": {400, "limit", func() (int, string) { return postRaw(url, snappy.Encode(nil, make([]byte, 33<<20))) }},
		"ten megabytes":        {413, "limit body_bytes", func() (int, string) { return postRaw(url, make([]byte, 10<<20)) }},
		"ten without a length": {413, "limit body_bytes", func() (int, string) { return postChunked(url, 10<<20) }},
	} {
		if code, text := c.send(); code != c.code || !strings.Contains(text, c.text) || len(text) > 1000 {
			t.Errorf("%s: %d %q, want %d %q", name, code, text, c.code, c.text)
		}
	}
	if code, text := post(url, explosion...); code != 400 || !strings.Contains(text, "limit series=100") {
		t.Errorf("an explosion of names: %d %q", code, text)
	}
	if p := read(t, s, "good", base, base.Add(time.Minute))[`{__name__="good"}`]; len(p) != 2 || p[1].V != 2 {
		t.Errorf("the good neighbour of a bad series: %v", p)
	}
	if n := s.db.Head().NumSeries(); n != 100 {
		t.Errorf("%d series", n)
	}
	if code, text := post(url, series("good", 3, now+2)); code != 204 {
		t.Errorf("a known series after the explosion: %d %s", code, text)
	}
}

func postChunked(url string, n int64) (int, string) {
	res, err := http.Post(url+"/api/v1/write", "application/x-protobuf", io.LimitReader(neverEnding{}, n))
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

type neverEnding struct{}

func (neverEnding) Read(b []byte) (int, error) { return len(b), nil }

func TestOddValuesAreKeptAsTheyAre(t *testing.T) {
	s := openStore(t)
	url := serveStore(t, s)
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Float64frombits(value.StaleNaN), 0, math.SmallestNonzeroFloat64, math.MaxFloat64}
	for i, v := range odd {
		if code, text := post(url, series("odd", v, base.UnixMilli()+int64(i))); code != 204 {
			t.Errorf("%v: %d %s", v, code, text)
		}
	}
	got := read(t, s, "odd", base, base.Add(time.Minute))[`{__name__="odd"}`]
	for i, p := range got {
		if math.Float64bits(p.V) != math.Float64bits(odd[i]) && !(math.IsNaN(p.V) && math.IsNaN(odd[i]) && i == 0) {
			t.Errorf("%v came back as %v", odd[i], p.V)
		}
	}
	if len(got) != len(odd) {
		t.Errorf("%d of %d", len(got), len(odd))
	}
}

func TestRemoteWrite2KeepsStartTimesAndMetadata(t *testing.T) {
	s := openStore(t)
	url := serveStore(t, s)
	now := base.UnixMilli()
	req := writev2.Request{Symbols: []string{"", "__name__", "jobs_total", "Jobs.", "gone_total"}, Timeseries: []writev2.TimeSeries{
		{LabelsRefs: []uint32{1, 2}, Samples: []writev2.Sample{{Value: 7, Timestamp: now, StartTimestamp: now - 5000}},
			Metadata: writev2.Metadata{Type: writev2.Metadata_METRIC_TYPE_COUNTER, HelpRef: 3}},
		{LabelsRefs: []uint32{1, 4}, Samples: []writev2.Sample{{Value: 7, Timestamp: now - 100*3600*1000}}},
	}}
	plain, err := proto.Marshal(&req)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("POST", url+"/api/v1/write", bytes.NewReader(snappy.Encode(nil, plain)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request")
	r.Header.Set("Content-Encoding", "snappy")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if res.StatusCode != 400 || !strings.Contains(string(text), "gone_total") || res.Header.Get("X-Prometheus-Remote-Write-Samples-Written") != "1" {
		t.Errorf("%d %s %v", res.StatusCode, text, res.Header)
	}
	if p := read(t, s, "jobs_total", base, base.Add(time.Second))[`{__name__="jobs_total"}`]; len(p) != 1 || p[0] != (Point{T: now, V: 7, ST: now - 5000}) {
		t.Errorf("stored: %v", p)
	}
	if m, _ := s.Metadata(context.Background(), "jobs_total"); len(m["jobs_total"]) != 1 || m["jobs_total"][0] != (Metadata{Type: "counter", Help: "Jobs."}) {
		t.Errorf("metadata: %v", m)
	}
}

func TestNothingFallsBetweenAReadingAndTheLateReports(t *testing.T) {
	var mu sync.Mutex
	reported := map[string]int64{}
	s := openStore(t, func(o *Options) {
		o.OnLate = func(l []Late) {
			mu.Lock()
			defer mu.Unlock()
			for _, x := range l {
				reported[x.Labels.Get("__name__")] = x.T
			}
		}
	})
	ctx := context.Background()
	var wg sync.WaitGroup
	const writers, writes = 4, 200
	for w := range writers {
		wg.Go(func() {
			for i := range writes {
				if err := s.Append(ctx, []kit.Sample{sample(fmt.Sprintf("w%d_%d", w, i), time.Duration(i)*time.Second, 1)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[string]bool{}
	for i := range 20 { // readings run beside the writers, each of all there is up to its watermark
		mark := base.Add(time.Duration(i*10) * time.Second)
		if err := s.Advance(ctx, mark); err != nil {
			t.Fatal(err)
		}
		for name := range read(t, s, `{__name__=~"w.+"}`, base, mark.Add(time.Millisecond)) {
			seen[strings.Split(name, `"`)[1]] = true
		}
	}
	wg.Wait()
	last := base.Add(190 * time.Second)
	for w := range writers {
		for i := range writes {
			name := fmt.Sprintf("w%d_%d", w, i)
			if !base.Add(time.Duration(i)*time.Second).After(last) && !seen[name] && reported[name] == 0 {
				t.Errorf("%s was neither read nor reported", name)
			}
		}
	}
}

func TestAdvanceWaitsForWritesUnderWay(t *testing.T) {
	s := openStore(t)
	app := s.appenderV2(context.Background(), nil)
	short, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	if err := s.Advance(short, base); kit.CodeOf(err) != kit.Unavailable {
		t.Errorf("with a write under way: %v", err)
	}
	if err := app.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.Advance(context.Background(), base); err != nil {
		t.Error(err)
	}
}

// TestAFullDiskRefusesAndHeals fills a small file system of its own.
func TestAFullDiskRefusesAndHeals(t *testing.T) {
	dir := smallDisk(t, "24m")
	s, err := Open(context.Background(), Options{Dir: filepath.Join(dir, "metrics"), MinFree: 8 << 20, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	url := serveStore(t, s)
	if code, text := post(url, series("a", 1, base.UnixMilli())); code != 204 {
		t.Fatalf("%d %s", code, text)
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	<-time.After(2 * spaceEvery)
	code, text := post(url, series("a", 2, base.UnixMilli()+1))
	if code != 503 || !strings.Contains(text, "free space") {
		t.Errorf("on a full disk: %d %s", code, text)
	}
	if err := s.Append(context.Background(), []kit.Sample{sample("a", time.Second, 1)}); kit.CodeOf(err) != kit.Unavailable {
		t.Errorf("append on a full disk: %v", err)
	}
	if p := read(t, s, "a", base, base.Add(time.Minute)); len(p) != 1 {
		t.Errorf("reading on a full disk: %v", p)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	<-time.After(2 * spaceEvery)
	if code, text := post(url, series("a", 2, base.UnixMilli()+1)); code != 204 {
		t.Errorf("after space came back: %d %s", code, text)
	}
	if p := read(t, s, "a", base, base.Add(time.Minute))[`{__name__="a"}`]; len(p) != 2 {
		t.Errorf("after all: %v", p)
	}
}

func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("no small file system: needs root on Linux to mount one")
	}
	dir := t.TempDir()
	if err := mountTmpfs(dir, size); err != nil {
		t.Skipf("no small file system: mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unmount(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	})
	return dir
}
