package org

import (
	"fmt"
	"slices"
	"strings"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/kit"
)

var dependencyCycle = Rule{
	ID: "dependency-cycle", Title: "Services depend on each other in a ring", Severity: kit.SeverityWarning,
	Help: "After a total outage none of them starts, because each waits for the next; and a failure of one takes all down. Make one of the dependencies soft.",
	Check: func(d *Draft, tell Tell) {
		c := d.Directory.Catalog
		for _, cy := range c.Cycles() {
			e, ok := c.Get(cy.Members[0])
			if !ok || len(cy.Path) < 2 {
				continue
			}
			var ring []string
			for _, r := range append(slices.Clone(cy.Path), cy.Path[0]) {
				ring = append(ring, r.Short())
			}
			msg := "ring of hard dependencies: " + strings.Join(ring, " -> ")
			if more := len(cy.Members) - len(cy.Path); more > 0 {
				msg += fmt.Sprintf(" (%d more are entangled with it)", more)
			}
			tell(d.Entity(e, mention(e, cy.Path[1])), msg, "make one of them soft with "+estate.SoftDependencies)
		}
		for _, e := range c.All() {
			for _, r := range e.References {
				if r.Ref == e.Ref && (r.Field == "spec.dependsOn" || r.Field == "spec.dependencyOf") {
					tell(d.Entity(e, r.Path), e.Name+" depends on itself", "remove the line")
				}
			}
		}
	},
}

// mention is where an entity names another.
func mention(e estate.Entity, of estate.Ref) string {
	for _, r := range e.References {
		if r.Ref == of {
			return r.Path
		}
	}
	return "/metadata/name"
}

var tierInversion = Rule{
	ID: "tier-inversion", Title: "A service needs something less important than itself", Severity: kit.SeverityWarning,
	Help: "It is only as good as what it needs: nobody is woken for the less important thing, and the more important one fails with it. Raise the tier of the one, or make the dependency soft.",
	Check: func(d *Draft, tell Tell) {
		c := d.Directory.Catalog
		for _, in := range c.Inversions() {
			e, _ := c.Get(in.From)
			names := make([]string, len(in.Need.Of))
			for i, r := range in.Need.Of {
				names[i] = r.Short()
			}
			what := names[0]
			if len(names) > 1 {
				what = fmt.Sprintf("%d of %s", in.Need.AtLeast, strings.Join(names, ", "))
			}
			at := mention(e, in.Need.Of[0])
			if in.Need.Via != "" {
				at = mention(e, in.Need.Via)
			}
			tell(d.Entity(e, at), fmt.Sprintf("%s (tier %d) needs %s, which is tier %d", e.Name, in.FromTier, what, in.Tier),
				fmt.Sprintf("raise it to tier %d, or make the dependency soft with %s", in.FromTier, estate.SoftDependencies))
		}
	},
}
