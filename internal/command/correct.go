// Package command turns what people decide into facts: the right is checked first, then the input, then one transaction
// records it.
package command

import (
	"context"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Commands carries out what people decide.
type Commands struct {
	Ledger *ledger.Ledger
	Access *auth.Keeper
	Now    func() time.Time
	// Owner tells which team (a group's reference) owns an objective's service; known is false for an objective that does
	// not exist.
	Owner func(slo string) (team string, known bool)
	// Service says whether the catalog has a component of a name.
	Service func(name string) bool
}

// Correction takes time out of an objective's budget, or forgives its failures. It works back in time and can be reversed.
type Correction struct {
	SLO    string
	From   time.Time
	To     time.Time // exclusive
	Effect string    // exclude: the time does not count; good: it counts, without its failures
	Reason string
}

const (
	maxReason     = 2000
	maxCorrection = 400 * 24 * time.Hour // as long as counts are kept
)

// check names every wrong field by its JSON name.
func (c Correction) check(now time.Time) error {
	e := &kit.Error{Code: kit.Invalid, Msg: "the correction was not added"}
	add := func(path, msg string) { e.Fields = append(e.Fields, kit.Field{Path: path, Msg: msg}) }
	switch {
	case c.From.IsZero():
		add("/from", "say when it begins, such as 2026-10-22T14:30:00Z")
	case now.Sub(c.From) > maxCorrection:
		add("/from", "counts are kept for 400 days; begin later")
	}
	switch {
	case c.To.IsZero():
		add("/to", "say when it ends")
	case !c.To.After(c.From):
		add("/to", "the end must lie after the begin")
	case c.To.Sub(c.From) > maxCorrection:
		add("/to", "at most 400 days at once")
	}
	if c.Effect != "exclude" && c.Effect != "good" {
		add("/effect", `use "exclude" (the time does not count) or "good" (it counts, without its failures)`)
	}
	if n := len(strings.TrimSpace(c.Reason)); n == 0 || n > maxReason {
		add("/reason", "say why in 1 to 2,000 characters; it stands in the ledger")
	}
	if len(e.Fields) > 0 {
		return e
	}
	return nil
}

// CorrectBudget records a correction and returns its id and the seq of its fact.
func (k *Commands) CorrectBudget(ctx context.Context, by auth.Caller, c Correction) (id string, seq int64, err error) {
	if err := k.mayCorrect(ctx, by, c.SLO); err != nil {
		return "", 0, err
	}
	now := k.Now()
	if err := c.check(now); err != nil {
		return "", 0, err
	}
	id = kit.NewID(now)
	seq, err = k.record(ctx, by, &event.BudgetCorrected{CorrectionID: id, SLO: c.SLO, From: c.From.UTC(), To: c.To.UTC(), Effect: c.Effect,
		Reason: event.NewText(strings.TrimSpace(c.Reason))}, nil, now)
	return id, seq, err
}

// ReverseCorrection takes a correction back; the counts are as if it had never been.
func (k *Commands) ReverseCorrection(ctx context.Context, by auth.Caller, slo, id, reason string) error {
	if err := k.mayCorrect(ctx, by, slo); err != nil {
		return err
	}
	given, err := k.correction(ctx, slo, id)
	if err != nil {
		return err
	}
	f := &event.BudgetCorrected{CorrectionID: id, SLO: slo, Revoked: true, Reason: event.NewText(strings.TrimSpace(reason))}
	_, err = k.record(ctx, by, f, []int64{given}, k.Now())
	return err
}

// correction finds the fact that added a correction which is still in force.
func (k *Commands) correction(ctx context.Context, slo, id string) (seq int64, err error) {
	revoked := false
	for e, err := range k.Ledger.Read(ctx, 0, "budget.corrected") {
		if err != nil {
			return 0, err
		}
		if f, ok := e.Fact.(*event.BudgetCorrected); ok && f.SLO == slo && f.CorrectionID == id {
			if !f.Revoked {
				seq = e.Seq
			}
			revoked = f.Revoked
		}
	}
	switch {
	case seq == 0:
		return 0, &kit.Error{Code: kit.NotFound, Msg: "objective " + slo + " has no correction " + id, Hint: "GET /api/v1/slos/" + slo + "/corrections lists those it has"}
	case revoked:
		return 0, kit.Errorf(kit.Conflict, "correction %s was taken back already", id)
	}
	return seq, nil
}

// mayCorrect checks the right over the objective's team and records a refusal.
func (k *Commands) mayCorrect(ctx context.Context, by auth.Caller, slo string) error {
	team, known := k.Owner(slo)
	if !known {
		return &kit.Error{Code: kit.NotFound, Msg: "objective " + slo + " does not exist", Hint: "GET /api/v1/slos lists those that do"}
	}
	return k.may(ctx, by, auth.CorrectBudget, team, "slo:"+slo)
}

// may checks a right over something that a team owns and records a refusal.
func (k *Commands) may(ctx context.Context, by auth.Caller, right auth.Right, team, on string) error {
	err := by.May(right, team)
	if err != nil && by.Role != "" {
		if rec := k.Access.Refused(ctx, by, right, on, err.Error(), k.Now()); rec != nil {
			return rec
		}
	}
	return err
}

func (k *Commands) record(ctx context.Context, by auth.Caller, f *event.BudgetCorrected, cause []int64, now time.Time) (int64, error) {
	r, err := k.Ledger.Append(ctx, ledger.Batch{Lane: ledger.Commands, Events: []event.Event{{
		Kind: f.Kind(), At: now, By: by.By(), About: event.NewRef("slo", f.SLO), Cause: cause, Fact: f}}})
	if err != nil {
		return 0, err
	}
	return r.Last, nil
}
