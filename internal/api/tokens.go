package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Token is an API token without its secret.
type Token struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Role    string     `json:"role"`
	Teams   []string   `json:"teams,omitempty"`
	Scopes  []string   `json:"scopes,omitempty" doc:"Rights it is narrowed to; absent = all of its role"`
	State   string     `json:"state" enum:"active,expired,revoked"`
	By      string     `json:"by" doc:"Who issued it"`
	Created time.Time  `json:"created"`
	Expires time.Time  `json:"expires"`
	Revoked *time.Time `json:"revoked,omitempty"`
	Used    *time.Time `json:"used,omitempty" doc:"Last, to the minute"`
}

// NewToken is a token with its secret, which is shown this once.
type NewToken struct {
	Token
	Secret string `json:"secret" doc:"Shown once and not kept"`
}

func (s *server) tokens() {
	const tag = "Access"
	handle(s, operation{id: "list-tokens", method: http.MethodGet, path: "/tokens", tag: tag, needs: auth.ManageAccess, summary: "List tokens"}, s.listTokens)
	handle(s, operation{id: "issue-token", method: http.MethodPost, path: "/tokens", tag: tag, needs: auth.ManageAccess, status: http.StatusCreated, summary: "Issue a token",
		about: "Its secret is in this answer and nowhere else."}, s.issueToken)
	handle(s, operation{id: "revoke-token", method: http.MethodDelete, path: "/tokens/{id}", tag: tag, needs: auth.ManageAccess, status: http.StatusNoContent,
		summary: "Revoke a token and its sessions"}, s.revokeToken)
}

type listTokensIn struct {
	Paging
	Conditional
}

func (s *server) listTokens(ctx context.Context, in *listTokensIn) (*page[Token], error) {
	list, err := s.Access.List(ctx)
	if err != nil {
		return nil, err
	}
	var all []Token
	for _, t := range list {
		all = append(all, TokenOf(t, s.Now()))
	}
	slices.SortFunc(all, func(a, b Token) int { return strings.Compare(a.ID, b.ID) })
	return cut(in.Paging, in.Conditional, all, func(t Token) string { return t.ID })
}

type issueIn struct {
	Body struct {
		Name   string   `json:"name" doc:"Who or what will use it, 1 to 80 characters"`
		Role   string   `json:"role" doc:"viewer, responder, owner, operator, auditor or admin"`
		Teams  []string `json:"teams,omitempty" maxItems:"100" doc:"Of an owner, such as group:default/payments"`
		Scopes []string `json:"scopes,omitempty" maxItems:"100" doc:"Rights to narrow it to"`
		Life   string   `json:"life,omitempty" doc:"Such as 90d, which is the default; at most 366d"`
	}
}

type issueOut struct{ Body NewToken }

// DefaultTokenLife is how long a token works that names no life.
const DefaultTokenLife = 90 * 24 * time.Hour

func (s *server) issueToken(ctx context.Context, in *issueIn) (*issueOut, error) {
	life := DefaultTokenLife
	if in.Body.Life != "" {
		var err error
		if life, err = kit.ParseSpan(in.Body.Life); err != nil {
			return nil, fieldError("/life", err)
		}
	}
	want := auth.Token{Name: in.Body.Name, Role: auth.Role(in.Body.Role), Teams: in.Body.Teams}
	for _, r := range in.Body.Scopes {
		want.Scopes = append(want.Scopes, auth.Right(r))
	}
	secret, t, err := s.Access.Issue(ctx, want, life, auth.From(ctx), s.Now())
	if err != nil {
		return nil, err
	}
	return &issueOut{NewToken{TokenOf(t, s.Now()), secret}}, nil
}

type revokeIn struct {
	ID string `path:"id"`
}

func (s *server) revokeToken(ctx context.Context, in *revokeIn) (*struct{}, error) {
	return nil, s.Access.Revoke(ctx, in.ID, auth.From(ctx), s.Now())
}

// TokenOf is the answer for a token at now.
func TokenOf(t auth.Token, now time.Time) Token {
	out := Token{ID: t.ID, Name: t.Name, Role: string(t.Role), Teams: t.Teams, State: t.State(now), By: t.By, Created: t.Created, Expires: t.Expires,
		Revoked: moment(t.Revoked), Used: moment(t.Used)}
	for _, r := range t.Scopes {
		out.Scopes = append(out.Scopes, string(r))
	}
	return out
}
