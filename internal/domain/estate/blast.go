package estate

import (
	"cmp"
	"slices"
	"strings"
)

// Radius is what happens when one thing fails. Lists are ordered by distance, then by reference; the failing thing itself
// is in none of them. An entity is in the first list that fits.
type Radius struct {
	Fails    []Hit // a hard need is no longer met, directly or further down
	Degrades []Hit // a soft need is no longer met, or a hard one only by degraded members
	Thins    []Hit // still fine, but a group it needs has lost members: the next failure may hit it
}

// Hit is one thing that a failure reaches.
type Hit struct {
	Ref    Ref
	Via    Ref     // the neighbour from which it came
	Depth  int     // 1 = depends directly on what failed
	Impact float64 // share of its own requests that fail because of a soft need, 0..1; 1 when it fails, 0 when unknown
}

// BlastRadius answers who fails if r fails. An unknown or unneeded thing takes nothing down.
func (c *Catalog) BlastRadius(r Ref) Radius {
	n, ok := c.graph.node[r]
	if !ok {
		return Radius{}
	}
	b := newBlast(&c.graph)
	b.from(n)
	return b.radius()
}

// SinglePoint is a thing whose failure makes others fail.
type SinglePoint struct {
	Ref      Ref
	ByTier   [5]int // components it takes down, of tier 0, 1, 2, 3 and of no tier
	Fails    int    // all things it takes down
	Degrades int
}

// SinglePoints lists what takes down at least one component, the worst first: by how many components of tier 0 fail, then
// tier 1, and so on; ties by reference. A component without tier counts as otherwise (0..3, or -1 for the last column).
// The slice is worked out once and shared: read it only.
func (c *Catalog) SinglePoints(otherwise int) []SinglePoint {
	p := &c.points[min(max(otherwise, -1), 3)+1]
	p.once.Do(func() { p.list = c.singlePoints(otherwise) })
	return p.list
}

func (c *Catalog) singlePoints(otherwise int) []SinglePoint {
	b := newBlast(&c.graph)
	var out []SinglePoint
	for n, r := range c.graph.refs {
		if len(c.graph.member[n]) == 0 {
			continue
		}
		b.from(n)
		p := SinglePoint{Ref: r, Degrades: len(b.degraded)}
		for _, h := range b.failed[1:] {
			p.Fails++
			if hit := c.graph.refs[h]; hit.Kind() == "component" {
				p.ByTier[(c.Tier(hit, otherwise)+5)%5]++
			}
		}
		if p.ByTier != [5]int{} {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b SinglePoint) int {
		return cmp.Or(slices.Compare(b.ByTier[:], a.ByTier[:]), b.Fails-a.Fails, strings.Compare(string(a.Ref), string(b.Ref)))
	})
	return out
}

const (
	fine = iota
	degraded
	failed
)

// blast spreads one failure through the graph, level by level. It is made once and used for many failures.
type blast struct {
	g        *graph
	state    []int // by node
	depth    []int
	via      []int
	lost     []int // by need: members that failed
	weak     []int // by need: members that failed or degrade
	failed   []int // nodes, the origin first
	degraded []int
}

func newBlast(g *graph) *blast {
	return &blast{g: g, state: make([]int, len(g.refs)), depth: make([]int, len(g.refs)), via: make([]int, len(g.refs)),
		lost: make([]int, len(g.needs)), weak: make([]int, len(g.needs))}
}

func (b *blast) from(n int) {
	clear(b.state)
	clear(b.lost)
	clear(b.weak)
	b.failed, b.degraded = append(b.failed[:0], n), b.degraded[:0]
	b.state[n], b.depth[n] = failed, 0
	for i := 0; i < len(b.failed); i++ {
		at := b.failed[i]
		for _, id := range b.g.member[at] {
			b.lost[id]++
			need := &b.g.needs[id]
			if need.Hard && len(need.of)-b.lost[id] < need.AtLeast && b.state[need.owner] != failed {
				b.mark(need.owner, at, failed)
				b.failed = append(b.failed, need.owner)
			}
		}
	}
	b.degrade()
}

// degrade spreads what does not fail but suffers: nearest first.
func (b *blast) degrade() {
	copy(b.weak, b.lost)
	for _, at := range b.failed {
		for _, id := range b.g.member[at] {
			need := &b.g.needs[id]
			if !need.Hard && len(need.of)-b.lost[id] < need.AtLeast && b.state[need.owner] == fine {
				b.mark(need.owner, at, degraded)
				b.degraded = append(b.degraded, need.owner)
			}
		}
	}
	for i := 0; i < len(b.degraded); i++ {
		at := b.degraded[i]
		for _, id := range b.g.member[at] {
			b.weak[id]++
			need := &b.g.needs[id]
			if need.Hard && len(need.of)-b.weak[id] < need.AtLeast && b.state[need.owner] == fine {
				b.mark(need.owner, at, degraded)
				b.degraded = append(b.degraded, need.owner)
			}
		}
	}
}

func (b *blast) mark(n, from, state int) {
	b.state[n], b.depth[n], b.via[n] = state, b.depth[from]+1, from
}

func (b *blast) radius() Radius {
	var out Radius
	for _, n := range b.failed[1:] {
		out.Fails = append(out.Fails, b.hit(n, 1))
	}
	for _, n := range b.degraded {
		out.Degrades = append(out.Degrades, b.hit(n, b.impact(n)))
	}
	seen := map[int]bool{}
	for _, at := range b.failed {
		for _, id := range b.g.member[at] {
			owner := b.g.needs[id].owner
			if b.g.needs[id].Hard && b.state[owner] == fine && !seen[owner] {
				seen[owner] = true
				out.Thins = append(out.Thins, Hit{Ref: b.g.refs[owner], Via: b.g.refs[at], Depth: b.depth[at] + 1})
			}
		}
	}
	for _, list := range [][]Hit{out.Fails, out.Degrades, out.Thins} {
		slices.SortFunc(list, func(a, b Hit) int { return cmp.Or(a.Depth-b.Depth, strings.Compare(string(a.Ref), string(b.Ref))) })
	}
	return out
}

func (b *blast) hit(n int, impact float64) Hit {
	return Hit{Ref: b.g.refs[n], Via: b.g.refs[b.via[n]], Depth: b.depth[n], Impact: impact}
}

// impact is the share of a degraded node's requests that fail: 1 - the product over its unmet soft needs.
func (b *blast) impact(n int) float64 {
	ok := 1.0
	for _, id := range b.g.owned[n] {
		if need := b.g.needs[id]; !need.Hard && len(need.of)-b.lost[id] < need.AtLeast {
			ok *= 1 - need.Impact
		}
	}
	return 1 - ok
}
