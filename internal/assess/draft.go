package assess

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/promql"
	"golang.org/x/sync/errgroup"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/migrate"
)

// Draft is an objective that the history suggests, and how it would have done.
type Draft struct {
	Service   string // name of the service
	Objective slo.Objective
	Attained  float64        // share of good events over the history, 0..1
	Events    float64        // in the history
	Known     float64        // share of the history that something is known about, 0..1
	Why       string         // for the target, in words
	Consumed  float64        // share of one window's budget that the last window spent
	Days      []float64      // share of one window's budget that each day spent, oldest first; NaN = nothing known
	Trials    []budget.Trial // the default alert policy first, then others to compare

	minutes *minutes
}

// draft reads the history of each service and drafts its objectives.
func (a *Assessment) draft(ctx context.Context, q *asker, o Options) error {
	drafts, left := make([][]Draft, len(a.Services)), make([][]string, len(a.Services))
	var g errgroup.Group
	g.SetLimit(o.Parallel)
	for i, s := range a.Services {
		g.Go(func() error {
			o.Say(fmt.Sprintf("%d of %d: reading %s", i+1, len(a.Services), s.Name))
			drafts[i], left[i] = a.service(ctx, q, s)
			return nil
		})
	}
	_ = g.Wait() // none fails: what could not be read is left out, in words
	a.Drafts = slices.Concat(drafts...)
	a.LeftOut = append(a.LeftOut, slices.Concat(left...)...)
	if len(a.Drafts) == 0 && len(a.LeftOut) > 0 && len(a.Services) > 0 {
		return kit.Errorf(kit.Unavailable, "no history could be read; %s", a.LeftOut[0])
	}
	return nil
}

// service drafts the objectives of one service; left says what could not be drafted.
func (a *Assessment) service(ctx context.Context, q *asker, s Service) (out []Draft, left []string) {
	c := s.Convention
	try := func(what string, d *Draft, err error) {
		switch {
		case err != nil:
			left = append(left, fmt.Sprintf("%s of %s: %s", what, s.Name, err))
		case d != nil:
			out = append(out, *d)
		}
	}
	switch {
	case c.Gauge:
		d, err := a.gauge(ctx, q, s)
		try("availability", d, err)
	case s.Code == "":
		left = append(left, fmt.Sprintf("availability of %s: %s has none of the labels that tell success from failure (%s)", s.Name, c.Total, list(c.Codes, 3)))
	default:
		d, err := a.requests(ctx, q, s)
		try("availability", d, err)
	}
	if c.Bucket != "" && s.Rate > 0 {
		d, err := a.latency(ctx, q, s)
		try("latency", d, err)
	}
	return out, left
}

func exact(text string) slo.Query {
	q, _ := migrate.Reduce(text)
	return q
}

// requests drafts availability from a counter of requests by outcome.
func (a *Assessment) requests(ctx context.Context, q *asker, s Service) (*Draft, error) {
	total := s.selector(s.Convention.Total)
	failed := s.selector(s.Convention.Total, s.Code+"=~"+strconv.Quote(s.Convention.Failed))
	m, err := readMinutes(ctx, q, perMinute(total, a.Window), perMinute(failed, a.Window), false, a.From, a.To)
	if err != nil {
		return nil, err
	}
	o := a.objective(s, "availability", "Requests that the server answers without failing")
	o.Indicator = slo.Indicator{Kind: slo.BadTotal, Total: exact("sum(rate(" + total + "[{{.window}}]))"), Bad: exact("sum(rate(" + failed + "[{{.window}}]))")}
	return a.finish(ctx, o, s, m)
}

// gauge drafts availability from samples that are 1 or 0.
func (a *Assessment) gauge(ctx context.Context, q *asker, s Service) (*Draft, error) {
	sel := s.selector(s.Convention.Total)
	m, err := readMinutes(ctx, q, "count("+sel+")", "count("+sel+" == 0)", false, a.From, a.To)
	if err != nil {
		return nil, err
	}
	text := "Probes that succeed"
	if s.Convention.Total == "up" {
		text = "Scrapes that get an answer: whether the process is there, not whether its users are served"
	}
	o := a.objective(s, "availability", text)
	o.Indicator = slo.Indicator{Kind: slo.Gauge, Op: "gte", Threshold: 1, Total: slo.Query{Text: sel, Terms: []slo.Term{{Selector: sel, Factor: 1}}}}
	return a.finish(ctx, o, s, m)
}

// latency drafts a latency objective from a classic histogram; nil where the service has none.
func (a *Assessment) latency(ctx context.Context, q *asker, s Service) (*Draft, error) {
	c := s.Convention
	bound, le, err := a.bound(ctx, q, s)
	if err != nil || le == "" {
		return nil, err
	}
	all := s.selector(c.Bucket)
	m, err := readMinutes(ctx, q, perMinute(s.selector(c.Bucket, `le="+Inf"`), a.Window),
		perMinute(s.selector(c.Bucket, "le="+strconv.Quote(le)), a.Window), true, a.From, a.To)
	if err != nil {
		return nil, err
	}
	length := time.Duration(bound * float64(c.Unit))
	o := a.objective(s, "latency", "Requests answered within "+kit.Duration(length))
	o.Indicator = slo.Indicator{Kind: slo.Histogram, Threshold: bound, Op: "lte", Total: slo.Query{Text: all, Terms: []slo.Term{{Selector: all, Factor: 1}}}}
	return a.finish(ctx, o, s, m)
}

// fast is the share of requests that the threshold of a drafted latency objective should hold.
const fast = 0.99

// bound is the lowest bucket bound that holds 99 % of requests, from samples of the history every six hours; where none
// does, the highest. le is its label's value, "" without a histogram.
func (a *Assessment) bound(ctx context.Context, q *asker, s Service) (bound float64, le string, err error) {
	sums := map[string]float64{}
	expr := fmt.Sprintf("sum by (le) (rate(%s[%dm]))", s.selector(s.Convention.Bucket), max(5, int(a.Window/time.Minute)))
	err = q.between(ctx, expr, a.From.Add(6*time.Hour), a.To, 6*time.Hour, func(p promql.Series) {
		for _, f := range p.Floats {
			if !math.IsNaN(f.F) {
				sums[p.Metric.Get("le")] += f.F
			}
		}
	})
	if err != nil {
		return 0, "", err
	}
	bound = -1
	for text, n := range sums {
		b, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(b, 0) || b <= 0 {
			continue
		}
		holds, held := n >= fast*sums["+Inf"], le != "" && sums[le] >= fast*sums["+Inf"]
		if le == "" || holds && (!held || b < bound) || !holds && !held && b > bound {
			bound, le = b, text
		}
	}
	return bound, le, nil
}

// objective is what all drafts have in common.
func (a *Assessment) objective(s Service, what, text string) slo.Objective {
	return slo.Objective{Name: s.Name + "-" + what, Title: s.Name + " " + what, Description: text + ". Drafted by evenkeel assess.",
		Service: s.Name, Tier: -1, Window: slo.Window{Rolling: budgetWindow}, Method: slo.Occurrences}
}

// finish sets the target and tries the objective on its history; nil where nothing is known of it.
func (a *Assessment) finish(ctx context.Context, o slo.Objective, s Service, m *minutes) (*Draft, error) {
	bad, total, known := m.sums(a.From, a.To)
	if total == 0 {
		return nil, kit.Errorf(kit.NotFound, "no events in the history")
	}
	d := Draft{Service: s.Name, Attained: 1 - bad/total, Events: total, Known: float64(known) / float64(len(m.total)), minutes: m}
	perWindow := total / float64(known) * budgetWindow.Minutes()
	o.Target, d.Why = suggest(d.Attained, perWindow)
	allowed := perWindow * o.Target.Complement()
	if d.Known < 0.9 {
		d.Why += fmt.Sprintf("; only %s of history is there", kit.Duration(time.Duration(known)*time.Minute))
	}
	d.Objective = o
	last, _, _ := m.sums(a.To.Add(-min(budgetWindow, a.To.Sub(a.From))), a.To)
	d.Consumed = last / allowed
	for day := a.From; day.Before(a.To); day = day.Add(24 * time.Hour) {
		b, _, n := m.sums(day, day.Add(24*time.Hour))
		share := b / allowed
		if n == 0 {
			share = math.NaN()
		}
		d.Days = append(d.Days, share)
	}
	return &d, a.backtest(ctx, &d)
}

// backtest tries the drafted objective's alert policies on what was read.
func (a *Assessment) backtest(ctx context.Context, d *Draft) error {
	o := playable(d.Objective)
	o.Tier = tier
	grid := budget.Grid(o)
	verdicts, err := budget.Backtest(context.WithoutCancel(ctx), o, played{minutes: d.minutes},
		slo.BacktestQuestion{From: slo.At(a.From), To: slo.At(a.To)}.DefaultGrace(), grid...)
	if err != nil || len(verdicts) == 0 {
		return err
	}
	d.Trials = verdicts[0].Trials
	place := map[string]int{}
	for i, p := range grid {
		place[p.Name] = i
	}
	slices.SortFunc(d.Trials, func(x, y budget.Trial) int { return cmp.Compare(place[x.Policy.Name], place[y.Policy.Name]) })
	return nil
}

// tier is what the drafted components are put into, which decides the alert policy: what nobody said anything about.
const tier = 2

// list joins a few words and says how many more there are.
func list(words []string, most int) string {
	var out strings.Builder
	for i, w := range words[:min(most, len(words))] {
		if i > 0 {
			out.WriteString(", ")
		}
		out.WriteString(w)
	}
	if n := len(words) - most; n > 0 {
		out.WriteString(fmt.Sprintf(" and %d more", n))
	}
	return out.String()
}
