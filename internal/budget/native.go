package budget

import (
	"github.com/prometheus/prometheus/model/histogram"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// nativeOf is a stored native histogram as the arithmetic reads it. Custom bucket bounds (schema -53) have no place in
// it: such a sample is refused there, which its group counts.
func nativeOf(h *histogram.FloatHistogram) *slo.NativeHistogram {
	return &slo.NativeHistogram{Schema: h.Schema, Count: h.Count, ZeroThreshold: h.ZeroThreshold, ZeroCount: h.ZeroCount,
		Positive: buckets(h.PositiveSpans, h.PositiveBuckets), Negative: buckets(h.NegativeSpans, h.NegativeBuckets)}
}

func buckets(spans []histogram.Span, counts []float64) map[int32]float64 {
	if len(counts) == 0 {
		return nil
	}
	out := make(map[int32]float64, len(counts))
	var at int32
	i := 0
	for _, s := range spans {
		at += s.Offset
		for range s.Length {
			if i >= len(counts) {
				return out
			}
			out[at] = counts[i]
			at++
			i++
		}
	}
	return out
}
