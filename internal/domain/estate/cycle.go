package estate

import (
	"slices"
	"strings"
)

// Cycle is a ring of hard dependencies: none of its members starts while the others are down.
type Cycle struct {
	Members []Ref // everything that is entangled, by reference
	Path    []Ref // one shortest ring through the first member: it begins and, not repeated, ends there
}

// Cycles lists the rings of hard dependencies, by their first member. Source: Tarjan, "Depth-first search and linear graph
// algorithms", 1972: strongly connected components of more than one node.
func (c *Catalog) Cycles() []Cycle {
	var out []Cycle
	for _, part := range c.graph.entangled() {
		cy := Cycle{}
		for _, n := range part {
			cy.Members = append(cy.Members, c.graph.refs[n])
		}
		slices.Sort(cy.Members)
		cy.Path = c.graph.ring(c.graph.node[cy.Members[0]])
		out = append(out, cy)
	}
	slices.SortFunc(out, func(a, b Cycle) int { return strings.Compare(string(a.Members[0]), string(b.Members[0])) })
	return out
}

// next lists what a node needs hard, members of groups included.
func (g *graph) next(n int) []int {
	var out []int
	for _, id := range g.owned[n] {
		if g.needs[id].Hard {
			out = append(out, g.needs[id].of...)
		}
	}
	return out
}

// entangled finds the strongly connected components of more than one node, without recursion.
func (g *graph) entangled() [][]int {
	type frame struct {
		node int
		next []int
	}
	var (
		out        [][]int
		index, low = make([]int, len(g.refs)), make([]int, len(g.refs))
		open       = make([]bool, len(g.refs))
		stack      []int
		count      int
	)
	enter := func(n int) frame {
		count++
		index[n], low[n], open[n] = count, count, true
		stack = append(stack, n)
		return frame{n, g.next(n)}
	}
	for root := range g.refs {
		if index[root] != 0 {
			continue
		}
		frames := []frame{enter(root)}
		for len(frames) > 0 {
			f := &frames[len(frames)-1]
			if len(f.next) > 0 {
				to := f.next[0]
				f.next = f.next[1:]
				if index[to] == 0 {
					frames = append(frames, enter(to))
				} else if open[to] {
					low[f.node] = min(low[f.node], index[to])
				}
				continue
			}
			n := f.node
			frames = frames[:len(frames)-1]
			if len(frames) > 0 {
				up := frames[len(frames)-1].node
				low[up] = min(low[up], low[n])
			}
			if low[n] != index[n] {
				continue
			}
			from := slices.Index(stack, n)
			for _, m := range stack[from:] {
				open[m] = false
			}
			if part := stack[from:]; len(part) > 1 {
				out = append(out, slices.Clone(part))
			}
			stack = stack[:from]
		}
	}
	return out
}

// ring is a shortest way from a node back to itself along hard needs, the node first; nil when there is none.
func (g *graph) ring(start int) []Ref {
	from := map[int]int{}
	queue := []int{start}
	for i := 0; i < len(queue); i++ {
		for _, to := range g.next(queue[i]) {
			if to == start {
				var path []Ref
				for n := queue[i]; n != start; n = from[n] {
					path = append(path, g.refs[n])
				}
				path = append(path, g.refs[start])
				slices.Reverse(path)
				return path
			}
			if _, seen := from[to]; !seen {
				from[to] = queue[i]
				queue = append(queue, to)
			}
		}
	}
	return nil
}

// Inversion is a hard need that is less important than what needs it: the more important one is only as good as the less
// important one.
type Inversion struct {
	From     Ref
	FromTier int
	Need     Need
	Tier     int // of the AtLeast-th most important member: what the need as a whole amounts to
}

// Inversions lists hard needs whose tier is said and less important than that of what needs them, by reference.
func (c *Catalog) Inversions() []Inversion {
	var out []Inversion
	for i, e := range c.entities {
		if e.Tier < 0 {
			continue
		}
		for _, need := range c.graph.needsOf(i) {
			if !need.Hard {
				continue
			}
			var tiers []int
			for _, r := range need.Of {
				tiers = append(tiers, c.Tier(r, e.Tier)) // nothing said is no inversion
			}
			slices.Sort(tiers)
			if t := tiers[need.AtLeast-1]; t > e.Tier {
				out = append(out, Inversion{e.Ref, e.Tier, need, t})
			}
		}
	}
	return out
}
