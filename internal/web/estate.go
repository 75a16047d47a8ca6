package web

import (
	"context"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/live"
)

var estatePage = Page{
	Route: "GET /estate", Group: "Watch", Nav: "Estate", Key: "d", Tmpl: "estate.html", View: estateView{}, Needs: Read,
	Has:  func(s Sources) bool { return s.Estate != nil },
	Live: []event.Kind{live.Round, "catalog.applied", "dependency.observed", "service.observed"},
	Load: loadEstate,
}

type estateView struct {
	Base
	Estate
	Focus    string
	Drawing  template.HTML
	Drawn    int
	Services int
	Hard     int
	Names    []string
	Short    string // why the drawing does not show all
}

// Widest is the point with which most services fail; nil without any.
func (e Estate) Widest() *Point {
	var most *Point
	for i := range e.Points {
		if most == nil || e.Points[i].Hits > most.Hits {
			most = &e.Points[i]
		}
	}
	return most
}

// graphLimit is how many boxes a drawing may have before it shows only what matters most.
const graphLimit = 80

func loadEstate(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := estateView{Base: base(ctx, s, r)}
	v.Focus = v.Query("focus")
	var err error
	if v.Estate, err = s.Estate(ctx, v.Focus); err != nil {
		return nil, err
	}
	for _, n := range v.Graph.Nodes {
		if !n.External {
			v.Services++
			v.Names = append(v.Names, n.Name)
		}
	}
	for _, e := range v.Graph.Edges {
		if e.Hard {
			v.Hard++
		}
	}
	slices.Sort(v.Names)
	v.draw()
	return v, nil
}

// draw shows the neighbourhood of the focus, or everything, or of a big estate what tier 0 hangs on.
func (v *estateView) draw() {
	label := fmt.Sprintf("%s and what they need", kit.Plural(v.Services, "service", "services"))
	cols := layers(v.Graph)
	if v.Focus == "" {
		v.apart(cols)
	}
	switch {
	case v.Focus != "":
		cols = neighbourhood(v.Graph, v.Focus)
		label = "Callers and dependencies of " + v.Focus
	case len(cols) > graphLimit:
		var left int
		cols, left = core(v.Graph, cols)
		v.Short = fmt.Sprintf("%s of %s are drawn: the highest tiers and what they need. Choose a service to see around it.", kit.Count(float64(len(cols))), kit.Count(float64(len(cols)+left)))
	}
	v.Drawn = len(cols)
	v.Drawing = drawGraph(v.Graph, cols, v.Focus, label)
}

// apart leaves out the nodes that nothing joins to another.
func (v *estateView) apart(cols map[string]int) {
	with, alone := joined(v.Graph), 0
	for n := range cols {
		if !with[n] {
			delete(cols, n)
			alone++
		}
	}
	if alone > 0 {
		v.Short = kit.Plural(alone, "service without a known dependency is", "services without a known dependency are") + " not drawn."
	}
}

// core keeps the nodes of the highest tiers and their hard dependencies, at most graphLimit.
func core(g Graph, cols map[string]int) (kept map[string]int, left int) {
	kept = map[string]int{}
	needs := hardNeeds(g)
	nodes := slices.DeleteFunc(slices.Clone(g.Nodes), func(n Node) bool { _, ok := cols[n.Name]; return !ok })
	slices.SortStableFunc(nodes, func(a, b Node) int { return tierRank(a.Tier) - tierRank(b.Tier) })
	for _, n := range nodes {
		for _, name := range append([]string{n.Name}, needs[n.Name]...) {
			if len(kept) < graphLimit {
				kept[name] = cols[name]
			}
		}
	}
	squeeze(kept)
	return kept, len(cols) - len(kept)
}

func hardNeeds(g Graph) map[string][]string {
	out := map[string][]string{}
	for _, e := range g.Edges {
		if e.Hard {
			out[e.From] = append(out[e.From], e.To)
		}
	}
	return out
}

// squeeze closes empty columns.
func squeeze(cols map[string]int) {
	used := slices.Compact(slices.Sorted(maps.Values(cols)))
	for n, c := range cols {
		cols[n] = slices.Index(used, c)
	}
}

// Loop prints a cycle as "a needs b needs a".
func (v estateView) Loop(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return strings.Join(append(slices.Clone(names), names[0]), " needs ")
}

// Low is how many services promise more than their hard dependencies allow.
func (v estateView) Low() int {
	n := 0
	for _, c := range v.Ceilings {
		if c.Value < c.Target {
			n++
		}
	}
	return n
}

// Odd is how many cycles and inversions there are.
func (v estateView) Odd() int { return len(v.Cycles) + len(v.Inversions) }

// edgesShown is how many dependencies a list shows.
const edgesShown = 60

// Untold is how many dependencies of which only one side is known are not listed.
func (v estateView) Untold() int {
	return max(len(v.Undeclared)-edgesShown, 0) + max(len(v.Unseen)-edgesShown, 0)
}

// TopPoints are the widest single points of failure.
func (v estateView) TopPoints() []Point { return v.Points[:min(len(v.Points), 20)] }

// TopCeilings are the services furthest above their ceiling.
func (v estateView) TopCeilings() []Ceiling {
	out := slices.Clone(v.Ceilings)
	slices.SortStableFunc(out, func(a, b Ceiling) int {
		switch x, y := a.Value-a.Target, b.Value-b.Target; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return strings.Compare(a.Service, b.Service)
	})
	return out[:min(len(out), 40)]
}
