package slo

import "math"

// NativeHistogram is a sample of a native (exponential) histogram: bucket i of schema s is (2^((i-1)/2^s), 2^(i/2^s)],
// the mirror of it among the negative ones. Buckets must not be changed afterwards.
type NativeHistogram struct {
	Schema        int32 // -4..8
	Count         float64
	ZeroThreshold float64
	ZeroCount     float64
	Positive      map[int32]float64
	Negative      map[int32]float64
}

// sound says that a histogram can be counted with.
func (h *NativeHistogram) sound() bool {
	ok := h.Schema >= -4 && h.Schema <= 8 && finite(h.Count) && finite(h.ZeroCount) && h.ZeroThreshold >= 0 && !math.IsInf(h.ZeroThreshold, 0)
	for _, side := range []map[int32]float64{h.Positive, h.Negative} {
		for _, n := range side {
			ok = ok && finite(n)
		}
	}
	return ok
}

// finite says that a count is a number that a counter can have.
func finite(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }

// coarser is bucket i of schema s in the coarser schema t.
func coarser(i, s, t int32) int32 {
	if s == t {
		return i
	}
	return int32(-floorDiv(-int64(i), 1<<(s-t)))
}

// at is the buckets of one side at a schema no finer than the histogram's.
func (h *NativeHistogram) at(side map[int32]float64, schema int32) map[int32]float64 {
	if schema == h.Schema {
		return side
	}
	out := make(map[int32]float64, len(side))
	for i, n := range side {
		out[coarser(i, h.Schema, schema)] += n
	}
	return out
}

// good counts the events in whole buckets with an upper bound <= x, at a schema no finer than the histogram's (§3).
func (h *NativeHistogram) good(x float64, schema int32) float64 {
	good := 0.0
	if h.ZeroThreshold <= x {
		good += h.ZeroCount
	}
	for i, n := range h.at(h.Positive, schema) {
		if upperBound(i, schema) <= x*(1+1e-14) {
			good += n
		}
	}
	if x >= 0 {
		for _, n := range h.Negative {
			good += n
		}
	}
	return good
}

// upperBound of a positive bucket: 2^(i / 2^schema).
func upperBound(i, schema int32) float64 {
	return math.Exp2(math.Ldexp(float64(i), -int(schema)))
}

// sameAs says that two histograms hold the same counts.
func (h *NativeHistogram) sameAs(o *NativeHistogram) bool {
	return h.Schema == o.Schema && h.Count == o.Count && h.ZeroCount == o.ZeroCount && h.ZeroThreshold == o.ZeroThreshold &&
		!fellIn(h.Positive, o.Positive) && !fellIn(o.Positive, h.Positive) && !fellIn(h.Negative, o.Negative) && !fellIn(o.Negative, h.Negative)
}

// fellIn says that any bucket is lower in b than in a.
func fellIn(a, b map[int32]float64) bool {
	for i, n := range a {
		if b[i] < n {
			return true
		}
	}
	return false
}

// fell says that cur, after prev, shows a reset: count, zero count or any bucket is lower at the coarser schema.
func fell(prev, cur *NativeHistogram) bool {
	s := min(prev.Schema, cur.Schema)
	return cur.Count < prev.Count || cur.ZeroCount < prev.ZeroCount ||
		fellIn(prev.at(prev.Positive, s), cur.at(cur.Positive, s)) || fellIn(prev.at(prev.Negative, s), cur.at(cur.Negative, s))
}

// grown is what total and good grew from prev to cur, compared at the coarser of their schemas.
func grown(prev, cur *NativeHistogram, x float64) (total, good float64) {
	s := min(prev.Schema, cur.Schema)
	return cur.Count - prev.Count, cur.good(x, s) - prev.good(x, s)
}
