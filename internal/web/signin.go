package web

import (
	"context"
	"net/http"
	"strings"

	"evenkeel.dev/evenkeel/internal/kit"
)

var signInPage = Page{Route: "GET /sign-in", Tmpl: "signin.html", View: signInView{}, Load: loadSignIn}

type signInView struct {
	Base
	To     string
	Can    bool
	CanOut bool
}

func loadSignIn(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := signInView{Base: base(ctx, s, r), Can: s.SignIn != nil, CanOut: s.SignOut != nil}
	v.To = v.Typed("/sign-in/session", "to", v.Query("to"))
	return v, nil
}

// signIn takes a token and sets the session's cookie.
func (w *Web) signIn(rw http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(rw, r.Body, bodyLimit)
	token := strings.TrimSpace(r.PostFormValue("token"))
	err := error(kit.Errorf(kit.Denied, "a token is needed"))
	if token != "" {
		err = w.s.SignIn(rw, r, token)
	}
	if err != nil {
		form := r.PostForm
		form.Del("token") // a secret is never shown again
		again := r.WithContext(context.WithValue(r.Context(), failedKey, &Failed{Err: err, Form: form, Path: r.URL.Path}))
		w.show(rw, again, signInPage, statusOf(err))
		return
	}
	to := r.PostFormValue("to")
	if to == "" || !strings.HasPrefix(to, "/") || !sameSite(to, r.Host) {
		to = "/"
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
}

func (w *Web) signOut(rw http.ResponseWriter, r *http.Request) {
	w.s.SignOut(rw, r)
	http.Redirect(rw, r, "/sign-in", http.StatusSeeOther)
}
