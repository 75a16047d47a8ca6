package api

import (
	"context"
	"net/http"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/trace"
)

// Estate is what depends on what, and where that is dangerous.
type Estate struct {
	Edges        []Edge      `json:"edges" doc:"Declared in files, observed by telemetry, or both"`
	Cycles       [][]string  `json:"cycles" doc:"Rings of hard dependencies"`
	Inversions   []Inversion `json:"inversions" doc:"Hard needs that are less important than what needs them"`
	Uncatalogued []string    `json:"uncatalogued" doc:"Names in telemetry that no entity claims"`
}

// Edge is one dependency.
type Edge struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	Hard     bool     `json:"hard" doc:"Declared hard"`
	Declared bool     `json:"declared"`
	Observed bool     `json:"observed" doc:"Called within the last hour"`
	Rate     *float64 `json:"rate,omitempty" doc:"Calls a second over the last hour"`
	Errors   *float64 `json:"errors,omitempty" doc:"Share, 0 to 1"`
	Traces   []string `json:"traces,omitempty" doc:"Ids of a few traces that show it"`
}

// Inversion is a hard need that is less important than what needs it.
type Inversion struct {
	From     string `json:"from"`
	FromTier int    `json:"fromTier"`
	Need     Need   `json:"need"`
	Tier     int    `json:"tier" doc:"Of the need as a whole"`
}

// SinglePoint is a thing whose failure makes others fail.
type SinglePoint struct {
	Name     string `json:"name"`
	Tier     int    `json:"tier"`
	Fails    int    `json:"fails" doc:"Things it takes down"`
	Degrades int    `json:"degrades"`
	ByTier   [5]int `json:"byTier" doc:"Components it takes down, of tier 0, 1, 2, 3 and of none"`
}

// Ceiling is the most availability that a service's direct dependencies leave it.
type Ceiling struct {
	Service string   `json:"service"`
	Target  *float64 `json:"target" doc:"What it promises; null = nothing"`
	Serial  float64  `json:"serial" doc:"When failures never fall together"`
	Best    float64  `json:"best" doc:"When failures always fall together"`
	Reached bool     `json:"reachable" doc:"The target is not above serial"`
	Factors []Factor `json:"factors"`
	Unknown []string `json:"unknown,omitempty" doc:"Needed hard, and nobody says how available it is; counted as 1"`
}

// Factor is what one need leaves.
type Factor struct {
	Need Need    `json:"need"`
	A    float64 `json:"availability"`
}

// Radius is what happens when one thing fails.
type Radius struct {
	Name     string `json:"name"`
	Fails    []Hit  `json:"fails"`
	Degrades []Hit  `json:"degrades"`
	Thins    []Hit  `json:"thins" doc:"Still fine, with less redundancy"`
}

// Hit is one thing that a failure reaches.
type Hit struct {
	Name   string  `json:"name"`
	Via    string  `json:"via"`
	Depth  int     `json:"depth"`
	Impact float64 `json:"impact" doc:"Share of its requests that fail; 0 = unknown"`
}

// seenWithin is how far back an edge counts as seen.
const seenWithin = time.Hour

func (s *server) estate() {
	const tag = "Estate"
	handle(s, operation{id: "get-estate", method: http.MethodGet, path: "/estate", tag: tag, needs: auth.Read, summary: "The dependency graph and its dangers"}, s.getEstate)
	handle(s, operation{id: "list-single-points", method: http.MethodGet, path: "/estate/single-points", tag: tag, needs: auth.Read, summary: "Single points of failure, the worst first"}, s.singlePoints)
	handle(s, operation{id: "list-ceilings", method: http.MethodGet, path: "/estate/ceilings", tag: tag, needs: auth.Read, summary: "What hard dependencies leave of each service's availability"}, s.ceilings)
	handle(s, operation{id: "get-blast-radius", method: http.MethodGet, path: "/estate/blast-radius", tag: tag, needs: auth.Read, summary: "Who fails when one thing fails"}, s.blastRadius)
}

func (s *server) getEstate(_ context.Context, in *Conditional) (*one[Estate], error) {
	dir := s.Directory()
	cat := dir.Catalog
	seen := s.Traces.Graph(s.Now(), seenWithin)
	var calls []estate.Call
	var names []string
	for _, e := range seen {
		if e.Calls > 0 {
			calls = append(calls, estate.Call{From: e.From, To: e.To})
		}
	}
	for _, t := range s.Traces.Services(s.Now(), seenWithin) {
		names = append(names, t.Name)
	}
	ties, strangers := cat.Compare(calls)
	out := Estate{Edges: []Edge{}, Cycles: [][]string{}, Inversions: []Inversion{}, Uncatalogued: append([]string{}, cat.Strangers(append(names, strangers...))...)}
	traffic := edgesByRef(cat, seen)
	for _, t := range ties {
		out.Edges = append(out.Edges, edgeOf(t, traffic))
	}
	for _, c := range cat.Cycles() {
		out.Cycles = append(out.Cycles, shorts(c.Path))
	}
	for _, i := range cat.Inversions() {
		out.Inversions = append(out.Inversions, Inversion{From: i.From.Short(), FromTier: i.FromTier, Need: needOf(i.Need), Tier: i.Tier})
	}
	return tagged(*in, out)
}

type refPair struct{ from, to estate.Ref }

// edgesByRef finds the traffic between entities.
func edgesByRef(cat *estate.Catalog, seen []trace.Edge) map[refPair]trace.Edge {
	out := map[refPair]trace.Edge{}
	for _, e := range seen {
		from, ok1 := cat.Service(e.From)
		to, ok2 := cat.Service(e.To)
		if ok1 && ok2 && e.Calls > 0 {
			out[refPair{from.Ref, to.Ref}] = e
		}
	}
	return out
}

func edgeOf(t estate.Tie, traffic map[refPair]trace.Edge) Edge {
	e := Edge{From: t.From.Short(), To: t.To.Short(), Hard: t.Hard, Declared: t.Declared, Observed: t.Observed}
	seen, ok := traffic[refPair{t.From, t.To}]
	if !ok {
		return e
	}
	rate, errors := seen.Rate, seen.ErrorRatio()
	e.Rate, e.Errors = &rate, &errors
	for _, x := range seen.Exemplars {
		e.Traces = append(e.Traces, x.TraceID)
	}
	return e
}

type pagedIn struct {
	Paging
	Conditional
}

func (s *server) singlePoints(_ context.Context, in *pagedIn) (*page[SinglePoint], error) {
	dir := s.Directory()
	var all []SinglePoint
	for _, p := range dir.Catalog.SinglePoints(dir.Config.DefaultTier()) {
		all = append(all, SinglePoint{Name: p.Ref.Short(), Tier: dir.Catalog.Tier(p.Ref, dir.Config.DefaultTier()), Fails: p.Fails, Degrades: p.Degrades, ByTier: p.ByTier})
	}
	return cutRanked(in.Paging, in.Conditional, all, func(p SinglePoint) string { return p.Name })
}

func (s *server) ceilings(_ context.Context, in *pagedIn) (*page[Ceiling], error) {
	cat := s.Directory().Catalog
	var all []Ceiling
	for _, e := range cat.OfKind("Component") {
		if c, ok := s.ceilingOf(cat, e.Ref); ok {
			all = append(all, c)
		}
	}
	return cutRanked(in.Paging, in.Conditional, all, func(c Ceiling) string { return c.Service })
}

// ceilingOf is false where nothing is known about what a thing needs.
func (s *server) ceilingOf(cat *estate.Catalog, ref estate.Ref) (Ceiling, bool) {
	targets := s.Directory().Targets()
	c := cat.CeilingOf(ref, targets)
	if len(c.Factors) == 0 && len(c.Unknown) == 0 {
		return Ceiling{}, false
	}
	out := Ceiling{Service: ref.Short(), Serial: c.Serial, Best: c.Best, Factors: []Factor{}, Unknown: shorts(c.Unknown), Reached: true}
	if target, ok := targets(ref); ok {
		out.Target, out.Reached = &target, target <= c.Serial
	}
	for _, f := range c.Factors {
		out.Factors = append(out.Factors, Factor{Need: needOf(f.Need), A: f.A})
	}
	return out, true
}

type blastIn struct {
	Conditional
	Of string `query:"of" required:"true" maxLength:"300" doc:"Name or reference of what fails"`
}

func (s *server) blastRadius(_ context.Context, in *blastIn) (*one[Radius], error) {
	cat := s.Directory().Catalog
	e, ok := cat.Service(in.Of)
	if !ok {
		return nil, &kit.Error{Code: kit.NotFound, Msg: in.Of + " is not in the catalog", Hint: "GET /api/v1/services lists services; write others by kind, such as resource:db"}
	}
	r := cat.BlastRadius(e.Ref)
	return tagged(in.Conditional, Radius{Name: e.Ref.Short(), Fails: hits(r.Fails), Degrades: hits(r.Degrades), Thins: hits(r.Thins)})
}

func hits(list []estate.Hit) []Hit {
	out := []Hit{}
	for _, h := range list {
		out = append(out, Hit{Name: h.Ref.Short(), Via: h.Via.Short(), Depth: h.Depth, Impact: h.Impact})
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
