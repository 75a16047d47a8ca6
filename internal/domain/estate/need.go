package estate

import "slices"

// Need is one thing an entity depends on: met while at least AtLeast of its members are up.
type Need struct {
	Of      []Ref   // one for a plain dependency, more for a group; never empty
	AtLeast int     // 1..len(Of)
	Hard    bool    // false: the entity degrades when it is not met
	Impact  float64 // soft only: share of requests that fail when it is not met, 0..1
	Via     Ref     // the API through which a provider is needed; "" for a direct dependency
}

// Needs lists what an entity depends on: its groups, soft and hard dependencies, then the providers of the APIs it
// consumes (any one of several). Empty for an unknown entity.
func (c *Catalog) Needs(r Ref) []Need {
	n, ok := c.graph.node[r]
	if !ok {
		return nil
	}
	return c.graph.needsOf(n)
}

// Dependents lists who depends directly on a thing, hard or soft, by reference.
func (c *Catalog) Dependents(r Ref) []Ref {
	n, ok := c.graph.node[r]
	if !ok {
		return nil
	}
	var out []Ref
	for _, i := range c.graph.member[n] {
		out = append(out, c.graph.refs[c.graph.needs[i].owner])
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// needs works out an entity's needs. providers maps an API to who provides it; inverse maps an entity to the things that
// name it in their dependencyOf.
func needs(e Entity, providers, inverse map[Ref][]Ref) []Need {
	var out []Need
	said := map[Ref]bool{e.Ref: true} // nothing depends on itself
	for _, g := range e.Groups {
		if slices.Contains(g.Of, e.Ref) { // it is up whenever it asks
			g = Group{g.AtLeast - 1, slices.DeleteFunc(slices.Clone(g.Of), func(r Ref) bool { return r == e.Ref })}
		}
		if g.AtLeast > 0 && len(g.Of) > 0 {
			out = append(out, Need{Of: g.Of, AtLeast: g.AtLeast, Hard: true})
		}
		for _, r := range g.Of {
			said[r] = true
		}
	}
	add := func(n Need, of Ref) {
		if !said[of] {
			said[of] = true
			out = append(out, n)
		}
	}
	for _, s := range e.Soft {
		if p := without(providers[s.Ref], said); len(p) > 0 { // softly consumed API: so are its providers
			add(Need{Of: p, AtLeast: 1, Impact: s.Impact, Via: s.Ref}, s.Ref)
			continue
		}
		add(Need{Of: []Ref{s.Ref}, AtLeast: 1, Impact: s.Impact}, s.Ref)
	}
	for _, r := range slices.Concat(e.DependsOn, inverse[e.Ref]) {
		add(Need{Of: []Ref{r}, AtLeast: 1, Hard: true}, r)
	}
	apis := e.Consumes
	if e.Ref.Kind() == "api" {
		apis = []Ref{e.Ref} // an API is up while one of its providers is
		delete(said, e.Ref)
	}
	for _, api := range apis {
		switch p := providers[api]; {
		case len(p) == 0 && api != e.Ref:
			add(Need{Of: []Ref{api}, AtLeast: 1, Hard: true}, api)
		case len(p) > 0 && !slices.ContainsFunc(p, func(r Ref) bool { return said[r] }):
			add(Need{Of: p, AtLeast: 1, Hard: true, Via: api}, api)
		}
	}
	return out
}

func without(refs []Ref, drop map[Ref]bool) []Ref {
	return slices.DeleteFunc(slices.Clone(refs), func(r Ref) bool { return drop[r] })
}
