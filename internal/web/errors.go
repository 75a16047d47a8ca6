package web

import (
	"errors"
	"net/http"
	"unicode"

	"evenkeel.dev/evenkeel/internal/kit"
)

// errorPage is shown in place of another; it has no route of its own.
var errorPage = Page{Tmpl: "error.html", View: errorPageView{}}

type errorPageView struct {
	Base
	Status int
	Title  string
	What   string
	Do     string
	Path   string
}

// statuses turns an error's class into an HTTP status and a heading.
var statuses = map[kit.Code]struct {
	status int
	title  string
	do     string
}{
	kit.Invalid:     {http.StatusUnprocessableEntity, "This cannot be shown", "Go back and change what the message names. Nothing was changed."},
	kit.NotFound:    {http.StatusNotFound, "Not found", "It may have been renamed or removed; the search finds things by part of their name, and the ledger keeps what was."},
	kit.Conflict:    {http.StatusConflict, "Changed meanwhile", "Load the page again and look at what is there now. Nothing was changed."},
	kit.Denied:      {http.StatusForbidden, "Not allowed", "The attempt was recorded. Nothing was changed."},
	kit.TooLarge:    {http.StatusRequestEntityTooLarge, "Too large", "Send less at once. Nothing was changed."},
	kit.Unavailable: {http.StatusServiceUnavailable, "Not available now", "Try again in a minute; what was recorded is safe."},
	kit.Internal:    {http.StatusInternalServerError, "This page failed", "Try again. If it stays, the server's log has the cause under this path and time; what was recorded is safe."},
}

// errorView puts an error into words for its reader; the text of internal ones stays in the log.
func errorView(err error, r *http.Request) (int, errorPageView) {
	code := kit.CodeOf(err)
	s, ok := statuses[code]
	if !ok {
		code, s = kit.Internal, statuses[kit.Internal]
	}
	v := errorPageView{Status: s.status, Title: s.title, Do: s.do, Path: r.URL.Path}
	if code != kit.Internal {
		v.What = sentenceOf(err)
	}
	return s.status, v
}

// upperFirst begins a text with a capital letter.
func upperFirst(text string) string {
	r := []rune(text)
	if len(r) > 0 {
		r[0] = unicode.ToUpper(r[0])
	}
	return string(r)
}

// sentenceOf is an error as a sentence: capital letter, full stop.
func sentenceOf(err error) string {
	var e *kit.Error
	text := err.Error()
	if errors.As(err, &e) && e.Err == nil {
		text = e.Error()
	}
	if text == "" {
		return ""
	}
	r := []rune(upperFirst(text))
	if last := r[len(r)-1]; last != '.' {
		r = append(r, '.')
	}
	return string(r)
}
