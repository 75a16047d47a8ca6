// Package api is the JSON API under /api/v1 with its OpenAPI 3.1 description, made from the handlers. Errors are
// RFC 9457 problem details that name every wrong field.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/kit"
)

// server is what the handlers share.
type server struct {
	Sources
	api huma.API
}

// New registers the API on a router. Callers must have been put into the request's context by auth.Guard.
func New(mux *http.ServeMux, src Sources) huma.API {
	cfg := huma.DefaultConfig("Evenkeel", src.Version)
	cfg.Info.Description = "Objectives, error budgets, alerts, the estate and the ledger. Times are RFC 3339 in UTC, ratios 0 to 1, lists are paged by cursor."
	cfg.OpenAPIPath = "/api/openapi"
	cfg.DocsPath = ""
	cfg.SchemasPath = "/api/schemas"
	cfg.CreateHooks = nil // no $schema link in answers
	cfg.RejectUnknownQueryParameters = true
	cfg.Transformers = append(cfg.Transformers, wording)
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "A token from the System page or `evenkeel token create`. On a loopback bind without tokens none is needed."},
	}
	cfg.Security = []map[string][]string{{"token": {}}}
	s := &server{Sources: src, api: humago.New(mux, cfg)}
	s.api.UseMiddleware(heads)
	for _, register := range all {
		register(s)
	}
	elsewhere(mux)
	return s.api
}

// heads lets answers be kept by the caller alone, and only to be asked again with their ETag.
func heads(ctx huma.Context, next func(huma.Context)) {
	ctx.SetHeader("Cache-Control", "private, no-cache")
	ctx.SetHeader("X-Content-Type-Options", "nosniff")
	next(ctx)
}

// all lists the groups of operations in the order of the description.
var all = []func(*server){
	(*server).slos, (*server).backtests, (*server).incidents, (*server).services, (*server).estate, (*server).alerts, (*server).facts, (*server).ledger, (*server).org, (*server).tokens, (*server).system,
}

// operation describes one operation and the right it needs.
type operation struct {
	id, method, path, summary, about string
	tag                              string
	needs                            auth.Right
	team                             bool // the right is over something that a team owns; the command checks whose
	status                           int
}

// handle registers an operation: the caller's right is checked first, a refusal is recorded, errors become problems.
func handle[I, O any](s *server, op operation, do func(context.Context, *I) (*O, error)) {
	huma.Register(s.api, huma.Operation{
		OperationID: op.id, Method: op.method, Path: "/api/v1" + op.path, Summary: op.summary, Description: op.about,
		Tags: []string{op.tag}, DefaultStatus: op.status, Extensions: map[string]any{"x-right": string(op.needs)},
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden},
	}, func(ctx context.Context, in *I) (*O, error) {
		if op.team && auth.From(ctx).Has(op.needs) {
			return answer(ctx, s, in, do)
		}
		if err := s.allow(ctx, op.needs, "", op.method+" /api/v1"+op.path); err != nil {
			return nil, toProblem(s.Log, err)
		}
		return answer(ctx, s, in, do)
	})
}

func answer[I, O any](ctx context.Context, s *server, in *I, do func(context.Context, *I) (*O, error)) (*O, error) {
	out, err := do(ctx, in)
	if err != nil {
		return nil, toProblem(s.Log, err)
	}
	return out, nil
}

// allow checks a right over something that a team owns and records a refusal.
func (s *server) allow(ctx context.Context, right auth.Right, team, on string) error {
	c := auth.From(ctx)
	err := c.May(right, team)
	if err != nil && c.Role != "" {
		if rec := s.Access.Refused(ctx, c, right, on, err.Error(), s.Now()); rec != nil {
			s.Log.ErrorContext(ctx, "record refusal", "err", rec)
		}
	}
	return err
}

// statuses maps an error's class to a status.
var statuses = map[kit.Code]int{
	kit.Invalid: http.StatusUnprocessableEntity, kit.NotFound: http.StatusNotFound, kit.Conflict: http.StatusConflict,
	kit.Denied: http.StatusForbidden, kit.TooLarge: http.StatusRequestEntityTooLarge, kit.Unavailable: http.StatusServiceUnavailable,
}

// toProblem turns an error into a problem; what is ours to mend is logged and not shown.
func toProblem(log *slog.Logger, err error) error {
	var same unchanged
	if errors.As(err, &same) {
		return same.error
	}
	status, ok := statuses[kit.CodeOf(err)]
	if !ok {
		if errors.Is(err, context.Canceled) {
			return huma.NewError(499, "the request was given up")
		}
		log.Error("request failed", "err", err)
		return huma.NewError(http.StatusInternalServerError, "something failed here; the server's log has the cause")
	}
	var e *kit.Error
	if !errors.As(err, &e) {
		return huma.NewError(status, err.Error())
	}
	detail := err.Error()
	var fields []error
	if len(e.Fields) > 0 {
		detail = e.Msg
		if e.Hint != "" {
			detail += "; " + e.Hint
		}
		for _, f := range e.Fields {
			fields = append(fields, &huma.ErrorDetail{Location: location(f.Path), Message: f.Msg})
		}
	}
	if e.Code == kit.Denied && e.Msg == "nobody is signed in" {
		status = http.StatusUnauthorized
	}
	return huma.NewError(status, detail, fields...)
}

// location is where a wrong field stands, as huma writes it: body.from, query.to.
func location(path string) string {
	if strings.HasPrefix(path, "/") {
		return "body" + strings.ReplaceAll(path, "/", ".")
	}
	return path
}

// span reads the time parameters of a range with their defaults: to = now, from = to minus length.
func span(from, to string, length time.Duration, now time.Time) (kit.Range, error) {
	r := kit.Range{To: now}
	var err error
	if to != "" {
		if r.To, err = kit.ParseTime(to, now); err != nil {
			return r, queryError("to", err)
		}
	}
	r.From = r.To.Add(-length)
	if from != "" {
		if r.From, err = kit.ParseTime(from, now); err != nil {
			return r, queryError("from", err)
		}
	}
	if !r.From.Before(r.To) {
		return r, queryError("from", errors.New("must be before to"))
	}
	return r, nil
}

// wrongValues opens a problem that names wrong fields.
const wrongValues = "the request has wrong values"

func fieldError(path string, err error) error {
	return &kit.Error{Code: kit.Invalid, Msg: wrongValues, Fields: []kit.Field{{Path: path, Msg: err.Error()}}}
}
