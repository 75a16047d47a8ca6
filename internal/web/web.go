// Package web is the pages: server-rendered HTML that works without JavaScript, and a few small modules that make it
// live. A page is one .go file, one .html file and one line in All. Pages get plain structs from Sources; they hold no
// state and know no store.
package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Options are what the pages need to run.
type Options struct {
	Sources Sources
	Live    http.Handler // GET /live; nil = pages do not refresh
	Log     *slog.Logger
	Pages   []Page // nil = All
}

// Web serves the pages.
type Web struct {
	s       Sources
	log     *slog.Logger
	pages   []Page
	tmpl    map[string]*template.Template
	layout  *template.Template
	symbols map[string]string
	mux     *http.ServeMux
	badges  badgeCache
	run     verification
	live    bool
	done    sync.WaitGroup
}

// New parses the templates and makes the handler. An error is a mistake in the program, not of its user.
func New(o Options) (*Web, error) {
	w := &Web{s: o.Sources, log: o.Log, pages: o.Pages, tmpl: map[string]*template.Template{}, mux: http.NewServeMux(), live: o.Live != nil}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	if w.pages == nil {
		w.pages = All
	}
	w.s.verification = &w.run
	var err error
	if w.layout, err = parse("layout.html"); err != nil {
		return nil, err
	}
	if w.symbols, err = symbols(); err != nil {
		return nil, err
	}
	for _, p := range append(slices.Clone(w.pages), errorPage) {
		if w.tmpl[p.Tmpl], err = parse(p.Tmpl); err != nil {
			return nil, err
		}
	}
	w.routes(o.Live)
	return w, nil
}

// Close ends what runs in the background and waits for it.
func (w *Web) Close() {
	w.run.stop()
	w.done.Wait()
}

// parse reads one page's template beside the shared ones.
func parse(name string) (*template.Template, error) {
	t, err := template.New(name).Funcs(funcs).ParseFS(files, "parts.html", name)
	if err != nil {
		return nil, fmt.Errorf("parse template %s: %w", name, err)
	}
	return t, nil
}

func (w *Web) routes(live http.Handler) {
	for _, p := range w.pages {
		if p.Has == nil || p.Has(w.s) {
			w.mux.Handle(p.Route, w.page(p))
		}
	}
	for _, a := range actions {
		if a.Has == nil || a.Has(w.s) {
			w.mux.Handle("POST "+a.Path, w.post(a))
		}
	}
	static, err := fs.Sub(files, "static")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	w.mux.Handle("GET /static/", http.StripPrefix("/static/", w.static(static)))
	w.mux.HandleFunc("POST /preferences", preferences)
	w.mux.HandleFunc("GET /search", w.search)
	if w.s.SignIn != nil {
		w.mux.HandleFunc("POST /sign-in/session", w.signIn)
	}
	if w.s.SignOut != nil {
		w.mux.HandleFunc("POST /sign-in/end", w.signOut)
	}
	if w.s.Verify != nil {
		w.mux.HandleFunc("POST /ledger/verify", w.verifyLedger)
	}
	if w.s.Names != nil {
		w.mux.HandleFunc("GET /explore/complete", w.complete)
	}
	if live != nil {
		w.mux.Handle("GET /live", live)
	}
	w.mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		w.fail(rw, r, kit.Errorf(kit.NotFound, "there is no page %s", r.URL.Path))
	})
}

// ServeHTTP answers with the headers that hold for every page.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	h := rw.Header()
	h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	protect.Handler(w.mux).ServeHTTP(rw, r)
}

var protect = http.NewCrossOriginProtection()

// page answers a GET: the whole page, or the one fragment that ?frag= names.
func (w *Web) page(p Page) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !w.allowed(rw, r, p.Needs) {
			return
		}
		w.show(rw, r, p, http.StatusOK)
	})
}

// allowed turns away who may not: to the sign-in page, or with a reason.
func (w *Web) allowed(rw http.ResponseWriter, r *http.Request, need Right) bool {
	me := w.s.Who(r)
	if me.Can(need) {
		return true
	}
	if me.Name == "" && w.s.SignIn != nil {
		http.Redirect(rw, r, "/sign-in?to="+template.URLQueryEscaper(r.URL.RequestURI()), http.StatusSeeOther)
		return false
	}
	w.fail(rw, r, &kit.Error{Code: kit.Denied, Msg: fmt.Sprintf("this needs the right %q, which the role %q does not have", need, me.Role), Hint: "ask an administrator for it"})
	return false
}

// show loads and renders a page.
func (w *Web) show(rw http.ResponseWriter, r *http.Request, p Page, status int) {
	shell, err := w.s.Shell(r.Context())
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	ctx := context.WithValue(context.WithValue(r.Context(), shellKey, shell), kindsKey, kinds(p.Live))
	view, err := p.Load(ctx, w.s, r.WithContext(ctx))
	if err != nil {
		w.fail(rw, r, err)
		return
	}
	t := w.tmpl[p.Tmpl]
	if name := r.URL.Query().Get("frag"); name != "" && status == http.StatusOK {
		w.fragment(rw, r, t, name, view)
		return
	}
	var content bytes.Buffer
	if err := t.ExecuteTemplate(&content, "main", view); err != nil {
		w.fail(rw, r, fmt.Errorf("render %s: %w", p.Tmpl, err))
		return
	}
	w.frame(ctx, rw, r, p, shell, pageTitle(t, view), content.Bytes(), status)
}

// pageTitle is the page's "title" template.
func pageTitle(t *template.Template, view any) string {
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "title", view); err != nil {
		return "Evenkeel"
	}
	return b.String()
}

// fragment answers one named part, for live.js to put in place of the old one.
func (w *Web) fragment(rw http.ResponseWriter, r *http.Request, t *template.Template, name string, view any) {
	if !strings.HasPrefix(name, "frag-") {
		name = "frag-" + name
	}
	if t.Lookup(name) == nil {
		w.fail(rw, r, kit.Errorf(kit.NotFound, "this page has no fragment %q", strings.TrimPrefix(name, "frag-")))
		return
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, name, view); err != nil {
		w.fail(rw, r, fmt.Errorf("render fragment %s: %w", name, err))
		return
	}
	write(rw, r, b.Bytes(), http.StatusOK)
}

// fail shows an error page; what is ours to mend goes to the log and not to the reader.
func (w *Web) fail(rw http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	status, view := errorView(err, r)
	if status >= 500 {
		w.log.Error("page failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	shell, shellErr := w.s.Shell(r.Context())
	if shellErr != nil {
		shell = Shell{Org: "Evenkeel"}
	}
	ctx := context.WithValue(r.Context(), shellKey, shell)
	view.Base = base(ctx, w.s, r)
	var b bytes.Buffer
	if err := w.tmpl[errorPage.Tmpl].ExecuteTemplate(&b, "main", view); err != nil {
		http.Error(rw, http.StatusText(status), status)
		return
	}
	w.frame(ctx, rw, r, errorPage, shell, view.Title, b.Bytes(), status)
}
