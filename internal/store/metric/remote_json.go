package metric

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// result is the data of a query.
type result struct {
	Type   string          `json:"resultType"`
	Result json.RawMessage `json:"result"`
}

type seriesJSON struct {
	Metric     map[string]string `json:"metric"`
	Value      *floatPoint       `json:"value"`
	Histogram  *histogramPoint   `json:"histogram"`
	Values     []floatPoint      `json:"values"`
	Histograms []histogramPoint  `json:"histograms"`
}

func (r result) value() (parser.Value, error) {
	switch r.Type {
	case "vector":
		return r.vector()
	case "matrix":
		return r.matrix()
	case "scalar":
		var p floatPoint
		if err := json.Unmarshal(r.Result, &p); err != nil {
			return nil, err
		}
		return promql.Scalar{T: p.T, V: p.V}, nil
	case "string":
		var pair [2]json.RawMessage
		var s promql.String
		err := json.Unmarshal(r.Result, &pair)
		if err == nil {
			err = json.Unmarshal(pair[1], &s.V)
		}
		if err == nil {
			s.T, err = parseTime(pair[0])
		}
		return s, err
	}
	return nil, fmt.Errorf("result type %q", shorten(r.Type))
}

func (r result) vector() (promql.Vector, error) {
	var list []seriesJSON
	if err := json.Unmarshal(r.Result, &list); err != nil {
		return nil, err
	}
	out := make(promql.Vector, len(list))
	for i, s := range list {
		out[i].Metric = labels.FromMap(s.Metric)
		switch {
		case s.Value != nil:
			out[i].T, out[i].F = s.Value.T, s.Value.V
		case s.Histogram != nil:
			out[i].T, out[i].H = s.Histogram.T, s.Histogram.H
		default:
			return nil, errors.New("a sample without a value")
		}
	}
	return out, nil
}

func (r result) matrix() (promql.Matrix, error) {
	if r.Type != "matrix" {
		return nil, fmt.Errorf("result type %q where a matrix was due", shorten(r.Type))
	}
	var list []seriesJSON
	if err := json.Unmarshal(r.Result, &list); err != nil {
		return nil, err
	}
	out := make(promql.Matrix, len(list))
	for i, s := range list {
		out[i].Metric = labels.FromMap(s.Metric)
		for _, p := range s.Values {
			out[i].Floats = append(out[i].Floats, promql.FPoint{T: p.T, F: p.V})
		}
		for _, p := range s.Histograms {
			out[i].Histograms = append(out[i].Histograms, promql.HPoint{T: p.T, H: p.H})
		}
	}
	return out, nil
}

// points are the samples of one series of a matrix, sorted by time, one for each timestamp.
func (s seriesJSON) points() []Point {
	out := make([]Point, 0, len(s.Values)+len(s.Histograms))
	for _, p := range s.Values {
		out = append(out, Point{T: p.T, V: p.V})
	}
	for _, p := range s.Histograms {
		out = append(out, Point{T: p.T, V: p.H.Sum, H: p.H})
	}
	byTime := func(a, b Point) int { return cmp.Compare(a.T, b.T) }
	if !slices.IsSortedFunc(out, byTime) {
		slices.SortStableFunc(out, byTime)
	}
	return slices.CompactFunc(out, func(a, b Point) bool { return a.T == b.T })
}

// floatPoint is `[1435781451.781, "1"]`.
type floatPoint struct {
	T int64
	V float64
}

func (p *floatPoint) UnmarshalJSON(b []byte) error {
	t, rest, err := splitPair(b)
	if err != nil {
		return err
	}
	if len(rest) < 2 || rest[0] != '"' || rest[len(rest)-1] != '"' {
		return fmt.Errorf("value %s is not text", shorten(string(rest)))
	}
	if p.V, err = strconv.ParseFloat(string(rest[1:len(rest)-1]), 64); err != nil {
		return fmt.Errorf("value %s is not a number", shorten(string(rest)))
	}
	p.T, err = parseTime(t)
	return err
}

// splitPair cuts `[a, b]` at its first comma; a is a number, so that comma is the right one.
func splitPair(b []byte) (first, rest []byte, err error) {
	for i, c := range b {
		if c == ',' && b[0] == '[' {
			return trimSpace(b[1:i]), trimSpace(b[i+1 : len(b)-1]), nil
		}
	}
	return nil, nil, fmt.Errorf("sample %s is not a pair", shorten(string(b)))
}

func trimSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	for n := len(b); n > 0 && (b[n-1] == ' ' || b[n-1] == '\n' || b[n-1] == '\t' || b[n-1] == '\r'); n = len(b) {
		b = b[:n-1]
	}
	return b
}

// parseTime reads seconds with a fraction into milliseconds. Times outside the years 1 to 9999 are refused.
func parseTime(b []byte) (int64, error) {
	s, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.Abs(s) > 253402300800 {
		return 0, fmt.Errorf("timestamp %s is out of range", shorten(string(b)))
	}
	return int64(math.Round(s * 1000)), nil
}

// histogramPoint is `[1435781451.781, {"count": "5", "sum": "3.1", "buckets": [[0, "0.5", "1", "5"]]}]`.
type histogramPoint struct {
	T int64
	H *histogram.FloatHistogram
}

func (p *histogramPoint) UnmarshalJSON(b []byte) error {
	t, rest, err := splitPair(b)
	if err != nil {
		return err
	}
	var h struct {
		Count   string            `json:"count"`
		Sum     string            `json:"sum"`
		Buckets [][4]bucketNumber `json:"buckets"`
	}
	if err := json.Unmarshal(rest, &h); err != nil {
		return err
	}
	count, err := strconv.ParseFloat(h.Count, 64)
	if err != nil {
		return fmt.Errorf("histogram count %q is not a number", shorten(h.Count))
	}
	sum, err := strconv.ParseFloat(h.Sum, 64)
	if err != nil {
		return fmt.Errorf("histogram sum %q is not a number", shorten(h.Sum))
	}
	buckets := make([]bucket, len(h.Buckets))
	for i, x := range h.Buckets {
		buckets[i] = bucket{lower: float64(x[1]), upper: float64(x[2]), count: float64(x[3])}
	}
	if p.H, err = histogramOf(count, sum, buckets); err != nil {
		return err
	}
	p.T, err = parseTime(t)
	return err
}

// bucketNumber is a number, or a number as text: "+Inf".
type bucketNumber float64

func (n *bucketNumber) UnmarshalJSON(b []byte) error {
	if len(b) >= 2 && b[0] == '"' {
		b = b[1 : len(b)-1]
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("bucket bound %s is not a number", shorten(string(b)))
	}
	*n = bucketNumber(f)
	return nil
}
