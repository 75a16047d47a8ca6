package shop

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"evenkeel.dev/evenkeel/internal/store/metric"
)

// generator makes the past series of one component.
type generator struct {
	h         *History
	weather   *weather
	component component
	phase     time.Duration // after the full minute, when it sends
	rand      *rand.Rand
	yield     func(metric.Series) bool
}

// outcome is one status code of a route with its requests of each minute.
type outcome struct {
	code   string
	counts []float64 // requests within the minute; NaN where nothing was sent
}

// route makes all series of one route. false: the reader has enough.
func (g *generator) route(r route) bool {
	key := routeKey{g.component.name, r.pattern}
	good, own, dep := g.draw(key)
	if r.pattern == topic {
		return g.counter(key, "notifications_sent_total", "delivered", good) && g.counter(key, "notifications_sent_total", "failed", own)
	}
	for _, o := range []outcome{{"200", good}, {"500", own}, {"502", dep}} {
		if o.code == "502" && len(r.calls) == 0 {
			continue
		}
		if !g.requests(key, r, o) {
			return false
		}
	}
	return g.component.name != "search" || g.native(key, good)
}

// draw plays each minute's requests: how many came, how many failed by themselves and with a dependency.
func (g *generator) draw(key routeKey) (good, own, dep []float64) {
	n := len(g.weather.state)
	good, own, dep = make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		sick := g.weather.sick[i][g.component.name]
		if g.weather.gone[i] || sick.down {
			good[i], own[i], dep[i] = math.NaN(), math.NaN(), math.NaN()
			continue
		}
		f := (*g.weather.state[i])[key]
		total := poisson(g.rand, f.rate*scrape.Seconds()*g.weather.load[i])
		own[i] = binomial(g.rand, total, f.own)
		dep[i] = binomial(g.rand, total-own[i], min(1, f.dep/(1-f.own+1e-12)))
		good[i] = total - own[i] - dep[i]
	}
	return good, own, dep
}

// requests makes http_server_request_duration_seconds of one route and status code: buckets, count and sum. Failed
// requests get the count only: the objectives look at the durations of good ones, and thirty days of every bucket would
// double what the demo writes at its start.
func (g *generator) requests(key routeKey, r route, o outcome) bool {
	method, path, _ := strings.Cut(r.pattern, " ")
	base := []string{"http_request_method", method, "http_response_status_code", o.code, "http_route", path}
	const name = "http_server_request_duration_seconds"
	if !g.series(name+"_count", base, o.counts, all, key, true) {
		return false
	}
	if o.code != "200" {
		return true
	}
	for _, x := range buckets {
		le := append([]string{"le", strconv.FormatFloat(x, 'f', -1, 64)}, base...)
		within := func(f flow, stretch float64) float64 { return f.within(x / stretch) }
		if !g.series(name+"_bucket", le, o.counts, within, key, true) {
			return false
		}
	}
	mean := func(f flow, stretch float64) float64 { return f.mean() * stretch }
	return g.series(name+"_bucket", append([]string{"le", "+Inf"}, base...), o.counts, all, key, true) &&
		g.series(name+"_sum", base, o.counts, mean, key, false)
}

func (g *generator) counter(key routeKey, name, result string, counts []float64) bool {
	return g.series(name, []string{"outcome", result}, counts, all, key, true)
}

// series adds up a share of each minute's count into a counter, in whole numbers where whole is set, which begins again
// with each process.
func (g *generator) series(name string, pairs []string, counts []float64, share func(flow, float64) float64, key routeKey, whole bool) bool {
	out := piecewise{labels: g.labels(name, pairs...), yield: g.yield}
	begins := g.weather.begins[g.component.name]
	var sum, now float64
	var state *map[routeKey]flow
	for i, n := range counts {
		if begins != nil && begins[i] {
			sum = 0
		}
		if math.IsNaN(n) {
			continue
		}
		if n > 0 {
			if s := g.weather.state[i]; s != state || i%stretchEvery == 0 {
				state, now = s, share((*s)[key], g.weather.stretch(i))
			}
			sum += n * now
		}
		v := sum
		if whole {
			v = math.Floor(sum + 1e-9)
		}
		if !out.add(metric.Point{T: g.at(i), V: v}) {
			return false
		}
	}
	return out.flush()
}

func all(flow, float64) float64 { return 1 }

// memory makes the component's gauge.
func (g *generator) memory() bool {
	out := piecewise{labels: g.labels("process_memory_usage_bytes"), yield: g.yield}
	for i := range g.weather.state {
		if g.weather.gone[i] || g.weather.sick[i][g.component.name].down {
			continue
		}
		v := g.component.memory
		if g.component.name == "search" {
			v += math.Floor(g.weather.leak[i]*leakMax) * leakChunk * leakEnlarge
		}
		if !out.add(metric.Point{T: g.at(i), V: v}) {
			return false
		}
	}
	return out.flush()
}

// native makes search_query_duration_seconds, a native histogram.
func (g *generator) native(key routeKey, good []float64) bool {
	out := piecewise{labels: g.labels("search_query_duration_seconds"), yield: g.yield}
	const first, n = -56, 72 // from 2^-7 s (8 ms) to 2^2 s
	var acc [n]float64
	var shares [n]float64
	var count, sum float64
	begins := g.weather.begins[g.component.name]
	var state *map[routeKey]flow
	var f flow
	for i, c := range good {
		if begins != nil && begins[i] {
			acc, count, sum = [n]float64{}, 0, 0
		}
		if math.IsNaN(c) {
			continue
		}
		if s := g.weather.state[i]; s != state || i%stretchEvery == 0 {
			state, f = s, (*s)[key]
			for b := range shares {
				shares[b] = f.within(math.Exp2(float64(first+b)/(1<<nativeSchema)) / g.weather.stretch(i))
			}
			shares[n-1] = 1
		}
		count, sum = count+c, sum+c*f.mean()
		for b := range acc {
			acc[b] += c * shares[b]
		}
		if !out.add(metric.Point{T: g.at(i), V: sum, H: nativeHistogram(first, acc[:], count, sum)}) {
			return false
		}
	}
	return out.flush()
}

// nativeHistogram makes a histogram of cumulative bucket counts; the first bucket has index first and takes all below.
func nativeHistogram(first int32, cumulative []float64, count, sum float64) *histogram.FloatHistogram {
	h := &histogram.FloatHistogram{Schema: nativeSchema, Count: count, Sum: sum,
		PositiveSpans:   []histogram.Span{{Offset: first, Length: uint32(len(cumulative))}},
		PositiveBuckets: make([]float64, len(cumulative))}
	var below float64
	for i, c := range cumulative {
		whole := math.Floor(c + 1e-9)
		h.PositiveBuckets[i] = whole - below
		below = whole
	}
	return h
}

func (g *generator) at(i int) int64 {
	return g.h.From.Add(time.Duration(i)*scrape + g.phase).UnixMilli()
}

func (g *generator) labels(name string, pairs ...string) labels.Labels {
	return labels.FromStrings(append(pairs, model.MetricNameLabel, name, "demo", "true", "instance", instance(g.component.name, 0), "job", g.component.name)...)
}

// piecewise hands a series on in pieces.
type piecewise struct {
	labels labels.Labels
	points []metric.Point
	yield  func(metric.Series) bool
}

func (p *piecewise) add(pt metric.Point) bool {
	p.points = append(p.points, pt)
	return len(p.points) < metric.PieceLen || p.flush()
}

func (p *piecewise) flush() bool {
	if len(p.points) == 0 {
		return true
	}
	ok := p.yield(metric.Series{Labels: p.labels, Points: p.points})
	p.points = p.points[:0]
	return ok
}

// probed makes the samples of the probe at the shop's front door.
func (h *History) probed(w *weather, yield func(metric.Series) bool) {
	pairs := []string{model.MetricNameLabel, "probe_success"}
	for k, v := range h.probe {
		pairs = append(pairs, k, v)
	}
	out := piecewise{labels: labels.FromStrings(pairs...), yield: yield}
	r := rand.New(rand.NewPCG(h.seed, 0x9406e))
	for i := range w.state {
		if w.gone[i] {
			continue
		}
		v := 1.0
		if r.Float64() < 0.0002 {
			v = 0
		}
		if !out.add(metric.Point{T: h.From.Add(time.Duration(i)*scrape + 3*time.Second).UnixMilli(), V: v}) {
			return
		}
	}
	out.flush()
}

// poisson draws a count with the given mean.
func poisson(r *rand.Rand, mean float64) float64 {
	if mean <= 0 {
		return 0
	}
	if mean > 30 {
		return max(0, math.Round(mean+math.Sqrt(mean)*r.NormFloat64()))
	}
	k, p, limit := 0.0, r.Float64(), math.Exp(-mean)
	for p > limit {
		k++
		p *= r.Float64()
	}
	return k
}

// binomial draws the successes among n of probability p: exactly for few, by the normal for many.
func binomial(r *rand.Rand, n, p float64) float64 {
	switch {
	case p <= 0 || n <= 0:
		return 0
	case p >= 1:
		return n
	case n < 40:
		k := 0.0
		for range int(n) {
			if r.Float64() < p {
				k++
			}
		}
		return k
	}
	return min(n, max(0, math.Round(n*p+math.Sqrt(n*p*(1-p))*r.NormFloat64())))
}
