package metric

import (
	"math"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"pgregory.net/rapid"
)

// TestTheQuickReaderSeesWhatProtobufSees compares both on requests of any shape.
func TestTheQuickReaderSeesWhatProtobufSees(t *testing.T) {
	text := rapid.StringMatching(`[a-c_]{0,3}|[é0-9]{1,200}`)
	rapid.Check(t, func(t *rapid.T) {
		var req prompb.WriteRequest
		for range rapid.IntRange(0, 4).Draw(t, "series") {
			var s prompb.TimeSeries
			for range rapid.IntRange(0, 4).Draw(t, "labels") {
				s.Labels = append(s.Labels, prompb.Label{Name: text.Draw(t, "name"), Value: text.Draw(t, "value")})
			}
			for range rapid.IntRange(0, 3).Draw(t, "samples") {
				s.Samples = append(s.Samples, prompb.Sample{Timestamp: rapid.Int64().Draw(t, "t"), Value: rapid.Float64().Draw(t, "v")})
			}
			req.Timeseries = append(req.Timeseries, s)
		}
		plain, err := proto.Marshal(&req)
		if err != nil {
			t.Fatal(err)
		}
		var w wire
		if !w.read(plain) {
			t.Fatal("a plain request is not read")
		}
		var back prompb.WriteRequest // not req: the encoding turns -0 into 0
		if err := proto.Unmarshal(plain, &back); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(seen(&back), quickly(&w)); d != "" {
			t.Error(d)
		}
	})
}

type plainSeries struct {
	Labels  [][2]string
	Samples []wireSample
}

func seen(req *prompb.WriteRequest) (out []plainSeries) {
	for _, s := range req.Timeseries {
		var p plainSeries
		for _, l := range s.Labels {
			p.Labels = append(p.Labels, [2]string{l.Name, l.Value})
		}
		for _, x := range s.Samples {
			p.Samples = append(p.Samples, wireSample{x.Timestamp, x.Value})
		}
		out = append(out, p)
	}
	return out
}

func quickly(w *wire) (out []plainSeries) {
	for _, s := range w.series {
		var p plainSeries
		for name, value := range wireLabels(s.labels) {
			p.Labels = append(p.Labels, [2]string{string(name), string(value)})
		}
		p.Samples = append(p.Samples, w.samples[s.first:s.first+s.n]...)
		out = append(out, p)
	}
	return out
}

func (a wireSample) Equal(b wireSample) bool {
	return a.t == b.t && math.Float64bits(a.v) == math.Float64bits(b.v)
}

func FuzzWire(f *testing.F) {
	plain, err := proto.Marshal(&prompb.WriteRequest{Timeseries: []prompb.TimeSeries{series("a", 1, 2, 3), series("b", math.NaN(), -1)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Fuzz(func(t *testing.T, b []byte) {
		var w wire
		if !w.read(b) {
			return
		}
		var req prompb.WriteRequest
		if err := proto.Unmarshal(b, &req); err != nil {
			t.Fatalf("read quickly what protobuf refuses: %v", err)
		}
		if d := cmp.Diff(seen(&req), quickly(&w)); d != "" {
			t.Error(d)
		}
	})
}

func TestMetSeriesAreFoundWithoutDecoding(t *testing.T) {
	s := openStore(t)
	url := serveStore(t, s)
	one := prompb.TimeSeries{Labels: []prompb.Label{{Name: "__name__", Value: "a"}, {Name: "b", Value: "1"}}, Samples: []prompb.Sample{{Timestamp: base.UnixMilli(), Value: 1}}}
	unsorted := prompb.TimeSeries{Labels: []prompb.Label{{Name: "b", Value: "2"}, {Name: "__name__", Value: "a"}, {Name: "c"}}, Samples: one.Samples}
	for i := range 3 {
		one.Samples[0].Timestamp, one.Samples[0].Value = base.UnixMilli()+int64(i), float64(i)
		if code, text := post(url, one, unsorted); code != 204 {
			t.Fatalf("%d %s", code, text)
		}
	}
	got := read(t, s, "a", base, base.Add(time.Minute))
	if len(got[`{__name__="a", b="1"}`]) != 3 || len(got[`{__name__="a", b="2"}`]) != 3 || len(got) != 2 {
		t.Errorf("%v", got)
	}
	remembered := 0
	for i := range s.met.shards {
		remembered += len(s.met.shards[i].by)
	}
	if remembered != 1 {
		t.Errorf("%d series are remembered, want only the sorted one", remembered)
	}
	for name, bad := range map[string]prompb.TimeSeries{
		"no name":  {Labels: []prompb.Label{{Name: "b", Value: "1"}}, Samples: one.Samples},
		"twice":    {Labels: []prompb.Label{{Name: "__name__", Value: "a"}, {Name: "b", Value: "1"}, {Name: "b", Value: "1"}}, Samples: one.Samples},
		"not text": {Labels: []prompb.Label{{Name: "__name__", Value: "a"}, {Name: "b", Value: "\xff"}}, Samples: one.Samples},
	} {
		if code, text := post(url, bad); code != 400 {
			t.Errorf("%s: %d %s", name, code, text)
		}
	}
}

// TestAStaleReferenceIsReplaced lets the TSDB forget a series that is remembered.
func TestAStaleReferenceIsReplaced(t *testing.T) {
	s := openStore(t)
	url := serveStore(t, s)
	for i := range 3 {
		if code, text := post(url, series("a", float64(i), base.UnixMilli()+int64(i))); code != 204 {
			t.Fatalf("%d %s", code, text)
		}
		if i == 1 {
			for j := range s.met.shards {
				for _, m := range s.met.shards[j].by {
					m.atomic.Store(987654)
				}
			}
		}
	}
	if p := read(t, s, "a", base, base.Add(time.Minute))[labels.FromStrings("__name__", "a").String()]; len(p) != 3 {
		t.Errorf("%v", p)
	}
}
