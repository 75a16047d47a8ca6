package event

import (
	"encoding/json"
	"time"
)

var estateKinds = map[Kind]func() Fact{
	"catalog.applied":     func() Fact { return new(CatalogApplied) },
	"catalog.refused":     func() Fact { return new(CatalogRefused) },
	"policy.applied":      func() Fact { return new(PolicyApplied) },
	"dependency.observed": func() Fact { return new(DependencyObserved) },
	"service.observed":    func() Fact { return new(ServiceObserved) },
}

// CatalogApplied records that a version of the org directory came into force: what it changed against the version
// before. The first one carries every entity. A large change comes in parts, recorded together. About: "org:".
type CatalogApplied struct {
	Version string         `json:"version"` // short digest shown to people, or the Git commit
	Digest  string         `json:"digest"`  // "sha256:..." over all files, sorted by path
	Source  string         `json:"source"`  // directory or Git remote
	Files   int            `json:"files"`
	Part    int            `json:"part,omitempty"`  // 1-based; 0 when there is only one
	Parts   int            `json:"parts,omitempty"` // how many there are; 0 when there is only one
	Changed []EntityChange `json:"changed,omitempty"`
}

// EntityChange is one entity as it now stands, or its tombstone.
type EntityChange struct {
	Ref        string            `json:"ref"`               // "component:default/checkout" as in Backstage, lower case
	Was        string            `json:"was,omitempty"`     // the ref it had before a rename
	Removed    bool              `json:"removed,omitempty"` // a tombstone; all fields below are empty
	Kind       string            `json:"kind,omitempty"`    // "Component"
	Name       string            `json:"name,omitempty"`
	Namespace  string            `json:"namespace,omitempty"`
	Title      string            `json:"title,omitempty"`
	Type       string            `json:"type,omitempty"` // spec.type
	Lifecycle  string            `json:"lifecycle,omitempty"`
	Owner      string            `json:"owner,omitempty"` // entity ref of the owning group or user
	System     string            `json:"system,omitempty"`
	Domain     string            `json:"domain,omitempty"`
	Tier       *int              `json:"tier,omitempty"` // 0..3; nil = not said
	OnCall     string            `json:"onCall,omitempty"`
	DependsOn  []Dependency      `json:"dependsOn,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	File       string            `json:"file,omitempty"` // path in the org directory
	Line       int               `json:"line,omitempty"`
	Digest     string            `json:"digest,omitempty"`     // "sha256:..." of what the entity says, wherever it stands
	Shape      string            `json:"shape,omitempty"`      // the same without its name: equal for a renamed entity
	Definition json.RawMessage   `json:"definition,omitempty"` // the descriptor, unknown keys kept; above 64 kB only what is read of it
}

// Dependency is a declared edge of the estate.
type Dependency struct {
	Ref    string  `json:"ref"`
	Hard   bool    `json:"hard"`             // false: the service degrades without it
	Impact float64 `json:"impact,omitempty"` // soft only: share of requests that fail without it, 0..1
	// Group numbers, from 1, the redundant dependencies that stand for each other; 0 = none. AtLeast of them must be up.
	Group   int `json:"group,omitempty"`
	AtLeast int `json:"atLeast,omitempty"`
}

func (*CatalogApplied) Kind() Kind { return "catalog.applied" }
func (f *CatalogApplied) Check() error {
	var c check
	c.need("/version", f.Version)
	c.need("/digest", f.Digest)
	for _, e := range f.Changed {
		c.need("/changed/ref", e.Ref)
	}
	return c.err(f.Kind())
}

// CatalogRefused records that a version of the org directory was read and not taken: the last good one stays in force.
type CatalogRefused struct {
	Digest   string   `json:"digest"`
	Source   string   `json:"source"`
	InForce  string   `json:"inForce"`  // the version that stays
	Errors   int      `json:"errors"`   // how many problems in all
	Problems []string `json:"problems"` // the first 50, "file:line:column: problem; remedy"
}

func (*CatalogRefused) Kind() Kind { return "catalog.refused" }
func (f *CatalogRefused) Check() error {
	var c check
	c.need("/digest", f.Digest)
	c.that(f.Errors > 0, "/errors", "must be positive")
	return c.err(f.Kind())
}

// PolicyApplied records that a version of an agreement came into force: an objective, a calendar, an alert policy.
// About: the agreement, such as "slo:checkout-availability".
type PolicyApplied struct {
	Policy        string          `json:"kind"` // slo, calendar, alert, budget, tiers, ...
	Name          string          `json:"name"`
	Version       string          `json:"version"`
	Digest        string          `json:"digest"`
	EffectiveFrom time.Time       `json:"effectiveFrom"`
	Removed       bool            `json:"removed,omitempty"`
	File          string          `json:"file,omitempty"`
	Line          int             `json:"line,omitempty"`
	Definition    json.RawMessage `json:"definition,omitempty"`
}

func (*PolicyApplied) Kind() Kind { return "policy.applied" }
func (f *PolicyApplied) Check() error {
	var c check
	c.need("/kind", f.Policy)
	c.need("/name", f.Name)
	c.that(!f.EffectiveFrom.IsZero(), "/effectiveFrom", "is required")
	return c.err(f.Kind())
}

// DependencyObserved records an edge of the service graph that telemetry showed for the first time, or again after at
// least 30 days without it. About: the caller, "service:checkout".
type DependencyObserved struct {
	From     string `json:"from"` // service.name of the caller
	To       string `json:"to"`   // service.name, or the peer's name for an uninstrumented one
	Via      string `json:"via"`  // http, rpc, db, messaging, unknown
	Traced   string `json:"traceId,omitempty"`
	Declared bool   `json:"declared"` // the catalog in force knows the edge
}

func (*DependencyObserved) Kind() Kind { return "dependency.observed" }
func (f *DependencyObserved) Check() error {
	var c check
	c.need("/from", f.From)
	c.need("/to", f.To)
	return c.err(f.Kind())
}

// ServiceObserved records a workload that telemetry showed and no catalog entry claims. About: "service:name".
type ServiceObserved struct {
	Name   string `json:"name"`
	Source string `json:"source"` // otlp, scrape, remote-write
}

func (*ServiceObserved) Kind() Kind { return "service.observed" }
func (f *ServiceObserved) Check() error {
	var c check
	c.need("/name", f.Name)
	return c.err(f.Kind())
}
