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

func (d *Desk) estate(ctx context.Context, focus string) (web.Estate, error) {
	now := d.stands()
	cat := now.dir.Catalog
	edges := d.Traces.Graph(d.Now(), seenWithin)
	ties, strangers := cat.Compare(callsOf(edges))
	flow := flowsOf(cat, edges)
	out := web.Estate{Graph: graphOf(cat, ties, flow, now.services, now.dir)}
	for _, t := range ties {
		e := edgeOf(t, flow)
		switch {
		case t.Observed && !t.Declared:
			out.Undeclared = append(out.Undeclared, e)
		case t.Declared && !t.Observed && t.From.Kind() == "component":
			out.Unseen = append(out.Unseen, e)
		}
	}
	shape := now.shape()
	out.Points, out.Cycles, out.Inversions, out.Ceilings = shape.points, shape.cycles, shape.inversions, shape.ceilings
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

// shape is what the declared dependencies alone say.
type shape struct {
	points     []web.Point // the worst first
	cycles     [][]string
	inversions []web.Edge
	ceilings   []web.Ceiling // of each service that promises something and needs something that does
}

func shapeOf(dir *org.Directory) shape {
	cat := dir.Catalog
	var out shape
	for _, p := range cat.SinglePoints(dir.Config.DefaultTier()) {
		out.points = append(out.points, pointOf(cat, p, dir))
	}
	for _, c := range cat.Cycles() {
		out.cycles = append(out.cycles, shorts(c.Path))
	}
	for _, in := range cat.Inversions() {
		for _, to := range in.Need.Of {
			out.inversions = append(out.inversions, web.Edge{From: in.From.Short(), To: to.Short(), Hard: true, Declared: true, Rate: nan, Errors: nan})
		}
	}
	targets := dir.Targets()
	for _, e := range cat.OfKind("Component") {
		if c := ceilingOf(cat, e.Ref, targets); c != nil {
			out.ceilings = append(out.ceilings, *c)
		}
	}
	return out
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
	strange := cat.Strangers(names)
	first := map[event.Ref]event.Event{}
	if len(strange) > 0 {
		for e, err := range d.Ledger.Read(ctx, 0, "service.observed") {
			if err != nil {
				break
			}
			if _, known := first[e.About]; !known {
				first[e.About] = e
			}
		}
	}
	out := make([]web.Seen, len(strange))
	for i, name := range strange {
		e := first[event.NewRef("service", name)]
		out[i] = web.Seen{Name: name, Source: "traces", First: e.At, Seq: e.Seq}
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
