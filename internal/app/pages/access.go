package pages

import (
	"context"
	"net/http"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/web"
)

func (d *Desk) newToken(ctx context.Context, _ web.Person, ask web.TokenAsk) (string, error) {
	by := auth.From(ctx)
	if err := by.May(auth.ManageAccess, ""); err != nil {
		return "", err
	}
	secret, _, err := d.Access.Issue(ctx, auth.Token{Name: ask.Name, Role: auth.Role(ask.Role)}, time.Duration(ask.Days)*24*time.Hour, by, d.Now())
	return secret, err
}

func (d *Desk) revokeToken(ctx context.Context, _ web.Person, id string) error {
	by := auth.From(ctx)
	if err := by.May(auth.ManageAccess, ""); err != nil {
		return err
	}
	return d.Access.Revoke(ctx, id, by, d.Now())
}

func (d *Desk) tokens(ctx context.Context) ([]web.Token, error) {
	list, err := d.Access.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []web.Token
	for _, t := range list {
		out = append(out, web.Token{ID: t.ID, Name: t.Name, Role: string(t.Role), Created: t.Created, Expires: t.Expires, Used: t.Used, Revoked: !t.Revoked.IsZero()})
	}
	return out, nil
}

func (d *Desk) signIn(w http.ResponseWriter, r *http.Request, token string) error {
	secret, expires, _, err := d.Access.SignIn(r.Context(), token, d.Now())
	if err != nil {
		return err
	}
	http.SetCookie(w, d.cookie(secret, expires))
	return nil
}

func (d *Desk) signOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(auth.SessionCookie); err == nil {
		_ = d.Access.SignOut(r.Context(), c.Value) // the cookie goes either way
	}
	http.SetCookie(w, d.cookie("", time.Unix(1, 0)))
}

// cookie is a session's; off loopback it goes over TLS only.
func (d *Desk) cookie(value string, expires time.Time) *http.Cookie {
	return &http.Cookie{Name: auth.SessionCookie, Value: value, Path: "/", Expires: expires, HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: !d.Local}
}
