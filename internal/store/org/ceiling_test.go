package org

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// TestTheCatalogsCeilingIsTheEnginesFormula holds two implementations against each other: the catalog may not import the
// engine.
func TestTheCatalogsCeilingIsTheEnginesFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		share := rapid.Float64Range(0, 1)
		e := estate.Entity{Ref: "component:default/a", Kind: "Component", OwnAvailability: share.Draw(t, "own")}
		targets := map[estate.Ref]float64{}
		thing := func(name string) estate.Ref {
			r := estate.NewRef("component", "", name)
			targets[r] = share.Draw(t, name)
			return r
		}
		var deps []slo.Dependency
		for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[b-z]{1,3}`), 0, 8, rapid.ID).Draw(t, "names") {
			r := thing(name)
			switch rapid.IntRange(0, 2).Draw(t, "sort") {
			case 0:
				e.DependsOn = append(e.DependsOn, r)
				deps = append(deps, slo.Dependency{Availability: targets[r]})
			case 1:
				impact := share.Draw(t, "impact")
				e.Soft = append(e.Soft, estate.Soft{Ref: r, Impact: impact})
				deps = append(deps, slo.Dependency{Availability: targets[r], Soft: true, Impact: impact})
			case 2:
				other := thing(name + "-2")
				need := rapid.IntRange(1, 2).Draw(t, "need")
				e.Groups = append(e.Groups, estate.Group{AtLeast: need, Of: []estate.Ref{r, other}})
				deps = append(deps, slo.Dependency{Group: []float64{targets[r], targets[other]}, Need: need})
			}
		}
		got := estate.New([]estate.Entity{e}).CeilingOf(e.Ref, func(r estate.Ref) (float64, bool) { a, ok := targets[r]; return a, ok })
		serial, best := slo.Ceiling(e.OwnAvailability, deps)
		if math.Abs(got.Serial-serial) > 1e-12 || math.Abs(got.Best-best) > 1e-12 {
			t.Fatalf("catalog says %v and %v, the engine %v and %v", got.Serial, got.Best, serial, best)
		}
	})
}
