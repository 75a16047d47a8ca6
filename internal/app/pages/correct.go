package pages

import (
	"context"
	"errors"
	"strings"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/command"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/web"
)

func (d *Desk) correct(ctx context.Context, _ web.Person, c web.Correction) error {
	_, _, err := d.Commands.CorrectBudget(ctx, auth.From(ctx), command.Correction{SLO: c.SLO, From: c.From, To: c.To, Effect: c.Effect, Reason: c.Reason})
	return formFields(err)
}

// formFields names wrong fields as the form does.
func formFields(err error) error {
	var e *kit.Error
	if errors.As(err, &e) {
		for i := range e.Fields {
			e.Fields[i].Path = strings.TrimPrefix(e.Fields[i].Path, "/")
		}
	}
	return err
}

func (d *Desk) reverse(ctx context.Context, _ web.Person, slo, correction, reason string) error {
	return d.Commands.ReverseCorrection(ctx, auth.From(ctx), slo, correction, reason)
}
