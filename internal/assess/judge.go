package assess

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Burn is a stretch in which a drafted objective would have alerted.
type Burn struct {
	Service, Objective string
	From, To           time.Time
	Open               bool     // it had not ended
	Severity           string   // page or ticket
	Bad                float64  // events, from when the trouble began
	Cost               float64  // share of one window's budget
	By                 []string // names of alerts that were there and fired
}

const (
	before = 15 * time.Minute // an alert that fires this long before we would have still counts as the same trouble
	after  = 5 * time.Minute
)

// judge sets burning budgets and the alerts that are there side by side.
func (a *Assessment) judge() {
	for i := range a.Alerts {
		a.Alerts[i].named = slices.ContainsFunc(a.Services, func(s Service) bool { return s.in(a.Alerts[i].values) })
	}
	for _, d := range a.Drafts {
		a.Burns = append(a.Burns, a.burns(d)...)
	}
	slices.SortStableFunc(a.Burns, func(x, y Burn) int { return cmp.Compare(y.Cost, x.Cost) })
	for i := range a.Alerts {
		a.judgeAlert(&a.Alerts[i])
	}
	a.Findings = a.findings()
}

// burns lists when the default policy would have paged, and when it would have ticketed outside of that.
func (a *Assessment) burns(d Draft) []Burn {
	if len(d.Trials) == 0 {
		return nil
	}
	t := d.Trials[0]
	var out []Burn
	for _, i := range t.Pages {
		out = append(out, a.burn(d, i, slo.Page))
	}
	for _, i := range slo.Severity(t.Rules, slo.Ticket) {
		b := a.burn(d, i, slo.Ticket)
		if !slices.ContainsFunc(out, func(p Burn) bool { return p.Severity == slo.Page && p.From.Before(b.To) && b.From.Before(p.To) }) {
			out = append(out, b)
		}
	}
	return out
}

func (a *Assessment) burn(d Draft, i slo.Interval, severity string) Burn {
	b := Burn{Service: d.Service, Objective: d.Objective.Name, From: i.From.Time().UTC(), To: i.To.Time().UTC(), Severity: severity}
	if i.Open() {
		b.To, b.Open = a.To, true
	}
	bad, _, _ := d.minutes.sums(b.From.Add(-before), b.To)
	b.Bad = bad
	allowed := d.Events / (d.Known * float64(len(d.minutes.total))) * budgetWindow.Minutes() * d.Objective.Target.Complement()
	b.Cost = bad / allowed
	s := a.serviceOf(d.Service)
	for i := range a.Alerts {
		al := &a.Alerts[i]
		if al.Beat || al.always(a.To.Sub(a.From)) {
			continue
		}
		for _, f := range al.Fired {
			if f.From.Before(b.To.Add(after)) && f.To.After(b.From.Add(-before)) && al.about(f, s) {
				b.By = append(b.By, al.Name)
				break
			}
		}
	}
	return b
}

func (a *Assessment) serviceOf(name string) Service {
	i := slices.IndexFunc(a.Services, func(s Service) bool { return s.Name == name })
	return a.Services[i]
}

// lasted is how long it fired, summed over its series, and the median of its firings; zero where it never did.
func (al *Alert) lasted() (sum, median time.Duration) {
	var all []time.Duration
	for _, f := range al.Fired {
		all = append(all, f.To.Sub(f.From))
		sum += f.To.Sub(f.From)
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return sum, all[len(all)/2]
}

// always says that an alert told nothing, for some series of it fired nearly all the time.
func (al *Alert) always(span time.Duration) bool {
	return slices.ContainsFunc(al.Fired, func(f Fired) bool { return f.To.Sub(f.From) > span*9/10 })
}

const (
	noisyTimes  = 4                // firings, and at least one a week
	noisyMedian = 15 * time.Minute // half of them shorter
	noisyHurt   = 0.25             // share of them with a burning budget, at most
)

func (a *Assessment) judgeAlert(al *Alert) {
	for _, f := range al.Fired {
		if slices.ContainsFunc(a.Burns, func(b Burn) bool {
			return f.From.Before(b.To.Add(after)) && f.To.After(b.From.Add(-before)) && al.about(f, a.serviceOf(b.Service))
		}) {
			al.Hurt++
		}
	}
	n, span := len(al.Fired), a.To.Sub(a.From)
	_, median := al.lasted()
	switch {
	case al.Beat || n == 0:
	case al.always(span):
		al.Noise = "fires nearly all the time; nobody reads it any more"
	case n >= noisyTimes && float64(n) >= span.Hours()/(7*24) && median <= noisyMedian && float64(al.Hurt) <= noisyHurt*float64(n):
		al.Noise = fmt.Sprintf("fired %s, half of them within %s, %d while a budget burned", times(n), kit.Duration(median), al.Hurt)
	}
}

func times(n int) string { return kit.Plural(n, "time", "times") }
