package estate

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// estates draws a catalog of components with hard, soft and redundant dependencies, some on things that do not exist.
func estates(t *rapid.T) *Catalog {
	n := rapid.IntRange(1, 9).Draw(t, "components")
	ref := rapid.Custom(func(t *rapid.T) Ref { return comp(rapid.IntRange(0, n).Draw(t, "to")) })
	var entities []Entity
	for i := range n {
		e := Entity{Ref: comp(i), Kind: "Component", Tier: rapid.IntRange(-1, 3).Draw(t, "tier"), OwnAvailability: 1}
		e.DependsOn = rapid.SliceOfN(ref, 0, 3).Draw(t, "dependsOn")
		for _, r := range rapid.SliceOfNDistinct(ref, 0, 2, rapid.ID).Draw(t, "soft") {
			e.Soft = append(e.Soft, Soft{r, 0.25})
		}
		if of := rapid.SliceOfNDistinct(ref, 0, 3, rapid.ID).Draw(t, "group"); len(of) > 0 {
			e.Groups = []Group{{rapid.IntRange(1, len(of)).Draw(t, "need"), of}}
		}
		entities = append(entities, e)
	}
	return New(entities)
}

func comp(i int) Ref { return Ref(fmt.Sprintf("component:default/c%d", i)) }

// bruteFails works out by repeated sweeps over everything who fails, and who degrades.
func bruteFails(c *Catalog, origin Ref) (fails, degrades map[Ref]bool) {
	fails, degrades = map[Ref]bool{origin: true}, map[Ref]bool{}
	up := func(n Need, downs ...map[Ref]bool) int {
		count := 0
		for _, r := range n.Of {
			if !slices.ContainsFunc(downs, func(m map[Ref]bool) bool { return m[r] }) {
				count++
			}
		}
		return count
	}
	sweep := func(set map[Ref]bool, broken func(n Need) bool) {
		for again := true; again; {
			again = false
			for _, e := range c.All() {
				if fails[e.Ref] || set[e.Ref] {
					continue
				}
				if slices.ContainsFunc(c.Needs(e.Ref), broken) {
					set[e.Ref], again = true, true
				}
			}
		}
	}
	sweep(fails, func(n Need) bool { return n.Hard && up(n, fails) < n.AtLeast })
	sweep(degrades, func(n Need) bool {
		if n.Hard {
			return up(n, fails, degrades) < n.AtLeast
		}
		return up(n, fails) < n.AtLeast
	})
	delete(fails, origin)
	return fails, degrades
}

func refsOf(hits []Hit) map[Ref]bool {
	out := map[Ref]bool{}
	for _, h := range hits {
		out[h.Ref] = true
	}
	return out
}

func TestBlastRadiusIsWhatSweepingOverAllEntitiesFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := estates(t)
		for _, e := range c.All() {
			got := c.BlastRadius(e.Ref)
			fails, degrades := bruteFails(c, e.Ref)
			if d := cmp.Diff(fails, refsOf(got.Fails)); d != "" {
				t.Fatalf("fails with %s: %s", e.Ref, d)
			}
			if d := cmp.Diff(degrades, refsOf(got.Degrades)); d != "" {
				t.Fatalf("degrades with %s: %s", e.Ref, d)
			}
			for _, h := range slices.Concat(got.Fails, got.Degrades) {
				if !slices.ContainsFunc(c.Needs(h.Ref), func(n Need) bool { return slices.Contains(n.Of, h.Via) }) {
					t.Fatalf("%s is reached via %s, which it does not need", h.Ref, h.Via)
				}
			}
		}
	})
}

func TestSinglePointsAreThoseWhoseRadiusHoldsComponents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := estates(t)
		points := c.SinglePoints(-1)
		seen := map[Ref]SinglePoint{}
		for i, p := range points {
			seen[p.Ref] = p
			if i > 0 && slices.Compare(points[i-1].ByTier[:], p.ByTier[:]) < 0 {
				t.Fatalf("%v stands before the worse %v", points[i-1], p)
			}
		}
		for i := 0; i <= c.Len(); i++ {
			r := comp(i)
			var want [5]int
			fails, _ := bruteFails(c, r)
			for f := range fails {
				want[(c.Tier(f, -1)+5)%5]++
			}
			if seen[r].ByTier != want {
				t.Fatalf("%s takes down %v, want %v", r, seen[r].ByTier, want)
			}
		}
	})
}

func TestCyclesAreWhatReachesItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := estates(t)
		reach := map[Ref]map[Ref]bool{}
		for _, e := range c.All() {
			reach[e.Ref] = map[Ref]bool{}
			for _, n := range c.Needs(e.Ref) {
				for _, r := range n.Of {
					if n.Hard {
						reach[e.Ref][r] = true
					}
				}
			}
		}
		for _, k := range c.All() { // Warshall's closure
			for _, i := range c.All() {
				for to := range reach[k.Ref] {
					if reach[i.Ref][k.Ref] {
						reach[i.Ref][to] = true
					}
				}
			}
		}
		in := map[Ref]bool{}
		for _, cy := range c.Cycles() {
			for i, r := range cy.Path {
				next := cy.Path[(i+1)%len(cy.Path)]
				if !slices.ContainsFunc(c.Needs(r), func(n Need) bool { return n.Hard && slices.Contains(n.Of, next) }) {
					t.Fatalf("path %v: %s does not need %s", cy.Path, r, next)
				}
			}
			for _, a := range cy.Members {
				in[a] = true
				for _, b := range cy.Members {
					if !reach[a][b] {
						t.Fatalf("%s and %s share a cycle but do not reach each other", a, b)
					}
				}
			}
		}
		for _, e := range c.All() {
			if reach[e.Ref][e.Ref] != in[e.Ref] {
				t.Fatalf("%s reaches itself: %v, in a cycle: %v", e.Ref, reach[e.Ref][e.Ref], in[e.Ref])
			}
		}
	})
}

func TestAtLeastIsTheSumOverAllOutcomes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		up := rapid.SliceOfN(rapid.Float64Range(0, 1), 0, 6).Draw(t, "up")
		m := rapid.IntRange(0, 7).Draw(t, "m")
		want := 0.0
		for outcome := range 1 << len(up) {
			p, n := 1.0, 0
			for i, a := range up {
				if outcome>>i&1 == 1 {
					p, n = p*a, n+1
				} else {
					p *= 1 - a
				}
			}
			if n >= m {
				want += p
			}
		}
		if got := AtLeast(m, up); math.Abs(got-want) > 1e-12 {
			t.Fatalf("AtLeast(%d, %v) = %v, want %v", m, up, got, want)
		}
	})
	if got := AtLeast(2, []float64{0.99, 0.99, 0.99}); math.Abs(got-0.999702) > 1e-12 {
		t.Errorf("two of three at 99 %% = %v, want 0.999702", got)
	}
}

func TestCeilingMultipliesFactorsAndBestIsTheSmallest(t *testing.T) {
	c := New([]Entity{{
		Ref: comp(1), Kind: "Component", Tier: 0, OwnAvailability: 0.9999,
		DependsOn: []Ref{comp(2), comp(6)},
		Soft:      []Soft{{comp(3), 0.5}},
		Groups:    []Group{{1, []Ref{comp(4), comp(5)}}},
	}})
	targets := map[Ref]float64{comp(2): 0.999, comp(3): 0.99, comp(4): 0.99, comp(5): 0.99}
	got := c.CeilingOf(comp(1), func(r Ref) (float64, bool) { a, ok := targets[r]; return a, ok })
	want := 0.9999 * 0.9999 * 0.995 * 0.999
	if math.Abs(got.Serial-want) > 1e-12 || got.Best != 0.995 || got.Own != 0.9999 {
		t.Errorf("ceiling %+v, want serial %v, best 0.995", got, want)
	}
	if d := cmp.Diff([]Ref{comp(6)}, got.Unknown); d != "" {
		t.Error(d)
	}
}

func TestInversionOfAGroupIsThatOfItsWeakestNeededMember(t *testing.T) {
	at := func(i, tier int, e Entity) Entity {
		e.Ref, e.Tier = comp(i), tier
		return e
	}
	c := New([]Entity{
		at(1, 0, Entity{Groups: []Group{{1, []Ref{comp(3), comp(4)}}}}),
		at(2, 0, Entity{Groups: []Group{{2, []Ref{comp(3), comp(4)}}}, Soft: []Soft{{comp(5), 0}}}),
		at(3, 0, Entity{}), at(4, 2, Entity{}), at(5, 3, Entity{}),
	})
	got := c.Inversions()
	if len(got) != 1 || got[0].From != comp(2) || got[0].Tier != 2 {
		t.Errorf("inversions %+v, want only c2 on tier 2", got)
	}
}
