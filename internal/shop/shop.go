// Package shop is Harbour Goods, a small web shop that really runs: ten HTTP services on loopback, instrumented with the
// OpenTelemetry SDK, calling each other and a few systems that send no telemetry, under load that breathes, with faults
// on a schedule. It exists for `evenkeel demo`. All names in it are fictional, and all it sends carries demo="true".
//
// The same plan makes its past (History) and its org directory (WriteOrg), so that live telemetry continues the one and
// is described by the other.
package shop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say where the shop sends its telemetry and how it behaves.
type Options struct {
	OTLP    string            // base URL of an OTLP/HTTP receiver, "http://127.0.0.1:4318"
	Headers map[string]string // sent with each export, such as Authorization
	Seed    uint64            // same seed, same shop
	Load    float64           // 1 = as planned, about 8 visits a second; 0 = 1
	Every   time.Duration     // between exports of metrics; 0 = 10 s
	Traced  float64           // share of visits that are traced; 0 = 0.25
	Show    []Fault           // the faults of one round; nil = the ones of DefaultShow
	On      func(Moment)      // told of each fault, deploy and restart; may be nil; must not block
	Now     func() time.Time  // required
	Log     *slog.Logger      // nil = discarded
}

// Shop is the running shop.
type Shop struct {
	opt   Options
	began time.Time
	net   *network
	queue *queue

	services map[string]*service
	stands   []*standIn

	mu      sync.Mutex
	rand    *rand.Rand
	moments []Moment
	hushed  map[string]bool
}

// New opens the shop's listeners on free loopback ports. Nothing is served before Run.
func New(o Options) (*Shop, error) {
	if o.OTLP == "" || o.Now == nil {
		return nil, errors.New("open shop: OTLP and Now are required")
	}
	if o.Load <= 0 {
		o.Load = 1
	}
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
	if o.Traced <= 0 {
		o.Traced = 0.25
	}
	if o.Show == nil {
		o.Show = DefaultShow()
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Shop{opt: o, began: o.Now(), net: newNetwork(), queue: newQueue(), services: map[string]*service{},
		hushed: map[string]bool{}, rand: rand.New(rand.NewPCG(o.Seed, 0x5eed))}
	for _, st := range stands {
		s.stands = append(s.stands, newStandIn(s, st))
	}
	for _, c := range plan {
		s.services[c.name] = newService(s, c)
	}
	if err := s.listen(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *Shop) listen() error {
	for _, st := range s.stands {
		if err := st.listen(); err != nil {
			return fmt.Errorf("open stand-in %s: %w", st.name, err)
		}
	}
	for _, c := range plan {
		if err := s.services[c.name].listen(); err != nil {
			return fmt.Errorf("open service %s: %w", c.name, err)
		}
	}
	return nil
}

// URL is where a service answers now: "http://127.0.0.1:40213"; "" for a service that is down or does not exist. The
// gateway keeps its address for the life of the shop.
func (s *Shop) URL(service string) string {
	if addr := s.net.address(host(service)); addr != "" {
		return "http://" + addr
	}
	return ""
}

// Run serves, makes load and follows the schedule of faults until ctx ends, then closes everything and waits for it.
func (s *Shop) Run(ctx context.Context) error {
	defer s.close()
	for _, c := range plan {
		if err := s.services[c.name].start(ctx); err != nil {
			return fmt.Errorf("start service %s: %w", c.name, err)
		}
	}
	g, run := errgroup.WithContext(ctx)
	for _, part := range []func(context.Context) error{s.load, s.reports, s.notify, s.show} {
		g.Go(func() error { return part(run) })
	}
	if err := g.Wait(); ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *Shop) close() {
	var wg sync.WaitGroup
	for _, v := range s.services {
		wg.Go(v.stop)
	}
	wg.Wait()
	for _, st := range s.stands {
		st.close()
	}
	s.net.close()
}

// chance says yes in a share p of calls.
func (s *Shop) chance(p float64) bool {
	if p >= 1 || p <= 0 {
		return p >= 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rand.Float64() < p
}

// hush keeps callers away from a service, or lets them come back.
func (s *Shop) hush(service string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hushed[service] = on
}

func (s *Shop) quiet(service string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hushed[service]
}

// vary spreads a duration by a lognormal of the given sigma, cut at ten times the median.
func (s *Shop) vary(d time.Duration, sigma float64) time.Duration {
	s.mu.Lock()
	z := s.rand.NormFloat64()
	s.mu.Unlock()
	return lognormal(d, sigma, z)
}

// Moment is something that happened to the shop and that a person would mark on a chart.
type Moment struct {
	At      time.Time
	Kind    string // fault, recovered, deployed, rolled-back, restarted
	Service string
	Fault   string // kind of the fault, for fault and recovered
	Version string // for deployed and rolled-back
	Text    string // in words
}

const maxMoments = 200

func (s *Shop) tell(m Moment) {
	m.At = s.opt.Now()
	s.mu.Lock()
	if len(s.moments) == maxMoments {
		s.moments = append(s.moments[:0], s.moments[1:]...)
	}
	s.moments = append(s.moments, m)
	s.mu.Unlock()
	s.opt.Log.Debug("shop", "what", m.Kind, "service", m.Service, "text", m.Text)
	if s.opt.On != nil {
		s.opt.On(m)
	}
}

// Moments are the last 200, oldest first.
func (s *Shop) Moments() []Moment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Moment(nil), s.moments...)
}

// wait sleeps unless ctx ends first.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
