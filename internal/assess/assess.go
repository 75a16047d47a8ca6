// Package assess looks at an existing metric store, read-only, and says what its alerts miss: it finds services by
// well-known conventions, drafts a catalog and objectives, tries these on the history and sets the alerts that are
// there already beside them. docs/assess.md says how.
package assess

import (
	"context"
	"fmt"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// Options of Run. Source and Now are required; other zero values are the defaults that the comments name.
type Options struct {
	Source  metric.Source
	Address string                                            // of the source, as reports and evenkeel.yaml show it, without credentials; "" = none
	Token   string                                            // file with a bearer token, for evenkeel.yaml
	Rules   func(context.Context) ([]metric.RuleGroup, error) // the alerts that are there; nil = unknown
	Days    int                                               // of history, 1..90; 0 = 30
	Now     time.Time                                         // end of the history

	MaxServices int           // the busiest ones are looked at; 0 = 100
	MaxQueries  int           // 0 = 5,000
	MaxPoints   int64         // in all answers; 0 = 100 million
	Time        time.Duration // for reading; what is not read by then is left out; 0 = 4 min 30 s
	Parallel    int           // questions at once; 0 = 4
	Say         func(string)  // progress, a line each, from one goroutine at a time; nil = silent
}

// Assessment is what was found.
type Assessment struct {
	Address  string
	From, To time.Time
	Window   time.Duration // of each rate that history was read by
	Services []Service     // by name
	Drafts   []Draft       // by service, availability before latency
	Burns    []Burn        // stretches in which a drafted objective would have paged or ticketed, by cost
	Alerts   []Alert       // the alerting rules that are there, by name
	Known    bool          // the rules could be read
	Findings []Finding     // the worst first
	LeftOut  []string      // what was not looked at, and why
	Queries  int           // questions asked
	Points   int64         // in their answers
	token    string
}

// Run reads the source and judges what it finds. It never writes there. A source that does not answer at all is an
// error; what could not be read later, or would have taken too long, is named in Assessment.LeftOut.
func Run(ctx context.Context, o Options) (*Assessment, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, o.Time)
	defer cancel()
	to := o.Now.Truncate(time.Minute)
	a := &Assessment{Address: o.Address, From: to.AddDate(0, 0, -o.Days), To: to, token: o.Token}
	q := &asker{source: o.Source, maxQueries: o.MaxQueries, maxPoints: o.MaxPoints}
	if err := a.discover(ctx, q, o); err != nil {
		return nil, err
	}
	if err := a.draft(ctx, q, o); err != nil {
		return nil, err
	}
	a.readAlerts(ctx, q, o)
	a.judge()
	a.Queries, a.Points = q.spent()
	return a, nil
}

func (o Options) filled() (Options, error) {
	if o.Days == 0 {
		o.Days = 30
	}
	if o.Days < 1 || o.Days > 90 {
		return o, kit.Errorf(kit.Invalid, "%d days of history; ask for 1 to 90", o.Days)
	}
	for n, otherwise := range map[*int]int{&o.MaxServices: 100, &o.MaxQueries: 5000, &o.Parallel: 4} {
		if *n <= 0 {
			*n = otherwise
		}
	}
	if o.MaxPoints <= 0 {
		o.MaxPoints = 100_000_000
	}
	if o.Time <= 0 {
		o.Time = 4*time.Minute + 30*time.Second
	}
	tell, lock := o.Say, &sync.Mutex{}
	o.Say = func(line string) {
		lock.Lock()
		defer lock.Unlock()
		if tell != nil {
			tell(line)
		}
	}
	return o, nil
}

func (a *Assessment) leave(format string, args ...any) {
	a.LeftOut = append(a.LeftOut, fmt.Sprintf(format, args...))
}
