package app

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/store/metric"
	"evenkeel.dev/evenkeel/internal/web"
)

// heard remembers who sent telemetry when, for the System page and the freshness in each footer. At most maxHeard senders.
type heard struct {
	mu   sync.Mutex
	from map[string]*sender
}

type sender struct {
	kind, name string
	last       time.Time
	window     time.Time // start of the minute being counted
	points     int64     // in it
	rate       float64   // points a second in the minute before
}

const (
	maxHeard    = 100
	silentAfter = 5 * time.Minute
)

// note counts telemetry from a sender.
func (h *heard) note(kind, name string, points int64, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.from == nil {
		h.from = map[string]*sender{}
	}
	key := kind + " " + name
	s := h.from[key]
	if s == nil {
		if len(h.from) >= maxHeard {
			return
		}
		s = &sender{kind: kind, name: name, window: now}
		h.from[key] = s
	}
	if passed := now.Sub(s.window); passed >= time.Minute {
		s.rate = float64(s.points) / passed.Seconds()
		s.points, s.window = 0, now
	}
	s.last, s.points = now, s.points+points
}

// states lists the senders, the silent ones first.
func (h *heard) states(now time.Time) []web.SourceState {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []web.SourceState
	for _, s := range h.from {
		out = append(out, web.SourceState{Name: s.name, Kind: s.kind, Last: s.last, Rate: s.rate, Silent: now.Sub(s.last) > silentAfter})
	}
	sortSources(out)
	return out
}

func sortSources(list []web.SourceState) {
	slices.SortFunc(list, func(a, b web.SourceState) int {
		if a.Silent != b.Silent {
			if a.Silent {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
}

// telemetry lists every source: who pushes, what is scraped and probed, and the stores that are read.
func (a *app) telemetry() []web.SourceState {
	now := a.now()
	out := a.heard.states(now)
	d := a.org.Current()
	for _, p := range d.Config.Probes {
		s := web.SourceState{Name: p.Name, Kind: "probe", Every: time.Duration(p.Interval)}
		if s.Every == 0 {
			s.Every = 30 * time.Second
		}
		if r, ok := a.probes.Last(p.Name); ok {
			s.Last, s.Error = r.At, r.Reason
		}
		s.Silent = !s.Last.IsZero() && now.Sub(s.Last) > 3*s.Every
		out = append(out, s)
	}
	if a.store != nil {
		for _, t := range a.store.Targets() {
			out = append(out, scraped(t, now))
		}
	}
	for _, g := range a.budget.Now().Gaps {
		if g.To.IsZero() {
			out = append(out, web.SourceState{Name: g.Source, Kind: "prometheus", Last: g.From, Error: g.Reason, Silent: true})
		}
	}
	sortSources(out)
	return out
}

func scraped(t metric.Target, now time.Time) web.SourceState {
	s := web.SourceState{Name: t.Job + " " + t.Instance, Kind: "scrape", Last: t.Last, Every: t.Every, Error: t.Error}
	s.Silent = !t.Last.IsZero() && now.Sub(t.Last) > 3*t.Every
	return s
}

// stored lists what lies on disk.
func (a *app) stored(ctx context.Context) []web.Stored {
	var out []web.Stored
	if st, err := a.ledger.Stats(ctx); err == nil {
		out = append(out, web.Stored{Name: "Ledger and counts", Place: a.db.Engine(), Bytes: float64(st.Bytes), Free: float64(st.Free)})
	}
	if a.store != nil {
		bytes, free := a.store.Usage()
		out = append(out, web.Stored{Name: "Samples", Place: "embedded", Bytes: float64(bytes), Free: float64(free)})
	}
	return out
}
