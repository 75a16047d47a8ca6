package budget

import (
	"context"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
)

// corrections are the corrections in the ledger, by objective.
type corrections struct {
	after int64 // seq up to which they are read
	bySLO map[string][]slo.Correction
}

func (c *corrections) of(name string) []slo.Correction { return c.bySLO[name] }

// take adds one fact. Revoking names the correction it takes back.
func (c *corrections) take(e event.Event, f *event.BudgetCorrected) {
	if c.bySLO == nil {
		c.bySLO = map[string][]slo.Correction{}
	}
	seen := slo.At(e.Seen)
	all := c.bySLO[f.SLO]
	for i := range all {
		if all[i].ID == f.CorrectionID {
			if f.Revoked && all[i].Revoked == 0 {
				all[i].Revoked = seen
			}
			return
		}
	}
	if f.Revoked {
		return // of a correction that was never made
	}
	c.bySLO[f.SLO] = append(all, slo.Correction{ID: f.CorrectionID, From: slo.At(f.From), To: slo.At(f.To), Effect: slo.Effect(f.Effect), Seen: seen})
}

// correct reads new corrections from the ledger and hands them to the objectives they are about.
func (e *Engine) correct(ctx context.Context) error {
	changed := map[string]bool{}
	for ev, err := range e.opt.Facts.Read(ctx, e.corrections.after, "budget.corrected") {
		if err != nil {
			return err
		}
		e.corrections.after = ev.Seq
		if f, ok := ev.Fact.(*event.BudgetCorrected); ok {
			e.corrections.take(ev, f)
			changed[f.SLO] = true
		}
	}
	if len(changed) == 0 {
		return nil
	}
	for _, t := range e.tracks {
		if !changed[t.plan.Objective.Name] {
			continue
		}
		t.corrections = append([]slo.Correction(nil), e.corrections.of(t.plan.Objective.Name)...)
		for _, g := range t.groups {
			g.meter.Correct(t.corrections)
			for _, c := range t.corrections {
				g.reviseSpan(c.From, c.To)
			}
		}
	}
	return nil
}
