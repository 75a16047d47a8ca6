package trace

import (
	"math"
	"time"
)

// bounds are the classic bucket bounds in seconds: those of OpenTelemetry's http.server.request.duration.
// Source: semantic conventions, HTTP metrics.
var bounds = []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}

const (
	scale     = 3                      // of the native histogram: 8 buckets to each doubling
	shortest  = time.Microsecond       // shorter and longer durations count in the first and last native bucket
	longest   = 24 * time.Hour         //
	perOctave = float64(1 << scale)    //
	step      = 2                      // buckets to each doubling in a minute's histogram
	stepFrom  = 200 * time.Microsecond // upper bound of its first bucket
	steps     = 40                     // up to 200 us x 2^19.5 = 148 s
)

// durations is a cumulative histogram in both forms.
type durations struct {
	count   uint64
	sum     float64 // seconds
	classic [15]uint64
	offset  int32 // index of native[0]
	native  []uint64
}

// add counts one duration.
func (d *durations) add(took time.Duration) {
	v := took.Seconds()
	d.count++
	d.sum += v
	i := 0
	for i < len(bounds) && v > bounds[i] {
		i++
	}
	d.classic[i]++
	d.addNative(nativeIndex(took))
}

// nativeIndex is i with base^i < v <= base^(i+1), base = 2^(1/8), v in seconds. Source: OTLP data model, exponential
// buckets.
func nativeIndex(took time.Duration) int32 {
	v := min(max(took, shortest), longest).Seconds()
	return int32(math.Ceil(math.Log2(v)*perOctave)) - 1
}

func (d *durations) addNative(i int32) {
	switch {
	case len(d.native) == 0:
		d.offset, d.native = i, []uint64{0}
	case i < d.offset:
		d.native = append(make([]uint64, d.offset-i), d.native...)
		d.offset = i
	case int(i-d.offset) >= len(d.native):
		d.native = append(d.native, make([]uint64, int(i-d.offset)+1-len(d.native))...)
	}
	d.native[i-d.offset]++
}

// above is the share of durations in buckets entirely above v seconds, by the classic buckets; 0..1, 0 when empty.
func (d *durations) above(v float64) float64 {
	if d.count == 0 {
		return 0
	}
	var n uint64
	for i := range bounds {
		if bounds[i] >= v {
			n += d.classic[i+1]
		}
	}
	return float64(n) / float64(d.count)
}

// ring holds the last hour in minutes, for questions about the present.
type ring struct{ minutes []minute }

const ringMinutes = 60

type minute struct {
	at            int64 // minutes since 1970
	calls, errors uint32
	steps         [steps]uint32
}

func (r *ring) add(now time.Time, took time.Duration, failed bool) {
	at := now.Unix() / 60
	if len(r.minutes) == 0 || r.minutes[len(r.minutes)-1].at < at {
		if len(r.minutes) == ringMinutes {
			copy(r.minutes, r.minutes[1:])
			r.minutes = r.minutes[:ringMinutes-1]
		}
		r.minutes = append(r.minutes, minute{at: at})
	}
	m := &r.minutes[len(r.minutes)-1]
	m.calls++
	if failed {
		m.errors++
	}
	m.steps[stepOf(took)]++
}

func stepOf(took time.Duration) int {
	if took <= stepFrom {
		return 0
	}
	i := int(math.Ceil(math.Log2(float64(took)/float64(stepFrom)) * step))
	return min(i, steps-1)
}

// Traffic is what happened within a window. Latencies are read from buckets that grow by the square root of two, so
// they are right within a fifth.
type Traffic struct {
	Calls  uint64
	Errors uint64
	Rate   float64 // calls a second, over the whole window
	P50    time.Duration
	P95    time.Duration
}

// ErrorRatio is 0..1; 0 without calls.
func (t Traffic) ErrorRatio() float64 {
	if t.Calls == 0 {
		return 0
	}
	return float64(t.Errors) / float64(t.Calls)
}

// traffic sums the minutes of the window before now; at most the last hour is known.
func (r *ring) traffic(now time.Time, window time.Duration) Traffic {
	window = min(max(window, time.Minute), ringMinutes*time.Minute)
	var t Traffic
	var all [steps]uint64
	from := now.Add(-window).Unix() / 60
	for i := range r.minutes {
		if m := &r.minutes[i]; m.at > from || window == ringMinutes*time.Minute {
			t.Calls += uint64(m.calls)
			t.Errors += uint64(m.errors)
			for j, n := range m.steps {
				all[j] += uint64(n)
			}
		}
	}
	t.Rate = float64(t.Calls) / window.Seconds()
	t.P50, t.P95 = quantile(all[:], t.Calls, 0.5), quantile(all[:], t.Calls, 0.95)
	return t
}

// quantile is the upper bound of the bucket that holds the q-th call; 0 without calls.
func quantile(buckets []uint64, calls uint64, q float64) time.Duration {
	rank := uint64(math.Ceil(q * float64(calls)))
	var n uint64
	for i, c := range buckets {
		n += c
		if c > 0 && n >= rank {
			return time.Duration(float64(stepFrom) * math.Exp2(float64(i)/step))
		}
	}
	return 0
}
