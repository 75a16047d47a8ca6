package budget

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

const (
	// seedBack is how far back a resumed objective reads to know where its series stand.
	seedBack = 20 * 60_000
	// dayBack is for how long a counter that stood still goes on (§2).
	dayBack = 24 * 3_600_000
	// stride is how much is read at once where much is to be read.
	stride = dayBack
	// again is how much of the past a source without Advance is asked for each round.
	again = 10 * 60_000
)

// begin makes an objective ready: a new one counts its history, one that was counted before resumes where it stood.
func (e *Engine) begin(ctx context.Context, t *track, tick slo.Instant) error {
	if t.mark.Filled && len(t.groups) == 0 {
		if err := e.reopen(ctx, t, tick); err != nil {
			return storeError{err}
		}
	}
	if t.source.failed != nil {
		return nil
	}
	err := e.beginCounting(ctx, t, tick)
	if err != nil && sourceFailed(ctx, err) {
		t.source.failed = err
		return nil
	}
	return err
}

func (e *Engine) beginCounting(ctx context.Context, t *track, tick slo.Instant) error {
	if !t.mark.Filled {
		return e.fill(ctx, t, tick)
	}
	from := t.mark.Behind
	if from == 0 {
		from = e.lastTick(tick)
	}
	if err := t.seed(ctx, from); err != nil {
		return err
	}
	t.again(from - again) // samples that came while nobody listened
	return nil
}

// reopen opens the groups that were there before, so that budgets go on even while the source is away.
func (e *Engine) reopen(ctx context.Context, t *track, tick slo.Instant) error {
	last := e.lastTick(tick)
	for name, m := range t.mark.Groups {
		g, err := t.open(ctx, e.counts, name, m.Values, m.First)
		if err != nil {
			return err
		}
		g.last = max(g.last, last.Slot()-1)
		for rule, f := range g.mark.Firing {
			e.fired[alertID(t.plan.Objective.Name, name, rule, f.Since)] = f.Seq
		}
		for _, rule := range sortedKeys(g.mark.Firing) {
			if !slices.ContainsFunc(t.plan.Rules, func(r slo.Rule) bool { return r.Name == rule }) {
				e.facts = append(e.facts, g.endedBy(rule, tick, "removed"))
				delete(g.mark.Firing, rule)
				t.keep(g)
			}
		}
	}
	return nil
}

// seed reads where the series of a track stood at an instant up to which everything is counted.
func (t *track) seed(ctx context.Context, at slo.Instant) error {
	t.begin(t.mark.Start, t.source.keep())
	if err := t.read(ctx, at-seedBack, at); err != nil {
		return err
	}
	if err := t.seedQuiet(ctx, at); err != nil {
		return err
	}
	for _, c := range t.counters {
		c.Resume(at)
		c.Prune(at)
		c.Compact()
	}
	t.through, t.since, t.seeded, t.filled = at, at-dayBack, true, 1
	return nil
}

// seedQuiet reads the last day of series that had no sample of late: their counters may go on.
func (t *track) seedQuiet(ctx context.Context, at slo.Instant) error {
	for i := range t.intake.inlets {
		in := &t.intake.inlets[i]
		if in.within >= 0 {
			continue
		}
		all, err := t.source.Series(ctx, []string{in.selector}, (at - dayBack).Time(), at.Time())
		if err != nil {
			return err
		}
		quiet := false
		for _, ls := range all {
			quiet = quiet || t.series[i][ls.Hash()] == nil
		}
		if !quiet {
			continue
		}
		err = t.source.Raw(ctx, in.selector, (at - dayBack).Time(), (at - seedBack + 1).Time(), func(s metric.Series) error {
			if f := t.series[i][s.Labels.Hash()]; f == nil || f.last <= int64(at-seedBack) {
				return t.take(ctx, i, s)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fill counts the history of a new objective from its first sample on, or from the start that was agreed.
func (e *Engine) fill(ctx context.Context, t *track, tick slo.Instant) error {
	if t.mark.Start == 0 {
		start, err := e.startOf(ctx, t, tick)
		if err != nil {
			return err
		}
		t.mark.Start, t.dirty = start, true
	}
	t.groups, t.refused = map[string]*group{}, map[string]bool{}
	t.begin(t.mark.Start, t.source.keep())
	t.seeded, t.through = true, slo.SlotStart(t.mark.Start.SlotUp())-dayBack
	if t.through = max(t.through, e.oldest(t, tick)); t.through > tick {
		t.through = tick - slo.SlotMS
	}
	t.since = t.through
	if len(t.plan.Objective.GroupBy) == 0 {
		if _, err := t.open(ctx, e.counts, "", nil, slo.SlotStart(t.mark.Start.SlotUp())); err != nil {
			return storeError{err}
		}
	}
	if err := e.catchUp(ctx, t, tick-slo.SlotMS); err != nil {
		t.seeded = false
		return err
	}
	for _, g := range t.groups {
		g.begun, g.now = false, nil
	}
	t.filled, t.mark.Filled, t.dirty = 1, true, true
	return nil
}

// oldest is how far back the samples of a new objective are read: over its whole budget window at least, and from the
// begin that was agreed, as far as counts are kept at all.
func (e *Engine) oldest(t *track, tick slo.Instant) slo.Instant {
	back := max(slo.Instant(e.opt.History.Milliseconds()), slo.Instant(t.plan.Length().Milliseconds())+dayBack)
	if o := t.plan.Objective; !o.Start.IsZero() {
		back = max(back, tick-slo.At(o.Start)+dayBack)
	}
	return tick - min(back, count.Days*dayBack)
}

// startOf is the slot of the first sample in the history, the present one where there is none.
func (e *Engine) startOf(ctx context.Context, t *track, tick slo.Instant) (slo.Instant, error) {
	if o := t.plan.Objective; !o.Start.IsZero() {
		return slo.SlotStart(slo.At(o.Start).SlotUp()), nil
	}
	if len(t.intake.inlets) == 0 {
		return tick - slo.SlotMS, nil // formulas tell of the past only what their windows say
	}
	for from := e.oldest(t, tick); from < tick; from += dayBack {
		first := tick
		for _, in := range t.intake.inlets {
			if in.within >= 0 {
				continue
			}
			err := t.source.Raw(ctx, in.selector, from.Time(), min(from+dayBack, tick).Time(), func(s metric.Series) error {
				first = min(first, slo.Instant(s.Points[0].T))
				return nil
			})
			if err != nil {
				return 0, err
			}
		}
		if first < tick {
			return slo.SlotStart(first.Slot()), nil
		}
	}
	return tick - slo.SlotMS, nil
}

// catchUp reads what is between the track and the tick. A round's minute is left to the round's own storing; longer
// stretches are stored as they are read.
func (e *Engine) catchUp(ctx context.Context, t *track, tick slo.Instant) error {
	long := tick-t.through > again
	for tick-t.through > again {
		to := min(tick, slo.SlotStart((t.through + stride).Slot()))
		if err := t.read(ctx, t.through, to); err != nil {
			return err
		}
		t.through = to
		t.filled = min(1, float64(to-t.mark.Start)/float64(max(1, tick-t.mark.Start)))
		if err := e.storeRows(ctx, t, to.Slot()); err != nil {
			return storeError{err}
		}
	}
	if long {
		t.run = nil
		for _, c := range t.counters {
			c.Compact()
		}
	}
	from := t.through
	if t.source.Advance == nil {
		from = min(from, tick-again)
	}
	if t.late != 0 {
		from = min(from, t.late-1)
	}
	t.late = 0
	if err := t.read(ctx, from, tick); err != nil {
		return err
	}
	t.through, t.source.asked = tick, true
	return nil
}

// storeRows drains a track and stores the rows by subject.
func (e *Engine) storeRows(ctx context.Context, t *track, end int64) error {
	entries, err := t.drain(ctx, e.counts, end, nil)
	if err != nil {
		return err
	}
	return e.fillRows(ctx, entries)
}

func (e *Engine) fillRows(ctx context.Context, entries []count.Entry) error {
	slices.SortStableFunc(entries, func(a, b count.Entry) int {
		if a.ID != b.ID {
			return int(a.ID - b.ID)
		}
		return int(a.Slot - b.Slot)
	})
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].ID == entries[0].ID {
			n++
		}
		rows := make([]count.Row, 0, n)
		for _, x := range entries[:n] {
			if k := len(rows); k > 0 && rows[k-1].Slot == x.Slot {
				rows[k-1] = x.Row
				continue
			}
			rows = append(rows, x.Row)
		}
		if err := e.counts.Fill(ctx, entries[0].ID, rows); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// sortLate hands late series to the objectives that read them, and lets each objective be counted again once a day, which
// mends whatever was missed.
func (e *Engine) sortLate(tick slo.Instant) {
	e.mu.Lock()
	late := e.late
	e.late = nil
	e.mu.Unlock()
	for _, l := range late {
		for _, name := range []string{l.Labels.Get(model.MetricNameLabel), ""} {
			for _, t := range e.names[name] {
				t.lateSample(l, tick)
			}
		}
	}
	for i, t := range e.tracks {
		if tick.Slot()%1440 == int64(i)*7919%1440 && t.seeded {
			t.again(tick - dayBack)
		}
	}
}

func (t *track) lateSample(l metric.Late, tick slo.Instant) {
	at := slo.Instant(l.T)
	for _, in := range t.intake.inlets {
		if !matches(in.matchers, l.Labels) {
			continue
		}
		if at < tick-again {
			t.again(at)
		} else if t.late == 0 || at < t.late {
			t.late = at
		}
		return
	}
}

// countAgain counts anew what samples that came too late for the running counters may have changed, and stores what
// differs.
func (e *Engine) countAgain(ctx context.Context, t *track, tick slo.Instant) error {
	at := t.recount
	from := max(slo.SlotStart((at - dayBack).Slot()), slo.SlotStart(t.mark.Start.SlotUp()), slo.SlotStart(t.mark.Counted.SlotUp()))
	t.recount = 0
	if from >= tick || t.source.failed != nil {
		return nil
	}
	fresh := &track{plan: t.plan, intake: t.intake, source: t.source, refused: map[string]bool{}}
	fresh.begin(t.mark.Start, 0)
	fresh.since = from - dayBack - 10*60_000
	if err := fresh.read(ctx, fresh.since, tick); err != nil {
		if sourceFailed(ctx, err) {
			t.source.failed, t.recount = err, at
			return nil
		}
		return err
	}
	var entries []count.Entry
	for _, g := range t.groups {
		changed, err := g.compare(fresh, max(from, g.mark.First), tick)
		if err != nil {
			return fmt.Errorf("count %s again: %w", t.plan.Objective.Name, err)
		}
		entries = append(entries, changed...)
	}
	if len(entries) == 0 {
		return nil
	}
	e.log.Info("late samples changed counts", "slo", t.plan.Objective.Name, "slots", len(entries), "from", from.Time().Format(time.RFC3339))
	return e.fillRows(ctx, entries)
}

// compare is the rows of [from, tick) that a fresh count has otherwise.
func (g *group) compare(fresh *track, from, tick slo.Instant) ([]count.Entry, error) {
	first, n := from.Slot(), tick.Slot()-from.Slot()
	if n <= 0 {
		return nil, nil
	}
	var out []count.Entry
	have, want := make([]slo.Slot, n), make([]slo.Slot, n)
	for part, c := range fresh.counters {
		clear(want)
		if counted := c.Group(g.key); counted != nil {
			if err := counted.ReadSlots(0, first, want); err != nil {
				return nil, err
			}
		}
		if err := g.reader.ReadSlots(part, first, have); err != nil {
			return nil, err
		}
		for i := range want {
			if n := first + int64(i); differ(have[i], want[i]) && !have[i].Settled && n <= g.last {
				out = append(out, count.Entry{ID: g.ids[part], Row: rowOf(n, want[i])})
				g.now = append(g.now, slo.Change{Part: part, N: n, Before: have[i], After: want[i]})
				g.revise(n)
			}
		}
	}
	return out, nil
}

// differ says that two counts of a slot are not the same but for the rounding of sums.
func differ(a, b slo.Slot) bool {
	near := func(x, y float64) bool { return math.Abs(x-y) <= 1e-9*math.Max(math.Abs(x), math.Abs(y)) }
	return a.ValidS != b.ValidS || a.Sampled != b.Sampled || !near(a.Bad, b.Bad) || !near(a.Total, b.Total)
}
