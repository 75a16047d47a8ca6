package web

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Page is one page: what it is called, what it shows, where that comes from.
type Page struct {
	Route string             // "GET /objectives/{name}", net/http pattern
	Group string             // heading of the section list, "" = above all headings
	Nav   string             // its line there, "" = none
	Key   string             // letter behind "g" that opens it
	Icon  string             // in the thumb bar of small screens, "" = not there
	Tmpl  string             // "objective.html"
	View  any                // zero value of what Load gives; the template check uses it
	Needs Right              //
	Has   func(Sources) bool // whether this installation has it; nil = always
	Live  []event.Kind       // facts that make its fragments refresh themselves
	Load  func(context.Context, Sources, *http.Request) (any, error)
}

// All lists the pages, in the order of the section list.
var All = []Page{
	nowPage,
	servicesPage,
	servicePage,
	objectivesPage,
	objectivePage,
	explorePage,
	estatePage,
	ledgerPage,
	orgPage,
	orgFilePage,
	systemPage,
	findPage,
	helpPage,
	signInPage,
}

// path is the route without its method.
func (p Page) path() string {
	_, path, _ := cut(p.Route)
	return path
}

func cut(route string) (method, path string, ok bool) {
	for i := range route {
		if route[i] == ' ' {
			return route[:i], route[i+1:], true
		}
	}
	return "", route, false
}

// Base is what every view carries: how to print times, the address asked for, who asks, and what the last post was
// refused for.
type Base struct {
	When   kit.When
	URL    *url.URL
	Me     Person
	Failed *Failed
	Shell  Shell
	Kinds  string // facts that make this page's fragments refresh, for data-kinds
}

// Failed is a refused post: the error and what had been typed.
type Failed struct {
	Err  error
	Form url.Values
	Path string // of the action
}

type contextKey int

const (
	shellKey contextKey = iota
	failedKey
	kindsKey
	secretKey
)

// base is called by each Load.
func base(ctx context.Context, s Sources, r *http.Request) Base {
	shell, _ := ctx.Value(shellKey).(Shell)
	failed, _ := ctx.Value(failedKey).(*Failed)
	live, _ := ctx.Value(kindsKey).(string)
	return Base{When: kit.When{Zone: shell.Zone, Now: s.Clock()}, URL: r.URL, Me: s.Who(r), Failed: failed, Shell: shell, Kinds: live}
}

// Frag is the address of one fragment of this page.
func (b Base) Frag(name string) string { return b.Set("frag", name) }

// Set is this page's address with a query parameter changed; an empty value removes it. Paging restarts.
func (b Base) Set(key, value string) string {
	q := b.URL.Query()
	q.Del("page")
	q.Del("frag")
	q.Del(key)
	if value != "" {
		q.Set(key, value)
	}
	if len(q) == 0 {
		return b.URL.EscapedPath()
	}
	return b.URL.EscapedPath() + "?" + q.Encode()
}

// Query is a parameter of the address.
func (b Base) Query(key string) string { return b.URL.Query().Get(key) }

// Typed is what a refused form held, else the default.
func (b Base) Typed(action, field, def string) string {
	if b.Failed != nil && b.Failed.Path == action {
		return b.Failed.Form.Get(field)
	}
	return def
}

// Time prints a moment as an element that machines read too.
func (b Base) Time(t time.Time) template.HTML { return b.time(t, b.When.Clock(t)) }

// Second is Time with seconds.
func (b Base) Second(t time.Time) template.HTML { return b.time(t, b.When.Second(t)) }

// Day is the date alone.
func (b Base) Day(t time.Time) template.HTML { return b.time(t, b.When.Day(t)) }

// Ago is for freshness only.
func (b Base) Ago(t time.Time) template.HTML { return b.time(t, b.When.Ago(t)) }

func (b Base) time(t time.Time, text string) template.HTML {
	if t.IsZero() {
		return template.HTML(template.HTMLEscapeString(text))
	}
	return template.HTML(`<time datetime="` + b.When.ISO(t) + `">` + template.HTMLEscapeString(text) + `</time>`)
}

// Span prints a range.
func (b Base) Span(r kit.Range) string { return b.When.Span(r) }
