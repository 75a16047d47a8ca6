package pages

import (
	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/store/org"
	"evenkeel.dev/evenkeel/internal/store/trace"
	"evenkeel.dev/evenkeel/internal/web"
)

// drawn are the kinds in a graph: what runs, and what it needs.
var drawn = []string{"Component", "Resource"}

// graphOf draws what runs and what it needs, and who was seen without being declared.
func graphOf(cat *estate.Catalog, ties []estate.Tie, flow flows, states map[estate.Ref]serviceState, dir *org.Directory) web.Graph {
	var g web.Graph
	for _, kind := range drawn {
		for _, e := range cat.OfKind(kind) {
			g.Nodes = append(g.Nodes, nodeOf(cat, e, states[e.Ref], dir))
		}
	}
	for _, t := range ties {
		if drawnKind(t.From) && drawnKind(t.To) {
			g.Edges = append(g.Edges, edgeOf(t, flow))
		}
	}
	return g
}

func drawnKind(r estate.Ref) bool { return r.Kind() == "component" || r.Kind() == "resource" }

func nodeOf(cat *estate.Catalog, e estate.Entity, s serviceState, dir *org.Directory) web.Node {
	n := web.Node{Name: e.Ref.Short(), Kind: "service", Tier: cat.Tier(e.Ref, dir.Config.DefaultTier()), Left: nan, State: web.Unset, Owner: handle(e.Owner)}
	if e.Ref.Kind() == "resource" {
		n.Kind, n.Tier = "resource", cat.Tier(e.Ref, -1)
	}
	if s.objectives > 0 {
		n.Left, n.State = s.left, s.state
	}
	return n
}

// flows is the traffic that traces showed between two entities, under whatever names they were called.
type flows map[[2]estate.Ref]trace.Traffic

func flowsOf(cat *estate.Catalog, edges []trace.Edge) flows {
	out := flows{}
	for _, e := range edges {
		from, known := cat.Service(e.From)
		to, knownToo := cat.Service(e.To)
		if !known || !knownToo || e.Calls == 0 {
			continue
		}
		between := [2]estate.Ref{from.Ref, to.Ref}
		t := out[between]
		t.Calls, t.Errors, t.Rate = t.Calls+e.Calls, t.Errors+e.Errors, t.Rate+e.Rate
		out[between] = t
	}
	return out
}

func edgeOf(t estate.Tie, flow flows) web.Edge {
	e := web.Edge{From: t.From.Short(), To: t.To.Short(), Hard: t.Hard, Declared: t.Declared, Observed: t.Observed, Rate: nan, Errors: nan}
	if seen, ok := flow[[2]estate.Ref{t.From, t.To}]; ok {
		e.Rate, e.Errors = seen.Rate, seen.ErrorRatio()
		e.Failing = e.Errors > 0.05
	}
	return e
}

// around is a service with who calls it and what it needs.
func (d *Desk) around(ref estate.Ref) web.Graph {
	dir := d.directory()
	edges := d.Traces.Graph(d.Now(), seenWithin)
	ties, _ := dir.Catalog.Compare(callsOf(edges))
	states, flow := d.stands().services, flowsOf(dir.Catalog, edges)
	near := map[estate.Ref]bool{ref: true}
	var g web.Graph
	for _, t := range ties {
		if t.From != ref && t.To != ref || !drawnKind(t.From) || !drawnKind(t.To) {
			continue
		}
		near[t.From], near[t.To] = true, true
		g.Edges = append(g.Edges, edgeOf(t, flow))
	}
	for _, e := range dir.Catalog.All() {
		if near[e.Ref] {
			g.Nodes = append(g.Nodes, nodeOf(dir.Catalog, e, states[e.Ref], dir))
		}
	}
	return g
}
