package budget

import (
	"context"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/store/count"
)

// upkeep keeps the counts small: rounds are folded each quarter of an hour; once a day each objective's old minutes are
// settled, and what is older than 400 days goes.
func (e *Engine) upkeep(ctx context.Context, tick slo.Instant) error {
	if tick.Slot()%count.Coarse == 0 {
		if err := e.counts.Fold(ctx); err != nil {
			return err
		}
	}
	for i, t := range e.tracks {
		if tick.Slot()%1440 == int64(i)*6151%1440 && t.mark.Filled {
			if err := e.settle(ctx, t, tick); err != nil {
				return err
			}
		}
	}
	if tick.Slot()%1440 == 0 {
		return e.counts.Expire(ctx, tick.Slot()-count.Days*1440)
	}
	return nil
}

// settle turns old minutes into quarters of an hour, where that cannot change an answer: slices need their minutes, and
// the parts of a composite that assume something about gaps keep theirs.
func (e *Engine) settle(ctx context.Context, t *track, tick slo.Instant) error {
	if t.plan.Unit() != slo.SlotMS*1_000_000 || t.plan.Objective.Composite != nil && t.assumes() {
		return nil
	}
	before := tick.Slot() - count.MinuteDays*1440
	var edges []int64
	for _, v := range t.mark.Targets {
		edges = append(edges, v.From.SlotUp())
	}
	for _, c := range t.corrections {
		edges = append(edges, c.From.Slot(), c.To.SlotUp())
	}
	for _, g := range t.groups {
		if g.mark.First.Slot() >= before {
			continue
		}
		for part, id := range g.ids {
			if err := e.counts.Settle(ctx, id, before, edges, func(rows []count.Row) ([]count.Row, error) {
				return g.applied(ctx, part, rows)
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// assumes says that a missing slot may count as something.
func (t *track) assumes() bool {
	o := t.plan.Objective
	if o.Composite == nil {
		return o.NoData != "" && o.NoData != slo.Excluded
	}
	for _, p := range o.Composite.Parts {
		if p.Objective.NoData != "" && p.Objective.NoData != slo.Excluded {
			return true
		}
	}
	return false
}

// applied is rows with the no-data policy applied.
func (g *group) applied(ctx context.Context, _ int, rows []count.Row) ([]count.Row, error) {
	if !g.track.assumes() || len(rows) == 0 {
		return rows, nil
	}
	g.reader.ctx = ctx
	end := rows[len(rows)-1].End()
	h, err := slo.NewHistory(g.track.plan, g.mark.First, slo.SlotStart(end), g.reader, nil, 0)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if r := &rows[i]; !r.Settled && r.ValidS == 0 {
			bad, total, _, valid := h.Raw(slo.SlotStart(r.Slot), slo.SlotStart(r.Slot+1))
			r.Bad, r.Total, r.ValidS = bad, total, int(valid)
		}
	}
	return rows, nil
}
