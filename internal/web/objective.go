package web

import (
	"context"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/live"
)

var objectivePage = Page{
	Route: "GET /objectives/{name}", Tmpl: "objective.html", View: objectiveView{}, Needs: Read,
	Has:  func(s Sources) bool { return s.Objective != nil },
	Live: []event.Kind{live.Round, "alert.fired", "alert.ended", "budget.corrected", "budget.crossed", "source.gap", "policy.applied"},
	Load: loadObjective,
}

type objectiveView struct {
	Base
	ObjectiveDetail
	Name       string // as shown
	Sentence   string
	SpentWords string
	SpentKey   spentKey
	Ranges     []rangeLink
	Charts     objectiveCharts
	FileHref   string
	GroupLinks []option
	Backtest   *backtestView
	Adding     bool   // show the form for a correction
	Reversing  string // id of the correction whose form is open
	Pages      int
	Tickets    int
	CanCorrect bool
	CanTest    bool
	Action     string // of the forms
}

type rangeLink struct {
	Label   string
	Href    string
	Current bool
}

type objectiveCharts struct {
	Left, Recent, Rates, Failing, Alerts template.HTML
}

func loadObjective(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := objectiveView{Base: base(ctx, s, r)}
	ask := ObjectiveAsk{Name: r.PathValue("name"), Group: v.Query("group")}
	var err error
	if ask.Range, err = v.rangeOf(0); err != nil {
		return nil, err
	}
	d, err := s.Objective(ctx, ask)
	if err != nil {
		return nil, err
	}
	v.ObjectiveDetail = d
	v.Name = fullTitle(d.Objective)
	v.Sentence = d.Spec.Description
	if v.Sentence == "" {
		v.Sentence = fmt.Sprintf("%s of %s succeed, over %s.", targetText(d.Target), eventsWord(d.Spec), windowWords(d.Window))
	}
	v.SpentWords = spentWords(v.When, d.Objective)
	v.SpentKey = v.spentKey()
	v.Ranges = v.rangeLinks(d.Range, "1d", "7d", "28d", "90d")
	v.Charts = drawObjective(v.When, d)
	v.FileHref = fileHref(d.Definition.File, d.Definition.Mark)
	for _, g := range d.Groups {
		v.GroupLinks = append(v.GroupLinks, option{Value: v.Set("group", g), Label: groupWords(g), Chosen: g == d.Group})
	}
	for _, a := range d.Alerts {
		if a.Severity == "page" {
			v.Pages++
		} else {
			v.Tickets++
		}
	}
	v.Action = "/objectives/" + url.PathEscape(d.Objective.Name)
	v.CanCorrect = s.Correct != nil && v.Me.Can(CorrectSLO)
	v.Adding = v.CanCorrect && (v.Query("correct") != "" || v.Failed != nil && strings.HasSuffix(v.Failed.Path, "/corrections"))
	v.Reversing = v.Query("reverse")
	v.CanTest = s.Backtest != nil
	if v.CanTest {
		v.Backtest, err = loadBacktest(ctx, s, v.Base, d)
	}
	return v, err
}

// spentKey is the third key number: when, and at which rate.
type spentKey struct{ From, To, Words string }

func (v objectiveView) spentKey() spentKey {
	o := v.ObjectiveDetail.Objective
	switch {
	case !o.SpentAt.IsZero():
		return spentKey{v.When.Day(o.SpentAt), "", "nothing left since " + v.When.Clock(o.SpentAt)}
	case o.State == Spent:
		return spentKey{"spent", "", "nothing left"}
	case math.IsNaN(o.Burn):
		return spentKey{"–", "", "the burn rate is not known"}
	case o.Spent.From.IsZero():
		return spentKey{"–", "", "not at this rate: the budget lasts its window"}
	}
	k := spentKey{From: v.When.Soon(o.Spent.From), Words: "at the 1 h and the 5 min rate"}
	if second := v.When.Soon(o.Spent.To); !o.Spent.To.IsZero() && second != k.From {
		k.To = second
	}
	return k
}

func eventsWord(o slo.Objective) string {
	switch {
	case o.Method == slo.Timeslices || o.Method == slo.RatioTimeslices:
		return kit.Duration(o.Slice) + " slices"
	case o.Indicator.Kind == slo.Gauge:
		return "measurements"
	case o.Indicator.Kind == slo.Histogram || o.Indicator.Kind == slo.Native:
		return "requests"
	}
	if o.Service != "" {
		return o.Service + " requests"
	}
	return "events"
}

func windowWords(w slo.Window) string {
	if w.Rolling > 0 {
		return windowText(w)
	}
	return "each " + windowText(w)
}

// rangeOf reads ?from=&to= (RFC 3339) or ?range=7d; def is used without either, 0 = the zero range.
func (b Base) rangeOf(def time.Duration) (kit.Range, error) {
	now := b.When.Now
	if from := b.Query("from"); from != "" {
		f, err := time.Parse(time.RFC3339, from)
		if err != nil {
			return kit.Range{}, kit.Errorf(kit.Invalid, "from=%q is not a time such as 2026-10-22T14:32:00Z", short(40, from))
		}
		t := now
		if to := b.Query("to"); to != "" {
			if t, err = time.Parse(time.RFC3339, to); err != nil {
				return kit.Range{}, kit.Errorf(kit.Invalid, "to=%q is not a time such as 2026-10-22T14:32:00Z", short(40, to))
			}
		}
		if !t.After(f) {
			return kit.Range{}, kit.Errorf(kit.Invalid, "the range must run forward: from lies at or after to")
		}
		return kit.Range{From: f, To: t}, nil
	}
	if text := b.Query("range"); text != "" {
		d, err := parseRange(text)
		if err != nil {
			return kit.Range{}, err
		}
		def = d
	}
	if def == 0 {
		return kit.Range{}, nil
	}
	return kit.Range{From: now.Add(-def), To: now}, nil
}

// parseRange reads "30m", "6h", "28d"; at most 400 days.
func parseRange(text string) (time.Duration, error) {
	wrong := kit.Errorf(kit.Invalid, "range=%q is not a length such as 6h or 28d, at most 400d", short(20, text))
	if len(text) < 2 || len(text) > 6 {
		return 0, wrong
	}
	n, err := strconv.Atoi(text[:len(text)-1])
	unit, ok := map[byte]time.Duration{'m': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[text[len(text)-1]]
	if err != nil || !ok || n <= 0 || time.Duration(n) > 400*24*time.Hour/unit {
		return 0, wrong
	}
	return time.Duration(n) * unit, nil
}

// rangeLinks offers ranges; the one shown is marked.
func (b Base) rangeLinks(shown kit.Range, texts ...string) []rangeLink {
	out := make([]rangeLink, 0, len(texts))
	for _, t := range texts {
		d, _ := parseRange(t)
		label := kit.Duration(d)
		if d == 24*time.Hour {
			label = "24\u00a0h"
		}
		q := b.URL.Query()
		for _, k := range []string{"from", "to", "frag", "page"} {
			q.Del(k)
		}
		q.Set("range", t)
		out = append(out, rangeLink{Label: label, Href: b.URL.EscapedPath() + "?" + q.Encode(), Current: (shown.Len()-d).Abs() < time.Minute && b.Query("from") == ""})
	}
	return out
}

func fileHref(file string, line int) string {
	if file == "" {
		return ""
	}
	href := "/organisation/file?path=" + url.QueryEscape(file)
	if line > 0 {
		href += "&line=" + strconv.Itoa(line) + "#L" + strconv.Itoa(line)
	}
	return href
}

// nextPolicy is the highest threshold that is not reached yet, for the burn-down's line.
func nextPolicy(lines []PolicyLine) (PolicyLine, bool) {
	sorted := slices.Clone(lines)
	slices.SortFunc(sorted, func(a, b PolicyLine) int { return int(math.Copysign(1, b.Left-a.Left)) })
	for _, l := range sorted {
		if l.Action == "propose-freeze" && l.Left > 0 {
			return l, true
		}
	}
	for _, l := range sorted {
		if l.Left > 0 && l.At.IsZero() {
			return l, true
		}
	}
	return PolicyLine{}, false
}

// policyWords says what a threshold does.
func policyWords(action string) string {
	switch action {
	case "notify":
		return "tell the owner"
	case "warn":
		return "warn the owner"
	case "propose-freeze":
		return "propose a freeze"
	}
	return action
}

// Does says it in the page.
func (l PolicyLine) Does() string { return policyWords(l.Action) }

// Effects says what a gap or a correction does to the budget.
func (g Gap) Effects() string {
	switch g.Effect {
	case slo.HoldData:
		return "No data, held"
	case slo.BadData:
		return "No data, counts as bad"
	case slo.GoodData:
		return "No data, counts as good"
	}
	return "No data, left out"
}

// DownMeans says what a source that does not answer means for the budget.
func (v objectiveView) DownMeans() string {
	switch v.Spec.NoData {
	case slo.HoldData:
		return "The budget is held: nothing is spent or earned, and no alert can fire."
	case slo.BadData:
		return "These minutes count as failed, as its no-data policy says, and spend budget."
	case slo.GoodData:
		return "These minutes count as good, as its no-data policy says; a failure would not be seen."
	}
	return "These minutes are left out of the budget, and no alert can fire on them."
}

// Lasting is how long something has been so.
func (b Base) Lasting(since time.Time) string {
	return kit.Duration(max(b.When.Now.Sub(since).Round(time.Minute), time.Minute))
}

// Lasted is the gap's length; open ones count to now.
func (b Base) Lasted(r kit.Range) string {
	if r.To.IsZero() {
		return kit.Duration(b.When.Now.Sub(r.From).Round(time.Minute))
	}
	return kit.Duration(r.Len())
}

// Projected says that the chart of today draws when the budget will be spent.
func (v objectiveView) Projected() bool {
	return v.Spent.From.After(v.When.Now) && v.Spent.From.Sub(v.When.Now) <= 24*time.Hour
}

// Allowance is how many more failures the budget allows, never below zero.
func (v objectiveView) Allowance() float64 { return max(v.Budget.Allowed-v.Budget.Bad, 0) }

// Rests says that a rule for thin traffic has nothing to do: there is enough of it for the others.
func (r Rule) Rests() bool { return r.Thin && r.Short.All >= 10 }

// FirstRule is the rule that fires fastest, nil without rules.
func (v objectiveView) FirstRule() *Rule {
	if len(v.Rules) == 0 {
		return nil
	}
	return &v.Rules[0]
}

// WindowShort is "28 d".
func (v objectiveView) WindowShort() string { return windowShort(v.ObjectiveDetail.Window) }

// Met says whether the SLI is at or over its target.
func (v objectiveView) Met() bool { return v.Budget.SLI >= v.ObjectiveDetail.Target.Float() }

// ExploreHref opens the indicator's queries in Explore.
func (v objectiveView) ExploreHref() string {
	expr := v.Spec.Indicator.Total.Text
	if expr == "" {
		return ""
	}
	return "/explore?expr=" + url.QueryEscape(strings.NewReplacer("{{.window}}", "5m", "$__range", "5m").Replace(expr))
}
