package budget

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Round evaluates everything up to the whole minute at or before now, every tick since the last round included: samples
// become counts, counts budgets and alert states, and what changed becomes facts. A second round of the same minute does
// nothing; so does one after the clock went back. fence proves that this process may conclude; nil where there is only one.
//
// After an error the next round goes on from what is stored.
func (e *Engine) Round(ctx context.Context, now time.Time, fence *ledger.Fence) error {
	begun := e.opt.Now()
	tick := slo.SlotStart(slo.At(now).Slot())
	if tick <= e.tick.Tick || tick <= e.done {
		return nil
	}
	if fence != nil && fence.Token != e.fence {
		e.stale, e.fence = e.stale || e.fence != 0, fence.Token // another process may have evaluated meanwhile
	}
	if e.stale {
		if err := e.reload(ctx); err != nil {
			return err
		}
	}
	last := e.lastTick(tick)
	e.facts = append(e.facts, e.take(tick)...)
	if err := e.correct(ctx); err != nil {
		return err
	}
	if err := e.collect(ctx, tick, begun); err != nil {
		e.restart()
		return fmt.Errorf("count the minute %s: %w", tick.Time().Format(time.TimeOnly), err)
	}
	if err := e.conclude(ctx, last, tick, begun); err != nil {
		e.restart()
		return fmt.Errorf("evaluate the minute %s: %w", tick.Time().Format(time.TimeOnly), err)
	}
	e.done = tick
	err := e.record(ctx, tick, fence)
	e.publish(ctx, tick, begun)
	return err
}

// lastTick is from where this round's ticks go on: a meter that starts anew starts there.
func (e *Engine) lastTick(tick slo.Instant) slo.Instant {
	switch {
	case e.done != 0:
		return e.done
	case e.tick.Tick != 0:
		return e.tick.Tick
	}
	return tick - slo.SlotMS
}

// restart makes the next round resume every objective from the stored counts and marks.
func (e *Engine) restart() { e.stale = true }

// reload reads where the evaluation stood and forgets what is in memory.
func (e *Engine) reload(ctx context.Context) error {
	if err := e.counts.Refresh(ctx); err != nil {
		return err
	}
	notes, err := e.counts.Marks(ctx)
	if err != nil {
		return err
	}
	if e.tick, e.marks, err = readMarks(notes); err != nil {
		return err
	}
	e.mu.Lock()
	if e.pending == nil {
		e.pending = e.current
	}
	e.mu.Unlock()
	e.tracks, e.facts, e.done, e.stale = nil, nil, 0, false
	return nil
}

// collect reads samples up to the tick and stores what they counted.
func (e *Engine) collect(ctx context.Context, tick slo.Instant, begun time.Time) error {
	for _, s := range e.sources {
		s.failed, s.asked = nil, false
		if s.Advance == nil {
			continue
		}
		if err := s.Advance(ctx, tick.Time()); err != nil {
			return err
		}
	}
	e.sortLate(tick)
	marks, err := e.marksToStore()
	if err != nil {
		return err
	}
	e.entries = e.entries[:0]
	for _, t := range e.tracks {
		if !t.seeded && e.spare(begun) {
			if err := e.begin(ctx, t, tick); err != nil {
				return err
			}
		}
		if err := e.follow(ctx, t, tick); err != nil {
			return err
		}
	}
	if err := e.counts.Put(ctx, e.entries, marks); err != nil {
		return err
	}
	for _, t := range e.tracks {
		if t.recount != 0 && t.seeded && e.spare(begun) {
			if err := e.countAgain(ctx, t, tick); err != nil {
				return err
			}
		}
	}
	return e.upkeep(ctx, tick)
}

// spare says whether there is wall time left for what can wait.
func (e *Engine) spare(begun time.Time) bool { return e.opt.Now().Sub(begun) < e.opt.Spare }

// follow reads one objective up to the tick. A source that does not answer leaves its slots missing; they are read when
// it does.
func (e *Engine) follow(ctx context.Context, t *track, tick slo.Instant) error {
	if t.seeded && t.source.failed == nil {
		if err := e.catchUp(ctx, t, tick); err != nil {
			if !sourceFailed(ctx, err) {
				return err
			}
			t.source.failed = err
		}
	}
	if !t.mark.Filled {
		return nil
	}
	behind := slo.Instant(0)
	if t.through < tick {
		behind = t.through
	}
	if behind != t.mark.Behind && (behind == 0 || t.mark.Behind == 0) {
		t.mark.Behind, t.dirty = behind, true
	}
	var err error
	e.entries, err = t.drain(ctx, e.counts, tick.Slot(), e.entries)
	return err
}

// sourceFailed says that err is the source's: everything goes on without it.
func sourceFailed(ctx context.Context, err error) bool {
	var stored storeError
	return ctx.Err() == nil && !errors.As(err, &stored)
}

// storeError is a failure of our own stores.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

// drain adds the rows of all groups up to slot end, new groups included.
func (t *track) drain(ctx context.Context, store *count.Store, end int64, entries []count.Entry) ([]count.Entry, error) {
	if err := t.discover(ctx, store); err != nil {
		return entries, err
	}
	for _, g := range t.groups {
		g.reader.ctx = ctx
		var err error
		if entries, err = g.drain(end, entries); err != nil {
			return entries, err
		}
	}
	for _, c := range t.counters {
		c.Prune(t.through)
	}
	return entries, nil
}

// discover opens the groups that appeared.
func (t *track) discover(ctx context.Context, store *count.Store) error {
	for _, c := range t.counters {
		for _, counted := range c.Groups() {
			first, ok := counted.First()
			if !ok {
				continue
			}
			g := t.groups[counted.Name]
			if g != nil && (first >= g.mark.First || !t.mark.Filled) {
				if first < g.mark.First {
					g.mark.First, g.last = first, min(g.last, first.Slot()-1)
					t.keep(g)
				}
				continue
			}
			firing := map[string]firingMark(nil)
			if g != nil {
				firing = g.mark.Firing
			}
			g, err := t.open(ctx, store, counted.Name, counted.Values, first)
			if err != nil {
				return err
			}
			g.mark.Firing = firing
		}
	}
	return nil
}

// conclude evaluates all ticks up to this one.
func (e *Engine) conclude(ctx context.Context, last, tick slo.Instant, begun time.Time) error {
	for _, t := range e.tracks {
		if !t.mark.Filled {
			continue
		}
		for _, name := range sortedKeys(t.groups) {
			g := t.groups[name]
			facts, err := g.advance(ctx, last, tick)
			if err != nil {
				return err
			}
			e.facts = append(e.facts, facts...)
			g.remember()
			e.facts = append(e.facts, g.takeGaps()...)
		}
	}
	e.facts = append(e.facts, e.gaps(tick)...)
	if err := e.look(ctx, last, tick); err != nil {
		return err
	}
	e.prove(tick, begun)
	if err := e.closeDays(ctx, tick, begun); err != nil {
		return err
	}
	if beat, ok := e.beat(tick, last, e.opt.Now().Sub(begun)); ok {
		e.facts = append(e.facts, beat)
	}
	return nil
}

// record appends the facts concluded so far. Those that cannot be appended stay and are tried again; until then marks are
// not stored, so that a restart concludes them anew.
func (e *Engine) record(ctx context.Context, tick slo.Instant, fence *ledger.Fence) error {
	for len(e.facts) > 0 {
		n := min(len(e.facts), 1000)
		for i := range e.facts[:n] {
			e.causes(&e.facts[i])
		}
		receipt, err := e.opt.Facts.Append(ctx, ledger.Batch{Events: e.facts[:n], Lane: ledger.Alerts, Fence: fence})
		if err != nil {
			switch kit.CodeOf(err) {
			case kit.Conflict: // another evaluator concludes now
				e.restart()
			case kit.Invalid: // can never be recorded
				e.facts = e.facts[n:]
			}
			return fmt.Errorf("record %d conclusions: %w", n, err)
		}
		for i, f := range e.facts[:n] {
			e.recorded(f, receipt.Seqs[i])
		}
		e.facts = e.facts[n:]
	}
	e.facts = nil
	e.tick.Tick = tick
	return nil
}

// marksToStore is the marks of the last tick whose facts are recorded; none while some are not.
func (e *Engine) marksToStore() (map[string][]byte, error) {
	if len(e.facts) > 0 || e.tick.Tick == 0 {
		return nil, nil
	}
	marks := map[string][]byte{}
	body, err := json.Marshal(e.tick)
	if err != nil {
		return nil, fmt.Errorf("store where the evaluation stands: %w", err)
	}
	marks[tickName] = body
	for _, t := range append(e.gone, e.tracks...) {
		if !t.dirty {
			continue
		}
		if marks[trackPrefix+t.plan.Objective.Name], err = json.Marshal(t.mark); err != nil {
			return nil, fmt.Errorf("store where the evaluation of %s stands: %w", t.plan.Objective.Name, err)
		}
		t.dirty = false
	}
	e.gone = nil
	return marks, nil
}

// Store stores where the evaluation stands, at the end of a run; a run that is killed evaluates its last tick again.
func (e *Engine) Store(ctx context.Context) error {
	marks, err := e.marksToStore()
	if err != nil {
		return err
	}
	return firstOf(e.counts.Put(ctx, nil, marks), e.counts.Fold(ctx))
}

// causes links an ended alert to the fact that it fired.
func (e *Engine) causes(f *event.Event) {
	if ended, ok := f.Fact.(*event.AlertEnded); ok {
		if seq := e.fired[ended.AlertID]; seq > 0 {
			f.Cause = []int64{seq}
		}
	}
}

// recorded remembers where the fact of a firing alert is.
func (e *Engine) recorded(f event.Event, seq int64) {
	switch fact := f.Fact.(type) {
	case *event.AlertEnded:
		delete(e.fired, fact.AlertID)
	case *event.AlertFired:
		e.fired[fact.AlertID] = seq
		for _, t := range e.tracks {
			if t.plan.Objective.Name == fact.SLO {
				t.firedAt(fact, seq)
			}
		}
	}
}

func (t *track) firedAt(fact *event.AlertFired, seq int64) {
	for _, g := range t.groups {
		f, ok := g.mark.Firing[fact.Rule]
		if ok && groupKey(fact.SLO, g.key) == fact.GroupKey {
			f.Seq = seq
			g.mark.Firing[fact.Rule] = f
			t.keep(g)
		}
	}
}
