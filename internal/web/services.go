package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/live"
)

var servicesPage = Page{
	Route: "GET /services", Group: "Watch", Nav: "Services", Key: "s", Icon: "graph", Tmpl: "services.html", View: servicesView{}, Needs: Read,
	Has:  func(s Sources) bool { return s.Services != nil },
	Live: []event.Kind{live.Round, "catalog.applied"},
	Load: loadServices,
}

type servicesView struct {
	Base
	Rows   []Service
	All    int
	Filter []filterField
	Chips  chips
	Heads  []sortHead
	Pages  pager
}

var serviceHeads = []sortHead{
	{Key: "name", Label: "Service"}, {Key: "left", Label: "Worst budget left"}, {Key: "burn", Label: "Burn, 1 h", Right: true}, {Key: "", Label: "28 days"},
	{Key: "rate", Label: "Requests/s", Right: true}, {Key: "errors", Label: "Errors", Right: true}, {Key: "p95", Label: "p95", Right: true}, {Key: "state", Label: "State"},
}

func loadServices(ctx context.Context, s Sources, r *http.Request) (any, error) {
	all, err := serviceList(ctx, s)
	if err != nil {
		return nil, err
	}
	v := servicesView{Base: base(ctx, s, r), All: len(all)}
	q := r.URL.Query()
	v.Filter = serviceFilters(all, q)
	rows := filterServices(all, q)
	v.Chips = v.chips(fmt.Sprintf("%s of %s", kit.Count(float64(len(rows))), kit.Plural(len(all), "service", "services")), "q", "tier", "state", "owner", "system")
	by, desc := sortBy(r, "state")
	sortServices(rows, by, desc)
	v.Heads = v.heads(by, desc, serviceHeads)
	v.Pages = v.page(len(rows), 50, "worst first")
	v.Rows = rows[v.Pages.from:v.Pages.to]
	return v, nil
}

func serviceFilters(all []Service, q url.Values) []filterField {
	owners, systems := map[string]bool{}, map[string]bool{}
	for _, s := range all {
		if s.Owner != "" {
			owners[s.Owner] = true
		}
		if s.System != "" {
			systems[s.System] = true
		}
	}
	out := []filterField{{Name: "q", Label: "Words", Value: q.Get("q"), Grow: true}, stateFilter(q.Get("state")), tierFilter(q.Get("tier"))}
	if len(owners) <= 300 {
		out = append(out, choice("owner", "Owner", "Any owner", keys(owners), q.Get("owner")))
	}
	if n := len(systems); n > 1 && n <= 300 {
		out = append(out, choice("system", "System", "Any system", keys(systems), q.Get("system")))
	}
	return out
}

func filterServices(all []Service, q url.Values) []Service {
	words := strings.ToLower(strings.TrimSpace(q.Get("q")))
	var out []Service
	for _, s := range all {
		switch {
		case words != "" && !strings.Contains(strings.ToLower(s.Name+" "+s.Title+" "+s.Owner+" "+s.System), words):
		case q.Get("owner") != "" && s.Owner != q.Get("owner"):
		case q.Get("system") != "" && s.System != q.Get("system"):
		case q.Get("tier") != "" && strconv.Itoa(s.Tier) != q.Get("tier"):
		case q.Get("state") != "" && string(s.State) != q.Get("state"):
		default:
			out = append(out, s)
		}
	}
	return out
}

func sortServices(rows []Service, by string, desc bool) {
	order := func(a, b Service) int {
		switch by {
		case "name":
			return strings.Compare(a.Name, b.Name)
		case "left":
			return nanLast(a.Left, b.Left, desc)
		case "burn":
			return nanLast(a.Burn, b.Burn, desc)
		case "rate":
			return nanLast(a.Rate, b.Rate, desc)
		case "errors":
			return nanLast(a.Errors, b.Errors, desc)
		case "p95":
			return nanLast(a.P95, b.P95, desc)
		}
		return cmp.Or(cmp.Compare(a.State.rank(), b.State.rank()), cmp.Compare(tierRank(a.Tier), tierRank(b.Tier)), nanLast(a.Left, b.Left, desc))
	}
	slices.SortStableFunc(rows, func(a, b Service) int {
		c := order(a, b)
		if desc {
			c = -c
		}
		return cmp.Or(c, strings.Compare(a.Name, b.Name))
	})
}

// Hot marks the row of a service that needs a person now.
func (s Service) Hot() bool { return s.State == Paging || s.State == Spent && s.Tier == 0 }
