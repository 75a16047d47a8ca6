package budget

import (
	"context"
	"slices"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// publish makes the snapshot that pages see, and writes result series.
func (e *Engine) publish(ctx context.Context, tick slo.Instant, begun time.Time) {
	s := &Snapshot{At: tick.Time(), Problems: e.problems, Objectives: make([]*Status, 0, len(e.tracks)), Gaps: gapsOf(e.tick.Sources)}
	for _, t := range e.tracks {
		s.Objectives = append(s.Objectives, e.status(t, tick))
	}
	s.Took = e.opt.Now().Sub(begun)
	e.snapshot.Store(s)
	if e.opt.Results != nil {
		if err := e.opt.Results.Append(ctx, e.results(s)); err != nil {
			e.log.Warn("write result series", "err", err)
		}
	}
}

// gapsOf lists the sources that do not answer.
func gapsOf(down map[string]gapMark) []Gap {
	var out []Gap
	for _, name := range sortedKeys(down) {
		out = append(out, Gap{Source: sourceName(name), From: down[name].From.Time(), Reason: down[name].Reason})
	}
	return out
}

func sortStatuses(all []*Status) {
	slices.SortFunc(all, func(a, b *Status) int { return compare(a.Objective.Name, b.Objective.Name) })
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
