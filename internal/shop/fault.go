package shop

import (
	"context"
	"fmt"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind string

const (
	ErrorBurst FaultKind = "error-burst"     // a share of requests fails
	Slow       FaultKind = "slow-dependency" // something that others call takes long
	MemoryLeak FaultKind = "memory-leak"     // memory grows, pauses lengthen, then the process dies and starts again
	BadDeploy  FaultKind = "bad-deploy"      // a new version fails; it is rolled back
	Outage     FaultKind = "total-outage"    // nothing answers
	Quiet      FaultKind = "quiet"           // nobody calls
)

// Fault is one trouble of the show.
type Fault struct {
	Kind    FaultKind
	On      string        // service or stand-in
	After   time.Duration // since the round began
	For     time.Duration
	Errors  float64       // share of requests that fail
	Delay   time.Duration // added to each request
	Version string        // BadDeploy: the version that comes and goes
	Text    string        // what a person would say happened
}

// DefaultShow is the schedule of one round: something to see within two minutes, everything within twenty.
func DefaultShow() []Fault {
	return []Fault{
		{Kind: ErrorBurst, On: "payments", After: 20 * time.Second, For: 170 * time.Second, Errors: 0.7,
			Text: "the card network turns down two charges in three"},
		{Kind: Slow, On: "stock-db", After: 4*time.Minute + 30*time.Second, For: 3 * time.Minute, Delay: 650 * ms,
			Text: "the stock database lost an index and scans"},
		{Kind: MemoryLeak, On: "search", After: 8 * time.Minute, For: 5 * time.Minute,
			Text: "search keeps every query it answered"},
		{Kind: Quiet, On: "shipping-quotes", After: 9 * time.Minute, For: 4 * time.Minute,
			Text: "a feature flag stopped checkout from asking for quotes"},
		{Kind: BadDeploy, On: "checkout", After: 14 * time.Minute, For: 3 * time.Minute, Errors: 0.45, Delay: 40 * ms, Version: "v2.31.0",
			Text: "checkout v2.31.0 cannot read carts saved by the version before"},
		{Kind: Outage, On: "catalog", After: 17*time.Minute + 30*time.Second, For: 90 * time.Second,
			Text: "catalog does not come back from a restart"},
	}
}

const (
	round     = 20 * time.Minute
	slowRound = time.Hour // from the fourth round on, so that budgets last through a day
	quick     = 3
	downtime  = 4 * time.Second
)

// trouble is what a service or stand-in suffers from now.
type trouble struct {
	errors    float64
	delay     time.Duration
	slower    float64
	leaks     bool
	unhealthy bool
	text      string
}

func (t *trouble) reason() string {
	if t == nil || t.text == "" {
		return "unexpected error"
	}
	return t.text
}

// show plays the faults, round after round.
func (s *Shop) show(ctx context.Context) error {
	for n := 0; ; n++ {
		from := s.opt.Now()
		if err := s.playRound(ctx, from); err != nil {
			return err
		}
		length := round
		if n >= quick {
			length = slowRound
		}
		if err := wait(ctx, length-s.opt.Now().Sub(from)); err != nil {
			return err
		}
	}
}

// playRound begins each fault at its time and lets them overlap.
func (s *Shop) playRound(ctx context.Context, from time.Time) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(s.opt.Show))
	started := 0
	var first error
	for _, f := range s.opt.Show {
		if first = wait(ctx, f.After-s.opt.Now().Sub(from)); first != nil {
			break
		}
		started++
		go func() { ended <- s.play(ctx, f) }()
	}
	for range started {
		if err := <-ended; err != nil && first == nil {
			first = err
			cancel()
		}
	}
	return first
}

// play is one fault from its beginning to its end.
func (s *Shop) play(ctx context.Context, f Fault) error {
	s.tell(Moment{Kind: "fault", Service: f.On, Fault: string(f.Kind), Text: f.Text})
	if err := s.suffer(ctx, f); err != nil {
		return fmt.Errorf("play %s on %s: %w", f.Kind, f.On, err)
	}
	s.tell(Moment{Kind: "recovered", Service: f.On, Fault: string(f.Kind), Text: f.On + " is well again"})
	return nil
}

func (s *Shop) suffer(ctx context.Context, f Fault) error {
	for _, st := range s.stands {
		if st.name == f.On {
			st.trouble.Store(&trouble{errors: f.Errors, delay: f.Delay, text: f.Text})
			defer st.trouble.Store(nil)
			return wait(ctx, f.For)
		}
	}
	v := s.services[f.On]
	if v == nil {
		return fmt.Errorf("there is no %s", f.On)
	}
	switch f.Kind {
	case Outage:
		return v.restart(ctx, f.For)
	case Quiet:
		s.hush(f.On, true)
		defer s.hush(f.On, false)
		return wait(ctx, f.For)
	case BadDeploy:
		return s.badDeploy(ctx, v, f)
	case MemoryLeak:
		return s.memoryLeak(ctx, v, f)
	}
	v.trouble.Store(&trouble{errors: f.Errors, delay: f.Delay, text: f.Text})
	defer v.trouble.Store(nil)
	return wait(ctx, f.For)
}

func (s *Shop) badDeploy(ctx context.Context, v *service, f Fault) error {
	good := v.plan.version
	if err := v.deploy(ctx, f.Version); err != nil {
		return err
	}
	s.tell(Moment{Kind: "deployed", Service: f.On, Version: f.Version, Text: f.On + " " + f.Version + " in production"})
	v.trouble.Store(&trouble{errors: f.Errors, delay: f.Delay, text: f.Text})
	defer v.trouble.Store(nil)
	if err := wait(ctx, f.For); err != nil {
		return err
	}
	if err := v.deploy(ctx, good); err != nil {
		return err
	}
	s.tell(Moment{Kind: "rolled-back", Service: f.On, Version: good, Text: f.On + " rolled back to " + good})
	return nil
}

func (s *Shop) memoryLeak(ctx context.Context, v *service, f Fault) error {
	v.trouble.Store(&trouble{leaks: true, text: f.Text})
	defer v.trouble.Store(nil)
	if err := wait(ctx, f.For); err != nil {
		return err
	}
	v.trouble.Store(nil)
	if err := v.restart(ctx, downtime); err != nil {
		return err
	}
	s.tell(Moment{Kind: "restarted", Service: f.On, Text: f.On + " ran out of memory and was started again"})
	return nil
}
