package shop

import (
	"context"
	"io"
	"math"
	"net/http"
	"sync"
	"time"
)

// breath is the shop's day, compressed: load rises and falls once in this time.
const breath = 12 * time.Minute

// maxVisits bounds the visitors inside at once; more are turned away, as by a full shop.
const maxVisits = 150

// load sends customers: a Poisson process whose rate follows the compressed day.
func (s *Shop) load(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	visitor := &http.Client{Transport: s.net.http, Timeout: 10 * time.Second}
	inside := make(chan struct{}, maxVisits)
	for {
		rate := s.opt.Load * totalRate() * breathing(s.opt.Now().Sub(s.began))
		if err := wait(ctx, s.pause(rate)); err != nil {
			return err
		}
		v := s.nextVisit()
		select {
		case inside <- struct{}{}:
		default:
			continue
		}
		wg.Go(func() {
			defer func() { <-inside }()
			s.visit(ctx, visitor, v)
		})
	}
}

func (s *Shop) visit(ctx context.Context, c *http.Client, v visit) {
	req, err := http.NewRequestWithContext(ctx, v.method, "http://"+host("gateway")+v.path, nil)
	if err != nil {
		return
	}
	resp, err := c.Do(req)
	if err != nil {
		return // the customer saw an error, and will come back
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

// reports is the warehouse's job, which asks for a report now and then.
func (s *Shop) reports(ctx context.Context) error {
	c := &http.Client{Transport: s.net.http, Timeout: 10 * time.Second}
	for {
		if err := wait(ctx, s.vary(time.Duration(float64(reportEvery)/s.opt.Load), 0.2)); err != nil {
			return err
		}
		_ = ask(ctx, c, http.MethodPost, "http://"+host("warehouse-reports")+"/reports") // its failures are in its metrics
	}
}

// breathing is the share of the mean load after a time: 0.6 to 1.4.
func breathing(since time.Duration) float64 {
	return 1 + 0.4*math.Sin(2*math.Pi*since.Seconds()/breath.Seconds())
}

func totalRate() float64 {
	var r float64
	for _, v := range visits {
		r += v.rate
	}
	return r
}

// pause is the time to the next visit: exponential with the given rate a second, at most five seconds.
func (s *Shop) pause(rate float64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(min(s.rand.ExpFloat64()/rate, 5) * float64(time.Second))
}

func (s *Shop) nextVisit() visit {
	s.mu.Lock()
	x := s.rand.Float64() * totalRate()
	s.mu.Unlock()
	for _, v := range visits {
		if x -= v.rate; x < 0 {
			return v
		}
	}
	return visits[0]
}
