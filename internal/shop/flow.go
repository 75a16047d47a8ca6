package shop

import (
	"math"
	"time"
)

// ailment is what one service or stand-in suffers from, for the reckoning of the past.
type ailment struct {
	errors float64
	delay  time.Duration
	share  float64 // of its requests that are delayed; 0 = all
	down   bool
	quiet  float64 // share of its callers that stay away
}

type routeKey struct{ component, pattern string }

// flow is how one route fares: how often it is asked, how it fails, how long it takes.
type flow struct {
	rate   float64 // requests a second at the mean load
	own    float64 // share that fails by itself, answered 500
	dep    float64 // share that fails with something it calls, answered 502
	median float64 // seconds, calls included, when nothing delays it
	sigma  float64
	slow   float64 // share of requests that take delay longer
	delay  float64 // seconds
}

// flows follows the visits through the plan. It is the expectation of what the running shop does under the same
// ailments; routes that nobody reaches or that are down are left out.
func flows(ail map[string]ailment) map[routeKey]flow {
	f := follower{ail: ail, out: map[routeKey]flow{}}
	for _, v := range visits {
		f.push(routeKey{"gateway", v.pattern}, v.rate)
	}
	f.push(routeKey{"warehouse-reports", "POST /reports"}, 1/reportEvery.Seconds())
	return f.out
}

type follower struct {
	ail map[string]ailment
	out map[routeKey]flow
}

// push sends requests to a route and on to what it calls, as far as they get.
func (f *follower) push(key routeKey, rate float64) {
	a := f.ail[key.component]
	rate *= 1 - a.quiet
	if a.down || rate <= 0 {
		return
	}
	c, ok := componentOf(key.component)
	if !ok {
		return // a stand-in: it counts nothing
	}
	r := routeOf(c, key.pattern)
	fl := f.fares(c, r)
	fl.rate = f.out[key].rate + rate
	f.out[key] = fl
	reach := rate * (1 - fl.own)
	for _, s := range r.calls {
		f.push(routeKey{s.to, s.pattern}, reach*s.chance)
		if s.hard {
			reach *= 1 - s.chance*f.fails(s)
		}
	}
}

// fares is a route's flow but for its rate.
func (f *follower) fares(c component, r route) flow {
	a := f.ail[c.name]
	out := flow{own: max(r.fails, a.errors), median: r.work.Seconds(), sigma: r.spread}
	if a.delay > 0 {
		out.delay, out.slow = a.delay.Seconds(), 1
		if a.share > 0 {
			out.slow = a.share
		}
	}
	ok := 1.0
	for _, s := range r.calls {
		if s.pattern == topic {
			continue
		}
		if s.hard {
			ok *= 1 - s.chance*f.fails(s)
		}
		median, slow, delay := f.takes(s)
		out.median += median * s.chance
		if s.chance*slow*delay > out.slow*out.delay {
			out.slow, out.delay = s.chance*slow, delay
		}
	}
	out.dep = (1 - out.own) * (1 - ok)
	return out
}

// fails is the share of a step's calls that fail.
func (f *follower) fails(s step) float64 {
	a := f.ail[s.to]
	if a.down {
		return 1
	}
	c, ok := componentOf(s.to)
	if !ok {
		return a.errors
	}
	fl := f.fares(c, routeOf(c, s.pattern))
	return fl.own + fl.dep
}

// takes is what a step adds to its caller's time.
func (f *follower) takes(s step) (median, slow, delay float64) {
	a := f.ail[s.to]
	if a.down {
		return 0, 0, 0
	}
	if st, ok := standOf(s.to); ok {
		if a.delay > 0 {
			slow, delay = 1, a.delay.Seconds()
		}
		return st.work.Seconds(), slow, delay
	}
	c, _ := componentOf(s.to)
	fl := f.fares(c, routeOf(c, s.pattern))
	return fl.median, fl.slow, fl.delay
}

// within is the share of a route's requests that take at most x seconds: a lognormal, part of it delayed.
func (f flow) within(x float64) float64 {
	return (1-f.slow)*lognormalCDF(x, f.median, f.sigma) + f.slow*lognormalCDF(x-f.delay, f.median, f.sigma)
}

// mean is the mean duration in seconds.
func (f flow) mean() float64 { return f.median*math.Exp(f.sigma*f.sigma/2) + f.slow*f.delay }

// lognormalCDF is P(X <= x), X = median e^(sigma Z).
func lognormalCDF(x, median, sigma float64) float64 {
	if x <= 0 || median <= 0 {
		return 0
	}
	return 0.5 * math.Erfc(-math.Log(x/median)/(sigma*math.Sqrt2))
}
