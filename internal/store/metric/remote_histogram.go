package metric

import (
	"errors"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
)

// bucket is one bucket as the HTTP API prints it: bounds and a count, empty buckets left out.
type bucket struct{ lower, upper, count float64 }

// histogramOf rebuilds a native histogram from the printed buckets. The API does not print the schema: it follows from
// the bounds, which grow by a factor of 2^(2^-schema) (Prometheus, native histograms: standard schemas -4 to 8). Bounds
// that fit no schema make a histogram with custom bounds.
func histogramOf(count, sum float64, bs []bucket) (*histogram.FloatHistogram, error) {
	for _, b := range bs {
		if math.IsNaN(b.lower) || math.IsNaN(b.upper) || b.lower > b.upper || !(b.count >= 0) {
			return nil, errors.New("a histogram bucket with wrong bounds or count")
		}
	}
	h := &histogram.FloatHistogram{Count: count, Sum: sum, CounterResetHint: histogram.UnknownCounterReset}
	if schema, ok := schemaOf(bs); ok {
		h.Schema = schema
		fillExponential(h, bs)
	} else {
		fillCustom(h, bs)
	}
	return h, h.Validate()
}

// schemaOf finds the coarsest standard schema in which every bucket but the zero bucket has both bounds. The lower
// bound next to the zero bucket may be cut by it.
func schemaOf(bs []bucket) (int32, bool) {
	for schema := int32(histogram.ExponentialSchemaMin); schema <= histogram.ExponentialSchemaMax; schema++ {
		if !slices.ContainsFunc(bs, func(b bucket) bool { return !fits(b, schema) }) {
			return schema, true
		}
	}
	return 0, false
}

func fits(b bucket, schema int32) bool {
	if isZero(b) {
		return true
	}
	outer, inner := b.upper, b.lower
	if b.upper <= 0 {
		outer, inner = -b.lower, -b.upper
	}
	i, ok := indexOf(outer, schema)
	return ok && inner >= 0 && closeTo(inner, bound(i-1, schema))
}

func isZero(b bucket) bool { return b.lower <= 0 && b.upper >= 0 && (b.lower == -b.upper) }

// indexOf is the bucket whose outer bound is x, if there is one.
func indexOf(x float64, schema int32) (int32, bool) {
	if !(x > 0) || math.IsInf(x, 0) {
		return 0, false
	}
	i := math.Round(math.Log2(x) * math.Exp2(float64(schema)))
	return int32(i), closeTo(x, bound(int32(i), schema))
}

func bound(i, schema int32) float64 { return math.Exp2(float64(i) * math.Exp2(-float64(schema))) }

func closeTo(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(math.Abs(a), math.Abs(b)) }

func fillExponential(h *histogram.FloatHistogram, bs []bucket) {
	pos, neg := map[int32]float64{}, map[int32]float64{}
	for _, b := range bs {
		switch {
		case isZero(b):
			h.ZeroThreshold, h.ZeroCount = b.upper, h.ZeroCount+b.count
		case b.upper > 0:
			i, _ := indexOf(b.upper, h.Schema)
			pos[i] += b.count
		default:
			i, _ := indexOf(-b.lower, h.Schema)
			neg[i] += b.count
		}
	}
	h.PositiveSpans, h.PositiveBuckets = spans(pos)
	h.NegativeSpans, h.NegativeBuckets = spans(neg)
}

// spans writes buckets by index as runs of neighbours.
func spans(at map[int32]float64) ([]histogram.Span, []float64) {
	if len(at) == 0 {
		return nil, nil
	}
	var index []int32
	for i := range at {
		index = append(index, i)
	}
	slices.Sort(index)
	var out []histogram.Span
	var counts []float64
	next := int32(0)
	for n, i := range index {
		if n == 0 || i != next {
			out = append(out, histogram.Span{Offset: i - next})
		}
		out[len(out)-1].Length++
		counts = append(counts, at[i])
		next = i + 1
	}
	return out, counts
}

// fillCustom keeps the printed bounds; gaps between them become empty buckets.
func fillCustom(h *histogram.FloatHistogram, bs []bucket) {
	h.Schema = histogram.CustomBucketsSchema
	slices.SortFunc(bs, func(a, b bucket) int {
		if a.upper < b.upper {
			return -1
		}
		return 1
	})
	for _, b := range bs {
		if n := len(h.CustomValues); !math.IsInf(b.lower, 0) && (n == 0 || h.CustomValues[n-1] < b.lower) {
			h.CustomValues = append(h.CustomValues, b.lower)
			h.PositiveBuckets = append(h.PositiveBuckets, 0)
		}
		if !math.IsInf(b.upper, 0) {
			h.CustomValues = append(h.CustomValues, b.upper)
		}
		h.PositiveBuckets = append(h.PositiveBuckets, b.count)
	}
	if n := uint32(len(h.PositiveBuckets)); n > 0 {
		h.PositiveSpans = []histogram.Span{{Length: n}}
	}
}
