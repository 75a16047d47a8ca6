package slo

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Incident is a labelled time of trouble, [From, To).
type Incident struct {
	From, To Instant
	Name     string // for people
}

// BacktestQuestion asks how alert policies would have done over a stretch of history (§10).
type BacktestQuestion struct {
	From, To    Instant // ticks From < t <= To; what lies before From counts in the windows
	Incidents   []Incident
	GraceBefore time.Duration // a page that ended this long before an incident still belongs to it; 5 min
	GraceAfter  time.Duration // as does one that began this long after it; 15 min
	Merge       time.Duration // incidents at most this far apart are one; 10 min
}

// DefaultGrace fills the question's times with those of §10.
func (q BacktestQuestion) DefaultGrace() BacktestQuestion {
	q.GraceBefore, q.GraceAfter, q.Merge = 5*time.Minute, 15*time.Minute, 10*time.Minute
	return q
}

// Backtest is how one alert policy did (§10). Nil numbers have an empty denominator.
type Backtest struct {
	Plan  *Plan
	Pages []Interval // To 0 = still open at the end
	Rules []RuleRun

	Incidents    int // judged
	Detected     int
	MatchedPages int
	Precision    *float64 // matched pages / pages
	Recall       *float64 // detected incidents / incidents
	DetectP50S   *float64 // from an incident's begin to its earliest page, seconds
	DetectP95S   *float64
	ResetP50S    *float64 // from its end to the end of its latest page, seconds
	ResetP95S    *float64
	PagesPerWeek float64
	SpentMax     *float64   // largest share of the budget spent before an incident's page
	Missed       []Incident // without a page
	FalsePages   []Instant  // begins of pages without an incident
}

// RuleRun is when a rule fired.
type RuleRun struct {
	Rule  Rule
	Fired []Interval
}

// Severity is the union of the runs of all rules of a severity.
func Severity(runs []RuleRun, severity string) []Interval {
	var all []Interval
	for _, r := range runs {
		if r.Rule.Severity == severity {
			all = append(all, r.Fired...)
		}
	}
	return Union(all)
}

// Track is what a back-test or preview reads: the counts of an objective or group, and its corrections.
type Track struct {
	Plan        *Plan // how counts become units; targets and window
	First       Instant
	Slots       SlotReader
	Corrections []Correction // each tick knows those that were seen by then
}

// Alerts evaluates the rules of several plans over one track at every whole minute of from..to, all inactive before.
// The plans may differ from the track's in nothing but their rules: sums are shared between them.
func Alerts(t Track, from, to Instant, plans ...*Plan) ([][]RuleRun, error) {
	runs, _, err := alerts(t, from, to, plans)
	return runs, err
}

// alerts also gives the history as it is known at the end.
func alerts(t Track, from, to Instant, plans []*Plan) ([][]RuleRun, *History, error) {
	from, to = Instant(ceilTo(int64(from), SlotMS)), Instant(floorTo(int64(to), SlotMS))
	rules, states := distinct(plans)
	found := make([]RuleRun, len(rules))
	for i, r := range rules {
		found[i].Rule = r
	}
	var h *History
	for _, epoch := range epochs(t.Corrections, from, to) {
		var err error
		if h, err = NewHistory(t.Plan, t.First, epoch.To, t.Slots, t.Corrections, epoch.From); err != nil {
			return nil, nil, err
		}
		h.run(rules, states, epoch.From, epoch.To, func(r int, tr Transition) { found[r].note(tr) })
	}
	return deal(plans, found), h, nil
}

// distinct is the rules of all plans, each once: the policies of a grid share most of theirs, and equal rules do the same.
func distinct(plans []*Plan) ([]Rule, []AlertState) {
	var rules []Rule
	for _, p := range plans {
		for _, r := range p.Rules {
			if !slices.Contains(rules, r) {
				rules = append(rules, r)
			}
		}
	}
	return rules, make([]AlertState, len(rules))
}

// deal gives each plan the runs of its rules.
func deal(plans []*Plan, found []RuleRun) [][]RuleRun {
	runs := make([][]RuleRun, len(plans))
	for i, p := range plans {
		for _, r := range p.Rules {
			at := slices.IndexFunc(found, func(f RuleRun) bool { return f.Rule == r })
			runs[i] = append(runs[i], RuleRun{r, slices.Clone(found[at].Fired)})
		}
	}
	return runs
}

func (r *RuleRun) note(t Transition) {
	if t.Fired {
		r.Fired = append(r.Fired, Interval{From: t.At})
		return
	}
	r.Fired[len(r.Fired)-1].To = t.At
}

// epochs cuts the ticks from..to where corrections come into force or go; To is the last tick of each.
func epochs(cs []Correction, from, to Instant) []Interval {
	cuts := []Instant{from}
	for _, c := range cs {
		for _, t := range []Instant{c.Seen, c.Revoked} {
			if tick := Instant(ceilTo(int64(t), SlotMS)); tick > from && tick <= to {
				cuts = append(cuts, tick)
			}
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var out []Interval
	for i, c := range cuts {
		end := to
		if i+1 < len(cuts) {
			end = cuts[i+1] - SlotMS
		}
		if c <= end {
			out = append(out, Interval{c, end})
		}
	}
	return out
}

// RunBacktest judges the pages that the rules of each plan would have sent. The answers are in the order of the plans.
func RunBacktest(t Track, q BacktestQuestion, plans ...*Plan) ([]Backtest, error) {
	runs, h, err := alerts(t, Instant(floorTo(int64(q.From), SlotMS))+SlotMS, q.To, plans)
	if err != nil {
		return nil, err
	}
	incidents := judged(q)
	out := make([]Backtest, len(plans))
	for i, p := range plans {
		out[i] = Backtest{Plan: p, Rules: runs[i], Pages: Severity(runs[i], Page)}
		out[i].judge(q, incidents, func(from, page Instant) float64 { return h.spentBefore(from, page) })
	}
	return out, nil
}

// judged is the incidents of a question, joined, that begin within it.
func judged(q BacktestQuestion) []Incident {
	all := slices.Clone(q.Incidents)
	slices.SortStableFunc(all, func(a, b Incident) int { return cmp.Compare(a.From, b.From) })
	var joined []Incident
	for _, n := range all {
		last := len(joined) - 1
		if last >= 0 && int64(n.From-joined[last].To) <= q.Merge.Milliseconds() {
			joined[last].To = max(joined[last].To, n.To)
			continue
		}
		joined = append(joined, n)
	}
	return slices.DeleteFunc(joined, func(n Incident) bool { return n.From < q.From || n.From >= q.To })
}

func (b *Backtest) judge(q BacktestQuestion, incidents []Incident, spent func(from, page Instant) float64) {
	matched := make([]bool, len(b.Pages))
	var detect, reset []float64
	b.Incidents = len(incidents)
	for _, n := range incidents {
		var mine []Interval
		for i, p := range b.Pages {
			if p.From < n.To+Instant(q.GraceAfter.Milliseconds()) && (p.Open() || p.To > n.From-Instant(q.GraceBefore.Milliseconds())) {
				matched[i] = true
				mine = append(mine, p)
			}
		}
		if len(mine) == 0 {
			b.Missed = append(b.Missed, n)
			continue
		}
		b.Detected++
		first, last := mine[0], mine[len(mine)-1]
		detect = append(detect, max(0, float64(first.From-n.From)/1000))
		if !last.Open() {
			reset = append(reset, max(0, float64(last.To-n.To)/1000))
		}
		share := 0.0
		if first.From > n.From {
			share = spent(n.From, first.From)
		}
		if b.SpentMax == nil || share > *b.SpentMax {
			b.SpentMax = &share
		}
	}
	for i, p := range b.Pages {
		if matched[i] {
			b.MatchedPages++
		} else {
			b.FalsePages = append(b.FalsePages, p.From)
		}
	}
	b.Precision = ratio(b.MatchedPages, len(b.Pages))
	b.Recall = ratio(b.Detected, b.Incidents)
	b.DetectP50S, b.DetectP95S = rank(detect, 0.5), rank(detect, 0.95)
	b.ResetP50S, b.ResetP95S = rank(reset, 0.5), rank(reset, 0.95)
	if q.To > q.From {
		b.PagesPerWeek = float64(len(b.Pages)) * 7 * dayMS / float64(q.To-q.From)
	}
}

func ratio(a, b int) *float64 {
	if b == 0 {
		return nil
	}
	r := float64(a) / float64(b)
	return &r
}

// rank is the nearest-rank quantile: the ceil(q n)-th smallest; nil of nothing.
func rank(xs []float64, q float64) *float64 {
	if len(xs) == 0 {
		return nil
	}
	slices.Sort(xs)
	x := xs[max(0, int(math.Ceil(q*float64(len(xs))-1e-9))-1)]
	return &x
}

// spentBefore is the share of the budget that [from, page) spent: its bad events over what the window before the page
// allows, times the share of that window which exists (§10.6).
func (h *History) spentBefore(from, page Instant) float64 {
	length := Instant(h.plan.nominal())
	window := h.Between(page-length, page)
	if window.Allowed <= 0 {
		return 0
	}
	exists := float64(page-max(h.First(), page-length)) / float64(length)
	return h.Between(Instant(floorTo(int64(from), h.plan.unit)), page).Bad / window.Allowed * exists
}

// Rank orders back-tests of a grid of policies, the recommended one first: recall (high), precision (high), detection
// p50 (low), pages a week (low) (§10.7). Nil numbers come last. Equal ones keep their order.
func Rank(bs []Backtest) {
	slices.SortStableFunc(bs, func(a, b Backtest) int {
		return cmp.Or(
			better(b.Recall, a.Recall, -1), better(b.Precision, a.Precision, -1),
			better(a.DetectP50S, b.DetectP50S, math.Inf(1)), cmp.Compare(a.PagesPerWeek, b.PagesPerWeek))
	})
}

func better(a, b *float64, none float64) int {
	x, y := none, none
	if a != nil {
		x = *a
	}
	if b != nil {
		y = *b
	}
	return cmp.Compare(x, y)
}
