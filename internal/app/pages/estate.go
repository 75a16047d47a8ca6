package pages

import (
	"context"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/org"
	"evenkeel.dev/evenkeel/internal/store/trace"
	"evenkeel.dev/evenkeel/internal/web"
)

// seenWithin is how far back an edge or a workload counts as seen.
const seenWithin = time.Hour

// graphNeeds lists the kinds that are drawn: what runs, and what it needs.
var drawn = []string{"Component", "Resource"}

func (d *Desk) estate(ctx context.Context, focus string) (web.Estate, error) {
	dir := d.directory()
	cat := dir.Catalog
	edges := d.Traces.Graph(d.Now(), seenWithin)
	ties, strangers := cat.Compare(callsOf(edges))
	states := d.stands().services
	out := web.Estate{Graph: graphOf(cat, ties, edges, states, dir)}
	for _, t := range ties {
		e := edgeOf(cat, t, edges)
		switch {
		case t.Observed && !t.Declared:
			out.Undeclared = append(out.Undeclared, e)
		case t.Declared && !t.Observed && t.From.Kind() == "component":
			out.Unseen = append(out.Unseen, e)
		}
	}
	for _, p := range cat.SinglePoints(dir.Config.DefaultTier()) {
		out.Points = append(out.Points, pointOf(cat, p, dir))
	}
	for _, c := range cat.Cycles() {
		out.Cycles = append(out.Cycles, shorts(c.Path))
	}
	for _, in := range cat.Inversions() {
		for _, to := range in.Need.Of {
			out.Inversions = append(out.Inversions, web.Edge{From: in.From.Short(), To: to.Short(), Hard: true, Declared: true, Rate: nan, Errors: nan})
		}
	}
	out.Ceilings = d.ceilings(dir)
	out.Uncatalogued = d.uncatalogued(ctx, cat, strangers)
	if focus != "" {
		out.Blast = blastOf(cat, focus)
	}
	return out, nil
}

func callsOf(edges []trace.Edge) []estate.Call {
	var out []estate.Call
	for _, e := range edges {
		if e.Calls > 0 {
			out = append(out, estate.Call{From: e.From, To: e.To})
		}
	}
	return out
}

// graphOf draws what runs and what it needs, and who was seen without being declared.
func graphOf(cat *estate.Catalog, ties []estate.Tie, edges []trace.Edge, states map[estate.Ref]serviceState, dir *org.Directory) web.Graph {
	var g web.Graph
	for _, kind := range drawn {
		for _, e := range cat.OfKind(kind) {
			g.Nodes = append(g.Nodes, nodeOf(cat, e, states[e.Ref], dir))
		}
	}
	for _, t := range ties {
		if drawnKind(t.From) && drawnKind(t.To) {
			g.Edges = append(g.Edges, edgeOf(cat, t, edges))
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

func edgeOf(cat *estate.Catalog, t estate.Tie, edges []trace.Edge) web.Edge {
	e := web.Edge{From: t.From.Short(), To: t.To.Short(), Hard: t.Hard, Declared: t.Declared, Observed: t.Observed, Rate: nan, Errors: nan}
	for _, seen := range edges {
		if from, ok := cat.Service(seen.From); !ok || from.Ref != t.From {
			continue
		}
		if to, ok := cat.Service(seen.To); ok && to.Ref == t.To && seen.Calls > 0 {
			e.Rate, e.Errors = seen.Rate, seen.ErrorRatio()
			e.Failing = e.Errors > 0.05
		}
	}
	return e
}

func pointOf(cat *estate.Catalog, p estate.SinglePoint, dir *org.Directory) web.Point {
	out := web.Point{Name: p.Ref.Short(), Tier: cat.Tier(p.Ref, dir.Config.DefaultTier()), Hits: p.Fails, Top: -1}
	for tier, n := range p.ByTier {
		if n > 0 {
			out.Top = tier
			break
		}
	}
	return out
}

// ceilings lists what hard dependencies leave each service that promises something, the most out of reach first.
func (d *Desk) ceilings(dir *org.Directory) []web.Ceiling {
	targets := dir.Targets()
	var out []web.Ceiling
	for _, e := range dir.Catalog.OfKind("Component") {
		if c := ceilingOf(dir.Catalog, e.Ref, targets); c != nil {
			out = append(out, *c)
		}
	}
	return out
}

// ceilingOf is nil where a service promises nothing or nothing is known about what it needs.
func ceilingOf(cat *estate.Catalog, ref estate.Ref, targets func(estate.Ref) (float64, bool)) *web.Ceiling {
	target, ok := targets(ref)
	c := cat.CeilingOf(ref, targets)
	if !ok || len(c.Factors) == 0 {
		return nil
	}
	out := &web.Ceiling{Service: ref.Short(), Target: target, Value: c.Serial}
	for _, f := range c.Factors {
		if f.Need.Hard {
			out.From = append(out.From, shorts(f.Need.Of)...)
		}
	}
	if len(out.From) == 0 {
		return nil
	}
	return out
}

// uncatalogued joins what telemetry showed just now with when it was first recorded.
func (d *Desk) uncatalogued(ctx context.Context, cat *estate.Catalog, strangers []string) []web.Seen {
	names := append([]string{}, strangers...)
	for _, s := range d.Traces.Services(d.Now(), seenWithin) {
		names = append(names, s.Name)
	}
	var out []web.Seen
	for _, name := range cat.Strangers(names) {
		seen := web.Seen{Name: name, Source: "traces"}
		for e, err := range d.Ledger.Read(ctx, 0, "service.observed") {
			if err != nil {
				break
			}
			if e.About == event.NewRef("service", name) {
				seen.First, seen.Seq = e.At, e.Seq
				break
			}
		}
		out = append(out, seen)
	}
	return out
}

func blastOf(cat *estate.Catalog, name string) *web.Blast {
	e, ok := cat.Service(name)
	if !ok {
		return nil
	}
	r := cat.BlastRadius(e.Ref)
	out := &web.Blast{Name: e.Ref.Short()}
	for _, h := range r.Fails {
		out.Hard = append(out.Hard, h.Ref.Short())
	}
	for _, h := range r.Degrades {
		out.Soft = append(out.Soft, h.Ref.Short())
	}
	return out
}

func shorts(refs []estate.Ref) []string {
	out := make([]string, len(refs))
	for i, r := range refs {
		out[i] = r.Short()
	}
	return out
}
