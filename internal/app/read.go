package app

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/prometheus/promql"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/web"
)

// lastScrapes is how many samples the last scrape of each target gave, by job and instance.
func (a *app) lastScrapes(now time.Time) map[[2]string]float64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	v, _, err := a.store.Query(ctx, "scrape_samples_post_metric_relabeling", now)
	vector, ok := v.(promql.Vector)
	if err != nil || !ok {
		return nil
	}
	out := map[[2]string]float64{}
	for _, s := range vector {
		out[[2]string{s.Metric.Get("job"), s.Metric.Get("instance")}] = s.F
	}
	return out
}

// read lists the metric stores of others that are asked, with the objectives that depend on each.
func (a *app) read() []web.SourceState {
	if a.store != nil {
		return nil
	}
	snap := a.budget.Now()
	readers := map[string]int{}
	for _, s := range snap.Objectives {
		readers[sourceText(s.Objective.Indicator.Metrics)]++
	}
	var out []web.SourceState
	for i, src := range a.org.Current().Config.Metrics.Sources {
		name := src.Name
		if i == 0 && readers["metrics"] > 0 || name == "" {
			name = "metrics"
		}
		s := web.SourceState{Name: name, Kind: "prometheus", Last: snap.At, Every: time.Minute, Rate: math.NaN(), Spans: math.NaN(), Lag: -1, Series: -1}
		for _, g := range snap.Gaps {
			if g.Source == name || i == 0 && g.Source == "metrics" {
				s.Last, s.Error, s.Silent, s.Held = g.From.Add(-time.Minute), g.Reason, true, readers[g.Source]
			}
		}
		out = append(out, s)
	}
	return out
}

// sourceText is how people know a metric source.
func sourceText(name string) string {
	if name == "" {
		return "metrics"
	}
	return name
}

// stored lists what lies on disk.
func (a *app) stored(ctx context.Context) []web.Stored {
	var out []web.Stored
	if st, err := a.ledger.Stats(ctx); err == nil {
		budgets := 0
		for _, o := range a.budget.Now().Objectives {
			budgets += len(o.Groups)
		}
		out = append(out, web.Stored{Name: "Ledger and counts", Place: a.db.Engine(), Bytes: float64(st.Bytes), Free: float64(st.Free),
			Detail: fmt.Sprintf("%s, %s", kit.Plural(int(st.Head.Seq), "fact", "facts"), kit.Plural(budgets, "budget", "budgets"))})
	}
	if a.store != nil {
		bytes, free := a.store.Usage()
		out = append(out, web.Stored{Name: "Samples", Place: "embedded", Bytes: float64(bytes), Free: float64(free),
			Detail: fmt.Sprintf("%s in memory, kept %s", kit.Plural(int(a.store.SeriesInMemory()), "series", "series"), kit.Duration(a.store.Retention()))})
	}
	return out
}

// flow is what runs through the server, looked at every few seconds over the last hour.
type flow struct {
	name, unit string
	per        time.Duration
	total      func() float64 // grows
	last       float64
	rates      []float64 // per second, oldest first
}

const (
	flowEvery = 15 * time.Second
	flowKept  = int(time.Hour / flowEvery)
)

// flows are all of them.
type flows struct {
	mu  sync.Mutex
	all []*flow
	at  time.Time // of the last look
}

// openFlows names what is counted.
func (a *app) openFlows() {
	if a.store != nil {
		a.flows.all = append(a.flows.all, &flow{name: "Samples stored", unit: "a second", per: time.Second, total: func() float64 { return float64(a.store.Appended()) }})
	}
	a.flows.all = append(a.flows.all,
		&flow{name: "Spans reduced", unit: "a second", per: time.Second, total: func() float64 { return float64(a.traces.Stats().Spans) }},
		&flow{name: "Facts recorded", unit: "a minute", per: time.Minute, total: func() float64 { return float64(a.ledger.Head().Seq) }})
	for _, f := range a.flows.all {
		f.last = f.total()
	}
	a.flows.at = a.now()
}

// watchFlows looks at the counters until ctx ends.
func (a *app) watchFlows(ctx context.Context) error {
	for sleep(ctx, flowEvery) {
		a.flows.look(a.now())
	}
	return nil
}

// look takes one more point of every flow.
func (f *flows) look(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	passed := now.Sub(f.at).Seconds()
	if passed <= 0 {
		return // the clock went back
	}
	f.at = now
	for _, x := range f.all {
		total := x.total()
		x.rates = append(x.rates, max(0, total-x.last)/passed)
		x.last = total
		x.rates = x.rates[max(0, len(x.rates)-flowKept):]
	}
}

// rated gives the flows to the System page: what flows now is the mean of the last minute.
func (f *flows) rated() []web.Rated {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []web.Rated
	for _, x := range f.all {
		r := web.Rated{Name: x.name, Unit: x.unit, Rate: math.NaN()}
		v := slices.Clone(x.rates)
		for i := range v {
			v[i] *= x.per.Seconds()
		}
		if last := v[max(0, len(v)-4):]; len(last) > 0 {
			r.Rate = 0
			for _, y := range last {
				r.Rate += y / float64(len(last))
			}
		}
		pad := make([]float64, flowKept-len(v))
		for i := range pad {
			pad[i] = math.NaN()
		}
		r.Track = web.Track{From: f.at.Add(-time.Duration(flowKept-1) * flowEvery), Step: flowEvery, V: append(pad, v...)}
		out = append(out, r)
	}
	return out
}
