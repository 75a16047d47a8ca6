package web

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/live"
)

var objectivesPage = Page{
	Route: "GET /objectives", Group: "Watch", Nav: "Objectives", Key: "o", Icon: "target", Tmpl: "objectives.html", View: objectivesView{}, Needs: Read,
	Has:  func(s Sources) bool { return s.Objectives != nil },
	Live: []event.Kind{live.Round, "alert.fired", "alert.ended", "budget.corrected", "policy.applied"},
	Load: loadObjectives,
}

type objectivesView struct {
	Base
	Rows   []objectiveRow
	All    int
	Filter []filterField
	Words  string
	Chips  chips
	Heads  []sortHead
	Pages  pager
	Counts []stateCount
}

// objectiveRow is an objective with the words of its cells.
type objectiveRow struct {
	Objective
	Name       string // as shown
	Href       string
	Hot        bool
	SpentWords string
	Window     string
}

type stateCount struct {
	State State
	N     int
	Href  string
}

func objectiveHref(name, group string) string {
	href := "/objectives/" + url.PathEscape(name)
	if group != "" {
		href += "?group=" + url.QueryEscape(group)
	}
	return href
}

func rowOf(w kit.When, o Objective) objectiveRow {
	return objectiveRow{Objective: o, Name: title(o), Href: objectiveHref(o.Name, o.Group), Hot: o.State == Paging || o.State == Spent && o.Tier == 0,
		SpentWords: spentWords(w, o), Window: windowShort(o.Window)}
}

// spentWords says when the budget will be gone.
func spentWords(w kit.When, o Objective) string {
	switch {
	case !o.SpentAt.IsZero():
		return "spent since " + past(w, o.SpentAt)
	case o.State == Spent:
		return "spent"
	case math.IsNaN(o.Burn):
		return "not known"
	case o.Spent.From.IsZero():
		return "not at this rate"
	}
	from, to := w.Soon(o.Spent.From), w.Soon(o.Spent.To)
	if o.Spent.To.IsZero() || from == to {
		return from
	}
	return from + " to " + to
}

// past is a moment that went by: the time today, else the day.
func past(w kit.When, t time.Time) string {
	if w.Day(t) == w.Day(w.Now) {
		return w.Clock(t)
	}
	return w.Day(t)
}

func loadObjectives(ctx context.Context, s Sources, r *http.Request) (any, error) {
	all, err := s.Objectives(ctx)
	if err != nil {
		return nil, err
	}
	v := objectivesView{Base: base(ctx, s, r), All: len(all)}
	rows := filterObjectives(all, r.URL.Query())
	v.Counts = countStates(v.Base, all)
	v.Filter = objectiveFilters(all, r.URL.Query())
	v.Words = fmt.Sprintf("%s of %s", kit.Count(float64(len(rows))), budgetWords(all))
	v.Chips = v.chips(v.Words, "q", "service", "tier", "state", "owner")
	by, desc := sortBy(r, "state")
	sortObjectives(rows, by, desc)
	v.Heads = v.heads(by, desc, objectiveHeads)
	v.Pages = v.page(len(rows), 50, "worst first")
	for _, o := range rows[v.Pages.from:v.Pages.to] {
		v.Rows = append(v.Rows, rowOf(v.When, o))
	}
	return v, nil
}

// budgetWords counts rows: objectives, and budgets where some objective has one a group.
func budgetWords(all []Objective) string {
	names := map[string]bool{}
	for _, o := range all {
		names[o.Name] = true
	}
	if len(names) == len(all) {
		return kit.Plural(len(all), "objective", "objectives")
	}
	return fmt.Sprintf("%s of %s", kit.Plural(len(all), "budget", "budgets"), kit.Plural(len(names), "objective", "objectives"))
}

var objectiveHeads = []sortHead{
	{Key: "name", Label: "Objective"}, {Key: "target", Label: "Target", Right: true}, {Key: "sli", Label: "SLI", Right: true},
	{Key: "left", Label: "Budget left"}, {Key: "burn", Label: "Burn, 1 h", Right: true}, {Key: "", Label: "Spent at this rate"},
	{Key: "", Label: "28 days"}, {Key: "state", Label: "State"},
}

func filterObjectives(all []Objective, q url.Values) []Objective {
	words := strings.ToLower(strings.TrimSpace(q.Get("q")))
	var out []Objective
	for _, o := range all {
		switch {
		case words != "" && !strings.Contains(strings.ToLower(o.Name+" "+o.Title+" "+o.Service+" "+o.Group), words):
		case q.Get("service") != "" && o.Service != q.Get("service"):
		case q.Get("owner") != "" && o.Owner != q.Get("owner"):
		case q.Get("tier") != "" && strconv.Itoa(o.Tier) != q.Get("tier"):
		case q.Get("state") != "" && string(o.State) != q.Get("state"):
		default:
			out = append(out, o)
		}
	}
	return out
}

func objectiveFilters(all []Objective, q url.Values) []filterField {
	services, owners := map[string]bool{}, map[string]bool{}
	for _, o := range all {
		services[o.Service] = true
		if o.Owner != "" {
			owners[o.Owner] = true
		}
	}
	out := []filterField{{Name: "q", Label: "Words", Value: q.Get("q"), Grow: true}, stateFilter(q.Get("state")), tierFilter(q.Get("tier"))}
	if len(services) <= 300 {
		out = append(out, choice("service", "Service", "Any service", keys(services), q.Get("service")))
	}
	if len(owners) <= 300 {
		out = append(out, choice("owner", "Owner", "Any owner", keys(owners), q.Get("owner")))
	}
	return out
}

func countStates(b Base, all []Objective) []stateCount {
	n := map[State]int{}
	for _, o := range all {
		n[o.State]++
	}
	var out []stateCount
	for _, s := range []State{Paging, Spent, Burning, Ticketed, NoData, Young, Paused, Steady} {
		if n[s] > 0 {
			out = append(out, stateCount{s, n[s], b.Set("state", string(s))})
		}
	}
	return out
}

func sortObjectives(rows []Objective, by string, desc bool) {
	order := func(a, b Objective) int {
		switch by {
		case "name":
			return strings.Compare(a.Service+a.Name+a.Group, b.Service+b.Name+b.Group)
		case "target":
			return a.Target.Cmp(b.Target)
		case "sli":
			return nanLast(a.Budget.SLI, b.Budget.SLI, desc)
		case "left":
			return nanLast(a.Budget.Left, b.Budget.Left, desc)
		case "burn":
			return nanLast(a.Burn, b.Burn, desc)
		}
		return cmp.Or(cmp.Compare(a.State.rank(), b.State.rank()), cmp.Compare(tierRank(a.Tier), tierRank(b.Tier)), nanLast(a.Budget.Left, b.Budget.Left, desc))
	}
	slices.SortStableFunc(rows, func(a, b Objective) int {
		c := order(a, b)
		if desc {
			c = -c
		}
		return cmp.Or(c, strings.Compare(a.Name, b.Name), strings.Compare(a.Group, b.Group))
	})
}

// nanLast compares two numbers so that the unknown end up last in either direction.
func nanLast(a, b float64, desc bool) int {
	switch an, bn := math.IsNaN(a), math.IsNaN(b); {
	case an && bn:
		return 0
	case an != desc && an, bn && desc:
		return 1
	case an, bn:
		return -1
	}
	return cmp.Compare(a, b)
}
