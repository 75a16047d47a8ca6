package shop

import (
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"evenkeel.dev/evenkeel/internal/store/metric"
)

// History is the shop's past: what its services would have sent, what went wrong, what was deployed.
type History struct {
	From, To  time.Time // samples lie in [From, To)
	Incidents []Incident
	Deploys   []Moment

	spans []span
	seed  uint64
	probe map[string]string
	loc   *time.Location
}

// Days is how long the shop's past is.
const Days = 30

// scrape is the distance of the past's samples. The running shop sends more often.
const scrape = time.Minute

// NewHistory reckons the past thirty days before now. probe holds the labels of the samples that the probe of the
// shop's front door leaves (without the name); nil leaves them out.
func NewHistory(now time.Time, seed uint64, probe map[string]string) (*History, error) {
	to := now.UTC().Truncate(scrape)
	all, err := spans(to)
	if err != nil {
		return nil, err
	}
	made, err := moments(to, all)
	if err != nil {
		return nil, err
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	return &History{From: to.Add(-Days * 24 * time.Hour), To: to, Incidents: incidents(all), Deploys: made, spans: all, seed: seed,
		probe: probe, loc: loc}, nil
}

// Series yields every series of the past under the names and labels that the running shop's telemetry gets in the metric
// store. A series comes in consecutive pieces, in order of time; series come in no particular order. Points are valid
// only until the next piece. The same seed and now give the same samples.
func (h *History) Series() iter.Seq[metric.Series] {
	return func(yield func(metric.Series) bool) {
		w := h.weather()
		for i, c := range plan {
			g := &generator{h: h, weather: w, component: c, phase: time.Duration(7+i*5) * time.Second, yield: yield}
			for j, r := range c.routes {
				g.rand = rand.New(rand.NewPCG(h.seed, uint64(1000*i+j)))
				if !g.route(r) {
					return
				}
			}
			if !g.memory() {
				return
			}
		}
		if h.probe != nil {
			h.probed(w, yield)
		}
	}
}

// weather is the state of the shop in each minute of the past, worked out once for all series.
type weather struct {
	load   []float64            // relative to the mean
	state  []*map[routeKey]flow // shared between minutes with the same ailments
	sick   []map[string]ailment // as above; nil when all is well
	gone   []bool               // telemetry is missing
	leak   []float64            // of search: 0..1
	begins map[string][]bool    // component -> minutes in which a process of it began; nil for none
}

// stretchEvery is after how many minutes durations follow the load.
const stretchEvery = 10

// stretch is how much longer than usual everything takes, by the load.
func (w *weather) stretch(i int) float64 { return 1 + 0.3*(w.load[i]-1) }

func (h *History) weather() *weather {
	n := int(h.To.Sub(h.From) / scrape)
	w := &weather{load: make([]float64, n), state: make([]*map[routeKey]flow, n), sick: make([]map[string]ailment, n), gone: make([]bool, n),
		leak: make([]float64, n), begins: map[string][]bool{}}
	well := flows(nil)
	noise := rand.New(rand.NewPCG(h.seed, 0x10ad))
	drift := 0.0
	for i := range n {
		drift = 0.97*drift + 0.02*noise.NormFloat64()
		seam := max(0, 1-float64(n-i)/120) // over the last two hours the load comes to what the running shop begins with
		w.load[i] = (h.day(h.From.Add(time.Duration(i)*scrape))*(1-seam) + seam) * (1 + drift)
		w.state[i] = &well
	}
	for _, s := range h.spans {
		h.mark(w, s)
	}
	for _, d := range h.Deploys {
		w.begin(d.Service, h.index(d.At))
	}
	return w
}

// mark lays a span over the minutes it covers. Spans of the past do not overlap.
func (h *History) mark(w *weather, s span) {
	from, to := max(h.index(s.from), 0), min(h.index(s.to), len(w.state))
	if from >= to {
		return
	}
	var shared *map[routeKey]flow
	var sick map[string]ailment
	for i := from; i < to; i++ {
		if s.kind == NoData {
			w.gone[i] = true
			continue
		}
		grown := float64(i-from) / float64(to-from)
		if shared == nil || s.kind == MemoryLeak && (i-from)%10 == 0 {
			sick = map[string]ailment{s.on: s.ailment(grown)}
			f := flows(sick)
			shared = &f
		}
		w.state[i], w.sick[i] = shared, sick
		if s.kind == MemoryLeak {
			w.leak[i] = grown
		}
	}
	if s.kind == Outage || s.kind == MemoryLeak {
		w.begin(s.on, to)
	}
}

// ailment is what a span does, grown from 0 to 1 over its length where it is a leak.
func (s span) ailment(grown float64) ailment {
	switch s.kind {
	case Outage:
		return ailment{down: true}
	case Quiet:
		return ailment{quiet: 0.97}
	case MemoryLeak:
		return ailment{delay: time.Duration(float64(leakPause) * grown), share: 1.0 / 3}
	}
	return ailment{errors: s.errors, delay: s.delay}
}

func (h *History) index(t time.Time) int { return int(t.Sub(h.From) / scrape) }

func (w *weather) begin(component string, i int) {
	if i < 0 || i >= len(w.state) {
		return
	}
	if w.begins[component] == nil {
		w.begins[component] = make([]bool, len(w.state))
	}
	w.begins[component][i] = true
}

// day is the load by the shop's clock, relative to its mean: quiet nights, an evening peak, busier weekends.
func (h *History) day(t time.Time) float64 {
	l := t.In(h.loc)
	hour := float64(l.Hour()) + float64(l.Minute())/60
	f := 1 - 0.62*math.Cos((hour-3.5)/24*2*math.Pi) + 0.22*math.Exp(-(hour-20.3)*(hour-20.3)/3)
	if d := l.Weekday(); d == time.Saturday || d == time.Sunday {
		f *= 1.18
	}
	return f * 0.92
}
