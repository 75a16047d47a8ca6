package estate

import "slices"

// graph holds the needs between all things the catalog names, known entities or not, by number.
type graph struct {
	refs   []Ref // by number: entities first, in their order, then things that are only named
	node   map[Ref]int
	needs  []edge
	owned  [][]int // needs of a node
	member [][]int // needs that count a node among their members
}

// edge is a Need with its owner and members as numbers.
type edge struct {
	Need
	owner int
	of    []int
}

func newGraph(c *Catalog) graph {
	g := graph{node: make(map[Ref]int, len(c.entities))}
	providers, inverse := map[Ref][]Ref{}, map[Ref][]Ref{}
	for _, e := range c.entities {
		g.number(e.Ref)
		for _, api := range e.Provides {
			providers[api] = append(providers[api], e.Ref)
		}
		for _, r := range e.DependencyOf {
			inverse[r] = append(inverse[r], e.Ref)
		}
	}
	for i, e := range c.entities {
		for _, n := range needs(e, providers, inverse) {
			g.add(i, n)
		}
	}
	return g
}

func (g *graph) number(r Ref) int {
	n, ok := g.node[r]
	if !ok {
		n = len(g.refs)
		g.node[r] = n
		g.refs = append(g.refs, r)
		g.owned, g.member = append(g.owned, nil), append(g.member, nil)
	}
	return n
}

func (g *graph) add(owner int, n Need) {
	e := edge{Need: n, owner: owner}
	for _, r := range n.Of {
		e.of = append(e.of, g.number(r))
	}
	id := len(g.needs)
	g.needs = append(g.needs, e)
	g.owned[owner] = append(g.owned[owner], id)
	for _, m := range e.of {
		g.member[m] = append(g.member[m], id)
	}
}

func (g *graph) needsOf(n int) []Need {
	out := make([]Need, 0, len(g.owned[n]))
	for _, i := range g.owned[n] {
		need := g.needs[i].Need
		need.Of = slices.Clone(need.Of)
		out = append(out, need)
	}
	return out
}
