package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/live"
)

var ledgerPage = Page{
	Route: "GET /ledger", Group: "Prove", Nav: "Ledger", Key: "l", Icon: "ledger", Tmpl: "ledger.html", View: ledgerView{}, Needs: Read,
	Has:  func(s Sources) bool { return s.Ledger != nil && s.Facts != nil },
	Live: []event.Kind{live.Round, "alert.fired", "checkpoint.published"},
	Load: loadLedger,
}

type ledgerView struct {
	Base
	State  LedgerState
	Rows   []factRow
	Filter []filterField
	Chips  chips
	Pages  pager
	Fact   *factView
	Run    progress
	Verify bool   // may be started here
	Export string // where the facts that are shown can be had as a bundle; "" = not by this person
}

type factRow struct {
	event.Event
	Words string
	Href  string
	Here  bool
}

// factView is the chosen fact.
type factView struct {
	FactDetail
	Text   SourceText
	Delay  string // between happening and recording
	Chain  []chainLink
	Raw    string
	Missed string // why it cannot be shown
}

// chainLink is one fact of a chain, oldest first.
type chainLink struct {
	Seq   int64
	Kind  event.Kind
	Words string
	Note  string
	Me    bool
}

func loadLedger(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := ledgerView{Base: base(ctx, s, r)}
	_, byNumber := factNumber(v.Query("q"))
	v.Verify = s.Verify != nil && v.Me.Can(VerifyLedger)
	f, err := v.factFilter()
	if err != nil {
		return nil, err
	}
	if byNumber {
		f.Words = nil
	}
	if v.State, err = s.Ledger(ctx); err != nil {
		return nil, err
	}
	page, err := s.Facts(ctx, f)
	if err != nil {
		return nil, err
	}
	chosen, _ := strconv.ParseInt(v.Query("fact"), 10, 64)
	if n, ok := factNumber(v.Query("q")); ok {
		chosen = n // the list stays whole
	}
	for _, e := range page.Facts {
		v.Rows = append(v.Rows, factRow{e, sayFact(v.When, e), v.factHref(e.Seq), e.Seq == chosen})
	}
	v.Filter = v.factFields(v.State.Kinds)
	v.Chips = v.chips(kit.Plural(len(v.Rows), "fact", "facts")+" shown", "q", "kind", "about", "by", "from", "to")
	if v.Me.Can(ReadEvidence) {
		v.Export = exportHref(f)
	}
	v.Pages = v.factPages(page)
	if chosen > 0 && s.Fact != nil {
		v.Fact = loadFact(ctx, s, v.Base, chosen)
	}
	if s.verification != nil {
		v.Run = s.verification.state()
	}
	return v, nil
}

// factNumber reads "#1,048,201", "1048201".
func factNumber(text string) (int64, bool) {
	n, err := strconv.ParseInt(strings.NewReplacer("#", "", ",", "").Replace(strings.TrimSpace(text)), 10, 64)
	return n, err == nil && n > 0
}

// exportHref is the API's evidence bundle of what a filter lets through.
func exportHref(f FactFilter) string {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	var kinds []string
	for _, k := range f.Kinds {
		kinds = append(kinds, string(k))
	}
	set("kind", strings.Join(kinds, ","))
	set("about", string(f.About))
	set("by", f.By)
	set("words", strings.Join(f.Words, " "))
	for name, t := range map[string]time.Time{"from": f.Range.From, "to": f.Range.To} {
		if !t.IsZero() {
			set(name, t.UTC().Format(time.RFC3339))
		}
	}
	return strings.TrimSuffix("/api/v1/ledger/export?"+q.Encode(), "?")
}

// factFilter reads the form.
func (b Base) factFilter() (FactFilter, error) {
	f := FactFilter{About: event.Ref(strings.TrimSpace(b.Query("about"))), By: strings.TrimSpace(b.Query("by")), Words: strings.Fields(b.Query("q")), Limit: 30}
	if kind := b.Query("kind"); kind != "" {
		f.Kinds = kindsOf(kind)
		if len(f.Kinds) == 0 {
			return f, kit.Errorf(kit.Invalid, "there is no kind of fact %q", short(40, kind))
		}
	}
	for _, side := range []struct {
		name string
		to   *time.Time
	}{{"from", &f.Range.From}, {"to", &f.Range.To}} {
		if text := b.Query(side.name); text != "" {
			t, err := b.parseTime(text)
			if err != nil {
				return f, kit.Errorf(kit.Invalid, "%s=%q is not a time such as 2026-10-22T13:44", side.name, short(40, text))
			}
			*side.to = t
		}
	}
	if c := b.Query("before"); c != "" {
		at, seq, _ := strings.Cut(c, ".")
		us, err1 := strconv.ParseInt(at, 10, 64)
		n, err2 := strconv.ParseInt(seq, 10, 64)
		if err1 != nil || err2 != nil {
			return f, kit.Errorf(kit.Invalid, "before=%q is not a place in the list", short(40, c))
		}
		f.Before = Cursor{Seq: n}
		if us != 0 {
			f.Before.At = time.UnixMicro(us)
		}
	}
	return f, nil
}

// parseTime reads what a form or a link may hold: RFC 3339, or a local time.
func (b Base) parseTime(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	zone := b.When.Zone
	if zone == nil {
		zone = time.UTC
	}
	return time.ParseInLocation(formTime, text, zone)
}

// kindsOf is one kind, or all of a family "alert.*".
func kindsOf(text string) []event.Kind {
	family, all := strings.CutSuffix(text, "*")
	var out []event.Kind
	for _, k := range event.Kinds() {
		if string(k) == text || all && strings.HasPrefix(string(k), family) {
			out = append(out, k)
		}
	}
	return out
}

func (b Base) factFields(known []event.Kind) []filterField {
	if len(known) == 0 {
		known = event.Kinds()
	}
	kind := filterField{Name: "kind", Label: "Kind", Value: b.Query("kind"), Options: []option{{Label: "Any kind"}}}
	family := ""
	for _, k := range known {
		if head, _, _ := strings.Cut(string(k), "."); head != family {
			family = head
			kind.Options = append(kind.Options, option{head + ".*", head + ".*", kind.Value == head+".*"})
		}
		kind.Options = append(kind.Options, option{string(k), string(k), kind.Value == string(k)})
	}
	return []filterField{
		{Name: "q", Label: "Words or a number", Value: b.Query("q"), Grow: true}, kind,
		{Name: "about", Label: "About", Value: b.Query("about"), Hint: "slo:checkout-availability"},
		{Name: "by", Label: "By", Value: b.Query("by"), Hint: "user:ines"},
		{Name: "from", Label: "From", Value: b.Query("from"), Type: "datetime-local"}, {Name: "to", Label: "To", Value: b.Query("to"), Type: "datetime-local"},
	}
}

func (b Base) factHref(seq int64) string {
	q := b.URL.Query()
	q.Del("frag")
	q.Set("fact", strconv.FormatInt(seq, 10))
	return "/ledger?" + q.Encode() + "#fact"
}

func (b Base) factPages(page FactPage) pager {
	p := pager{PrevWord: "Newest", NextWord: "Older", Words: kit.Plural(len(page.Facts), "fact", "facts") + ", newest first"}
	if b.Query("before") != "" {
		p.Prev = b.Set("before", "")
	}
	if page.Next != (Cursor{}) {
		us := int64(0)
		if !page.Next.At.IsZero() {
			us = page.Next.At.UnixMicro()
		}
		p.Next = b.Set("before", fmt.Sprintf("%d.%d", us, page.Next.Seq))
	}
	return p
}

// loadFact reads the chosen fact; one that is not there says so in its place.
func loadFact(ctx context.Context, s Sources, b Base, seq int64) *factView {
	d, err := s.Fact(ctx, seq)
	if err != nil {
		return &factView{FactDetail: FactDetail{Event: event.Event{Seq: seq}}, Missed: sentenceOf(err)}
	}
	v := &factView{FactDetail: d}
	var pretty bytes.Buffer
	if json.Indent(&pretty, d.Body, "", "  ") != nil {
		pretty.Write(d.Body)
	}
	v.Text = SourceText{File: "Fact as JSON", Line: 1, Text: pretty.String()}
	v.Raw = "/api/v1/facts/" + strconv.FormatInt(seq, 10)
	if wait := d.Seen.Sub(d.At); wait > 0 {
		v.Delay = kit.Duration(wait) + " after it happened"
	}
	v.Chain = chainOf(b.When, d)
	return v
}

// chainOf is its causes, itself, and what followed, each with the time since the one before.
func chainOf(w kit.When, d FactDetail) []chainLink {
	all := append(append(append([]event.Event{}, d.Causes...), d.Event), d.Effects...)
	var out []chainLink
	for i, e := range all {
		l := chainLink{Seq: e.Seq, Kind: e.Kind, Words: sayFact(w, e), Me: e.Seq == d.Seq, Note: w.Second(e.At) + ", by " + e.By}
		if i > 0 {
			l.Note = kit.Duration(e.At.Sub(all[i-1].At).Round(time.Second)) + " later"
			if e.At.Before(all[i-1].At) {
				l.Note = w.Second(e.At)
			}
		}
		if l.Me && i > 0 {
			l.Note += "; this fact"
		}
		out = append(out, l)
	}
	return out
}

// verifyLedger starts a check, or joins the one that runs.
func (w *Web) verifyLedger(rw http.ResponseWriter, r *http.Request) {
	if !w.allowed(rw, r, VerifyLedger) {
		return
	}
	w.run.start(&w.done, w.s.Verify, w.s.Clock())
	http.Redirect(rw, r, "/ledger#trust", http.StatusSeeOther)
}

// KindHref lists the facts of a kind.
func (v ledgerView) KindHref(k event.Kind) string {
	return "/ledger?kind=" + url.QueryEscape(string(k))
}

// Unsigned is how many facts came since the last checkpoint.
func (v ledgerView) Unsigned() int64 { return max(v.State.Facts-v.State.Checkpoint.Size, 0) }
