package budget

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/count"
)

// open makes the budget of one group whose first slot begins at first.
func (t *track) open(ctx context.Context, store *count.Store, name string, values []string, first slo.Instant) (*group, error) {
	m := t.mark.Groups[name]
	if m.First == 0 || first < m.First {
		m.First = first
	}
	m.Values = values
	g := &group{track: t, key: name, mark: m}
	var keys []count.Key
	for _, part := range partNames(t.plan.Objective) {
		keys = append(keys, count.Key{SLO: t.plan.Objective.Name, Version: t.mark.Version, Part: part, Group: name})
	}
	if len(t.plan.Objective.GroupBy) > 0 {
		g.labels = map[string]string{}
		for i, label := range t.plan.Objective.GroupBy {
			g.labels[label] = values[i]
		}
	}
	var err error
	if g.ids, err = store.Subjects(ctx, keys); err != nil {
		return nil, err
	}
	g.reader = newReader(ctx, store, g.ids)
	g.meter = slo.NewMeter(t.plan, m.First, g.reader, t.corrections)
	g.last = m.First.Slot() - 1
	t.groups[name] = g
	t.keep(g)
	return g, nil
}

// keep puts a group's mark into the track's, to be stored.
func (t *track) keep(g *group) {
	if t.mark.Groups == nil {
		t.mark.Groups = map[string]groupMark{}
	}
	t.mark.Groups[g.key] = g.mark
	t.dirty = true
}

// states is the alert states of a mark, as a meter starts with them.
func (m groupMark) states() map[string]slo.AlertState {
	out := map[string]slo.AlertState{}
	for rule, f := range m.Firing {
		out[rule] = slo.AlertState{Firing: true, Since: f.Since, Clear: f.Clear}
	}
	return out
}

// remember takes the meter's alert states into the mark, where they changed.
func (g *group) remember() {
	states := g.meter.States()
	if len(states) == 0 && len(g.mark.Firing) == 0 {
		return
	}
	firing := map[string]firingMark{}
	for rule, s := range states {
		firing[rule] = firingMark{Since: s.Since, Clear: s.Clear, Seq: g.mark.Firing[rule].Seq}
	}
	if !maps.Equal(firing, g.mark.Firing) {
		g.mark.Firing = firing
		g.track.keep(g)
	}
}

// drain adds to entries what the counters counted: rows up to slot `end`, and rows stored before that changed.
func (g *group) drain(end int64, entries []count.Entry) ([]count.Entry, error) {
	first, fresh := g.mark.First.Slot(), int(max(0, end-g.last-1))
	g.covered = slices.Grow(g.covered[:0], fresh)[:fresh]
	clear(g.covered)
	for part := range g.ids {
		var counted *slo.Group
		if g.track.seeded {
			counted = g.track.counters[part].Group(g.key)
		}
		if counted == nil {
			entries = g.blank(part, end, entries)
			continue
		}
		for _, d := range counted.Drain() {
			if d.N > g.last || d.N < first {
				continue
			}
			change, err := g.amend(part, d)
			if err != nil {
				return entries, err
			}
			g.now = append(g.now, change)
			g.revise(d.N)
			entries = append(entries, count.Entry{ID: g.ids[part], Row: rowOf(d.N, change.After)})
		}
		if fresh > 0 {
			g.rows = slices.Grow(g.rows[:0], fresh)[:fresh]
			if err := counted.ReadSlots(0, g.last+1, g.rows); err != nil {
				return entries, err
			}
			for i, s := range g.rows {
				entries = append(entries, count.Entry{ID: g.ids[part], Row: rowOf(g.last+1+int64(i), s)})
				g.covered[i] = g.covered[i] || s.Covered()
				if s.Sampled {
					g.sample = slo.SlotStart(g.last + 2 + int64(i))
				}
			}
		}
	}
	g.noteCoverage(g.last+1, g.covered)
	g.last = max(g.last, end-1)
	return entries, nil
}

// blank is the rows of a part that no series belongs to.
func (g *group) blank(part int, end int64, entries []count.Entry) []count.Entry {
	for n := g.last + 1; n < end; n++ {
		entries = append(entries, count.Entry{ID: g.ids[part], Row: count.Row{Slot: n, Len: 1}})
	}
	return entries
}

// amend is what a stored slot becomes by what was counted late.
func (g *group) amend(part int, d slo.Counted) (slo.Change, error) {
	var before [1]slo.Slot
	if err := g.reader.ReadSlots(part, d.N, before[:]); err != nil {
		return slo.Change{}, err
	}
	after := d.After
	if d.Patch {
		after = before[0]
		after.Bad += d.After.Bad - d.Before.Bad
		after.Total += d.After.Total - d.Before.Total
		after.ValidS = max(after.ValidS, d.After.ValidS)
		after.Sampled = after.Sampled || d.After.Sampled
	}
	return slo.Change{Part: part, N: d.N, Before: before[0], After: after}, nil
}

// advance evaluates the group up to a tick and gives the facts of what changed. from is where a meter starts that has not
// yet.
func (g *group) advance(ctx context.Context, from, tick slo.Instant) ([]event.Event, error) {
	g.reader.ctx = ctx
	if !g.begun {
		if err := g.meter.Start(from, g.mark.states()); err != nil {
			return nil, err
		}
		g.begun, g.now = true, nil
	}
	if len(g.now) > 0 {
		if err := g.meter.Changed(g.now); err != nil {
			return nil, err
		}
		g.now = nil
	}
	transitions, err := g.meter.Advance(tick)
	if err != nil {
		return nil, err
	}
	var out []event.Event
	for _, t := range transitions {
		out = append(out, g.alertEvent(t))
	}
	return out, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// canonical is the text of a group's labels: a="x",b="y".
func canonical(labels map[string]string) string {
	var parts []string
	for _, name := range sortedKeys(labels) {
		parts = append(parts, name+"="+strconv.Quote(labels[name]))
	}
	return strings.Join(parts, ",")
}

// view is the group for the snapshot.
func (g *group) view(tick slo.Instant) (Group, error) {
	b, err := g.meter.Budget()
	if err != nil {
		return Group{}, fmt.Errorf("compute the budget of %s: %w", groupKey(g.track.plan.Objective.Name, g.key), err)
	}
	out := Group{Key: canonical(g.labels), Labels: g.labels, Budget: b, Since: g.mark.First.Time(), Days: g.days,
		handle: handle{g.ids, g.mark.First, g.track.corrections}}
	if g.sample != 0 {
		out.LastSample = g.sample.Time()
	}
	states := g.meter.States()
	for _, r := range g.track.plan.Rules {
		rule := RuleState{Rule: r, AlertState: states[r.Name]}
		rule.Counts, _ = g.meter.Window(r.Long)
		rule.Recent, _ = g.meter.Window(r.Short)
		if rule.Firing {
			rule.AlertID = alertID(g.track.plan.Objective.Name, g.key, r.Name, rule.Since)
		}
		out.Rules = append(out.Rules, rule)
	}
	out.State = stateOf(out, g.silent(tick))
	return out, nil
}

// silent says that nothing is known about the last slot.
func (g *group) silent(tick slo.Instant) bool { return g.mark.Missing != 0 || g.sample == 0 }

func stateOf(g Group, silent bool) State {
	paging, ticketing := false, false
	for _, r := range g.Rules {
		paging = paging || r.Firing && r.Severity == slo.Page
		ticketing = ticketing || r.Firing && r.Severity == slo.Ticket
	}
	switch {
	case paging:
		return Paging
	case ticketing:
		return Ticketing
	case g.Budget.Remaining <= 0 && g.Budget.Total > 0:
		return Exhausted
	case silent:
		return NoData
	case g.Budget.ExhaustsInS != nil:
		return Burning
	}
	return Healthy
}

// dayOf is the day that holds an instant, in a zone.
func dayOf(t time.Time, zone *time.Location) (from, to time.Time) {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone).UTC(), time.Date(y, m, d+1, 0, 0, 0, 0, zone).UTC()
}
