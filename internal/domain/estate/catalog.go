package estate

import (
	"slices"
	"strings"
	"sync"
)

// Catalog is a set of entities and the dependencies between them. The zero value is the empty catalog. It never changes
// once made, so any number of readers may share it.
type Catalog struct {
	entities []Entity    // by Ref
	at       map[Ref]int // into entities
	names    map[string]Ref
	graph    graph
	points   [5]struct { // by tier + 1 of what has none: costly to find, asked for by every page
		once sync.Once
		list []SinglePoint
	}
}

// New makes a catalog. Of several entities with one reference the first counts; those without a reference are left out.
func New(entities []Entity) *Catalog {
	c := &Catalog{at: make(map[Ref]int, len(entities)), names: map[string]Ref{}}
	for _, e := range entities {
		if _, taken := c.at[e.Ref]; !taken && e.Ref != "" {
			c.at[e.Ref] = 0
			c.entities = append(c.entities, e)
		}
	}
	slices.SortFunc(c.entities, func(a, b Entity) int { return strings.Compare(string(a.Ref), string(b.Ref)) })
	for i, e := range c.entities {
		c.at[e.Ref] = i
	}
	c.name()
	c.graph = newGraph(c)
	return c
}

// name maps names in telemetry to entities. A name said outright goes before an entity's own, a component before a
// resource, and the first reference before later ones.
func (c *Catalog) name() {
	for _, outright := range []bool{true, false} {
		for _, kind := range []string{"component", "resource"} {
			for _, e := range c.entities {
				if e.Ref.Kind() != kind || outright != (e.Annotations[ServiceNames] != "") {
					continue
				}
				for _, n := range e.ServiceNames {
					if _, taken := c.names[n]; !taken {
						c.names[n] = e.Ref
					}
				}
			}
		}
	}
}

// Len is the number of entities.
func (c *Catalog) Len() int { return len(c.entities) }

// All lists the entities by reference. The slice is shared: read it only.
func (c *Catalog) All() []Entity { return c.entities }

// OfKind lists the entities of a kind ("Component", in any case), by reference.
func (c *Catalog) OfKind(kind string) []Entity {
	var out []Entity
	for _, e := range c.entities {
		if strings.EqualFold(e.Kind, kind) {
			out = append(out, e)
		}
	}
	return out
}

// Get finds an entity.
func (c *Catalog) Get(r Ref) (Entity, bool) {
	i, ok := c.at[r]
	if !ok {
		return Entity{}, false
	}
	return c.entities[i], true
}

// Service finds what a name stands for: an entity reference, the name of a component, or a name in telemetry.
func (c *Catalog) Service(name string) (Entity, bool) {
	if r, err := ParseRef(name, "component", DefaultNamespace); err == nil {
		if e, ok := c.Get(r); ok {
			return e, true
		}
	}
	return c.Get(c.names[name])
}

// Tier is an entity's tier, otherwise where none was said or the entity is unknown.
func (c *Catalog) Tier(r Ref, otherwise int) int {
	if e, ok := c.Get(r); ok && e.Tier >= 0 {
		return e.Tier
	}
	return otherwise
}

// OnCallFor is who is woken for an entity: what it says itself, else what its owning group says, else the owner; "" when
// it has none.
func (c *Catalog) OnCallFor(r Ref) string {
	e, ok := c.Get(r)
	if !ok || e.OnCall != "" {
		return e.OnCall
	}
	if owner, ok := c.Get(e.Owner); ok && owner.OnCall != "" {
		return owner.OnCall
	}
	return string(e.Owner)
}

// OwnedBy lists what a group or user owns, by reference.
func (c *Catalog) OwnedBy(owner Ref) []Entity {
	var out []Entity
	for _, e := range c.entities {
		if e.Owner == owner {
			out = append(out, e)
		}
	}
	return out
}

// DomainOf is the domain an entity belongs to: its own, or that of its system; "" when neither says.
func (c *Catalog) DomainOf(r Ref) Ref {
	e, _ := c.Get(r)
	if e.Domain == "" && e.System != "" {
		e, _ = c.Get(e.System)
	}
	return e.Domain
}
