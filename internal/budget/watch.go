package budget

import (
	"context"
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// watchShare bounds what watching costs: it rests twenty times as long as it took.
const watchShare = 20

// watch is what was shown last of another process' evaluation.
type watch struct {
	tick slo.Instant
	of   *directory
	next time.Time // not before
}

// Watch shows how budgets stand by what the process that leads has stored, for one that does not: marks and counts become
// a snapshot of the leader's last stored tick, with Watched set. It reads no metric source, concludes nothing and stores
// nothing. It belongs to the goroutine that runs rounds; a Round after it begins from what is stored.
func (e *Engine) Watch(ctx context.Context) error {
	begun := e.opt.Now()
	e.stale = true // whatever this process knew, another one has gone on since
	e.mu.Lock()
	if e.pending == nil {
		e.pending = e.current // for the next round to take
	}
	d := e.pending
	e.mu.Unlock()
	if d == nil || begun.Before(e.watched.next) {
		return nil
	}
	notes, err := e.counts.Marks(ctx)
	if err != nil {
		return err
	}
	tick, marks, err := readMarks(notes)
	if err != nil {
		return err
	}
	if tick.Tick == e.watched.tick && d == e.watched.of {
		return nil
	}
	if err := e.counts.Refresh(ctx); err != nil {
		return err
	}
	if err := e.correct(ctx); err != nil {
		return err
	}
	s := &Snapshot{Watched: true, Gaps: gapsOf(tick.Sources)}
	if tick.Tick != 0 {
		s.At = tick.Tick.Time()
	}
	for _, o := range d.objectives {
		st, err := e.watchOne(ctx, o, d.agreed[o.Name], marks[o.Name], tick.Tick)
		if err != nil {
			return fmt.Errorf("show what was stored of %s: %w", o.Name, err)
		}
		if st != nil {
			s.Objectives = append(s.Objectives, st)
		}
	}
	sortStatuses(s.Objectives)
	done := e.opt.Now()
	s.Took = done.Sub(begun)
	e.watched = watch{tick.Tick, d, done.Add(watchShare * s.Took)}
	e.snapshot.Store(s)
	return nil
}

// watchOne is one objective as it was stored; nil where it cannot be evaluated, which the leader says.
func (e *Engine) watchOne(ctx context.Context, o slo.Objective, agreed string, m trackMark, tick slo.Instant) (*Status, error) {
	if o.Tier < 0 {
		o.Tier = 1
	}
	t, err := newTrack(o, agreed, m, tick)
	if err != nil {
		return nil, nil
	}
	t.corrections = e.corrections.of(o.Name)
	if t.mark.Filled && tick != 0 {
		t.filled = 1
		for name, g := range t.mark.Groups {
			if err := e.watchGroup(ctx, t, name, g, tick); err != nil {
				return nil, err
			}
		}
	}
	return e.status(t, tick), nil
}

// watchGroup opens one budget as it was stored.
func (e *Engine) watchGroup(ctx context.Context, t *track, name string, m groupMark, tick slo.Instant) error {
	g, err := t.open(ctx, e.counts, name, m.Values, m.First)
	if err != nil {
		return err
	}
	g.reader.ctx = ctx
	if err := g.meter.Start(tick, m.states()); err != nil {
		return err
	}
	g.sample = tick
	if m.Missing != 0 {
		g.sample = m.Missing
	}
	today, end := dayOf(tick.Time(), e.opt.Zone)
	from := slo.At(today.AddDate(0, 0, -stripDays+1))
	if first, _ := dayOf(m.First.Time(), e.opt.Zone); from < slo.At(first) {
		from = slo.At(first)
	}
	g.days, err = e.daysOf(g, from, slo.At(end), tick)
	return err
}
