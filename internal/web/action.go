package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"evenkeel.dev/evenkeel/internal/kit"
)

// action is one form's post. On success it sends the browser on; a refusal shows the page it came from again, with what
// was typed and what is wrong beside the fields.
type action struct {
	Path  string // "/objectives/{name}/corrections"
	Needs Right
	Has   func(Sources) bool
	Do    func(context.Context, Sources, *http.Request) (outcome, error)
	Page  *Page                          // shown again on a refusal
	Query func(*http.Request) url.Values // of that page
}

// outcome is where an action leads: another address, or its page with a secret that is shown once.
type outcome struct {
	Next   string
	Secret string
}

// bodyLimit is the largest form.
const bodyLimit = 64 << 10

func (w *Web) post(a action) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.allowed(rw, r, a.Needs) {
			return
		}
		r.Body = http.MaxBytesReader(rw, r.Body, bodyLimit)
		if err := r.ParseForm(); err != nil {
			w.fail(rw, r, kit.Errorf(kit.Invalid, "the form does not read: %w", err))
			return
		}
		out, err := a.Do(r.Context(), w.s, r)
		switch {
		case err == nil && out.Secret != "":
			rw.Header().Set("Cache-Control", "no-store")
			w.show(rw, a.again(r, secretKey, out.Secret), *a.Page, http.StatusCreated)
		case err == nil:
			http.Redirect(rw, r, out.Next, http.StatusSeeOther)
		case a.Page == nil || kit.CodeOf(err) == kit.Internal:
			w.fail(rw, r, err)
		default:
			w.show(rw, a.again(r, failedKey, &Failed{Err: err, Form: r.PostForm, Path: r.URL.Path}), *a.Page, statusOf(err))
		}
	})
}

// again is the request for the page the form stands on, with what it shall show besides.
func (a action) again(r *http.Request, key contextKey, value any) *http.Request {
	out := r.WithContext(context.WithValue(r.Context(), key, value))
	u := *r.URL
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"+lastPart(a.Path)), ""
	if a.Query != nil {
		u.RawQuery = a.Query(r).Encode()
	}
	out.URL = &u
	return out
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func statusOf(err error) int {
	if s, ok := statuses[kit.CodeOf(err)]; ok {
		return s.status
	}
	return http.StatusInternalServerError
}

// Wrong is what the last post says about one field, "" for nothing.
func (b Base) Wrong(field string) string {
	if b.Failed == nil {
		return ""
	}
	var e *kit.Error
	if !errors.As(b.Failed.Err, &e) {
		return ""
	}
	for _, f := range e.Fields {
		if strings.TrimPrefix(f.Path, "/") == field {
			return f.Msg
		}
	}
	return ""
}

// Refusal is the last post's error where no field explains it.
func (b Base) Refusal() string {
	if b.Failed == nil {
		return ""
	}
	var e *kit.Error
	if errors.As(b.Failed.Err, &e) && len(e.Fields) > 0 {
		return ""
	}
	return sentenceOf(b.Failed.Err)
}
