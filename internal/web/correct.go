package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// actions lists the forms' posts.
var actions = []action{
	{Path: "/objectives/{name}/corrections", Needs: CorrectSLO, Has: func(s Sources) bool { return s.Correct != nil }, Do: addCorrection, Page: &objectivePage},
	{Path: "/objectives/{name}/reversals", Needs: CorrectSLO, Has: func(s Sources) bool { return s.Reverse != nil }, Do: reverseCorrection, Page: &objectivePage,
		Query: func(r *http.Request) url.Values { return url.Values{"reverse": {r.PostForm.Get("id")}} }},
	{Path: "/system/tokens", Needs: ManageToken, Has: func(s Sources) bool { return s.NewToken != nil }, Do: newToken, Page: &systemPage},
	{Path: "/system/tokens/{id}/revocations", Needs: ManageToken, Has: func(s Sources) bool { return s.RevokeToken != nil }, Do: revokeToken},
}

// formTime is how a form writes a moment, in the organisation's zone.
const formTime = "2006-01-02T15:04"

func addCorrection(ctx context.Context, s Sources, r *http.Request) (outcome, error) {
	shell, err := s.Shell(ctx)
	if err != nil {
		return outcome{}, err
	}
	c := Correction{SLO: r.PathValue("name"), Effect: r.PostForm.Get("effect"), Reason: strings.TrimSpace(r.PostForm.Get("reason"))}
	bad := &kit.Error{Code: kit.Invalid, Msg: "the correction is not complete"}
	wrong := func(field, msg string) { bad.Fields = append(bad.Fields, kit.Field{Path: field, Msg: msg}) }
	zone := shell.Zone
	if zone == nil {
		zone = time.UTC
	}
	if c.From, err = time.ParseInLocation(formTime, r.PostForm.Get("from"), zone); err != nil {
		wrong("from", "A date and a time are needed, such as 2026-10-11T02:00.")
	}
	if c.To, err = time.ParseInLocation(formTime, r.PostForm.Get("to"), zone); err != nil {
		wrong("to", "A date and a time are needed, such as 2026-10-11T02:40.")
	} else if !c.From.IsZero() && !c.To.After(c.From) {
		wrong("to", "It must lie after the start.")
	} else if c.To.Sub(c.From) > 92*24*time.Hour {
		wrong("to", "One correction covers at most 92 days.")
	}
	if c.Effect != "exclude" && c.Effect != "good" {
		wrong("effect", "Choose what the time counts as.")
	}
	if len(c.Reason) < 8 {
		wrong("reason", "Say in a sentence why; it stays in the ledger with your name.")
	} else if len(c.Reason) > 2000 {
		wrong("reason", "At most 2,000 characters.")
	}
	if len(bad.Fields) > 0 {
		return outcome{}, bad
	}
	if err := s.Correct(ctx, s.Who(r), c); err != nil {
		return outcome{}, err
	}
	return outcome{Next: "/objectives/" + url.PathEscape(c.SLO) + "#corrections"}, nil
}

func reverseCorrection(ctx context.Context, s Sources, r *http.Request) (outcome, error) {
	reason := strings.TrimSpace(r.PostForm.Get("reason"))
	if len(reason) < 8 || len(reason) > 2000 {
		return outcome{}, &kit.Error{Code: kit.Invalid, Msg: "the reversal is not complete", Fields: []kit.Field{{Path: "reason", Msg: "Say in a sentence why; it stays in the ledger with your name."}}}
	}
	name := r.PathValue("name")
	if err := s.Reverse(ctx, s.Who(r), name, r.PostForm.Get("id"), reason); err != nil {
		return outcome{}, err
	}
	return outcome{Next: "/objectives/" + url.PathEscape(name) + "#corrections"}, nil
}
