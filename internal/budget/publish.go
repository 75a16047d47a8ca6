package budget

import (
	"context"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// publish makes the snapshot that pages see, and writes result series.
func (e *Engine) publish(ctx context.Context, tick slo.Instant, begun time.Time) {
	s := &Snapshot{At: tick.Time(), Problems: e.problems, Objectives: make([]*Status, 0, len(e.tracks))}
	for _, t := range e.tracks {
		s.Objectives = append(s.Objectives, e.status(t, tick))
	}
	for _, name := range sortedKeys(e.sources) {
		if down := e.sources[name].down; down.From != 0 {
			s.Gaps = append(s.Gaps, Gap{Source: sourceName(name), From: down.From.Time(), Reason: down.Reason})
		}
	}
	s.Took = e.opt.Now().Sub(begun)
	e.snapshot.Store(s)
	if e.opt.Results != nil {
		if err := e.opt.Results.Append(ctx, e.results(s)); err != nil {
			e.log.Warn("write result series", "err", err)
		}
	}
}

func (e *Engine) status(t *track, tick slo.Instant) *Status {
	out := &Status{Objective: t.plan.Objective, Plan: t.plan, Version: t.agreed, Proof: t.proof, Filling: t.filled}
	for _, f := range t.intake.formulas {
		out.Inexact = append(out.Inexact, f.expr)
	}
	if len(t.refused) > 0 {
		out.Refused = sortedKeys(t.refused)
	}
	if !t.mark.Filled {
		return out
	}
	out.Groups = make([]Group, 0, len(t.groups))
	for _, name := range sortedKeys(t.groups) {
		g, err := t.groups[name].view(tick)
		if err != nil {
			e.log.Error("show a budget", "slo", t.plan.Objective.Name, "err", err)
			continue
		}
		out.Groups = append(out.Groups, g)
	}
	return out
}
