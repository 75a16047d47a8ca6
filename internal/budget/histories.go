package budget

import (
	"context"
	"slices"
	"sync"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// histories keeps the pasts that were looked at last, so that a page costs the counts of a past once, and the newest
// minutes after that. The zero value is ready. Safe for concurrent use.
type histories struct {
	mu      sync.Mutex
	entries map[historyKey]*history
	clock   int64 // of looks
	units   int   // held by all entries
}

type historyKey struct{ slo, group string }

// history is one kept past.
type history struct {
	mu    sync.Mutex // held while it is read
	h     *slo.History
	plan  *slo.Plan
	first slo.Instant // of the group
	since slo.Instant // units from here on are held
	gens  []uint32    // of the subjects when they were read
	built int         // units at first

	used, units int64 // guarded by histories.mu
}

// mostUnits bounds what is kept, at 20 bytes a unit: 40 MB, the minutes of some 35 objectives over 28 days and the
// windows before them.
const mostUnits = 2_000_000

// entry is the place of a past, made where there is none.
func (c *histories) entry(k historyKey) *history {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[historyKey]*history{}
	}
	e := c.entries[k]
	if e == nil {
		e = &history{}
		c.entries[k] = e
	}
	c.clock++
	e.used = c.clock
	return e
}

// weigh notes what an entry holds now, and forgets the pasts that nobody looked at for the longest time.
func (c *histories) weigh(k historyKey, e *history, units int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[k] != e {
		return // forgotten meanwhile
	}
	c.units += units - int(e.units)
	e.units = int64(units)
	for c.units > mostUnits {
		var oldest historyKey
		for k, e := range c.entries {
			if was := c.entries[oldest]; was == nil || e.used < was.used {
				oldest = k
			}
		}
		c.units -= int(c.entries[oldest].units)
		delete(c.entries, oldest)
	}
}

// pastSince is the past of a group from an instant on, up to a tick, as known then. Its result must not be run.
func (e *Engine) pastSince(ctx context.Context, s *Status, g *Group, since, tick slo.Instant) (*slo.History, error) {
	k := historyKey{s.Objective.Name, g.Key}
	kept := e.histories.entry(k)
	kept.mu.Lock()
	defer kept.mu.Unlock()
	gens := e.counts.Generations(g.handle.ids)
	r := newReader(ctx, e.counts, g.handle.ids)
	h, err := kept.extended(s, g, since, tick, r, gens)
	if err != nil {
		return nil, err
	}
	if h == nil {
		if h, err = slo.NewHistorySince(s.Plan, g.handle.first, since, tick, r, g.handle.corrections, tick); err != nil {
			return nil, err
		}
		kept.plan, kept.first, kept.since, kept.gens, kept.built = s.Plan, g.handle.first, since, gens, h.Units()
	}
	kept.h = h
	e.histories.weigh(k, kept, h.Units())
	return h, nil
}

// extended brings a kept past to a tick; nil where it does not reach back far enough, has grown for long, or what it was
// made of has changed.
func (p *history) extended(s *Status, g *Group, since, tick slo.Instant, r slo.SlotReader, gens []uint32) (*slo.History, error) {
	switch {
	case p.h == nil || p.plan != s.Plan || p.first != g.handle.first || p.since > since || p.h.Known() > tick || !slices.Equal(p.gens, gens),
		p.h.Units() > p.built+p.built/4+1440:
		return nil, nil
	case p.h.Known() == tick:
		return p.h, nil
	}
	return p.h.Extended(g.handle.first, tick, r, g.handle.corrections, tick)
}
