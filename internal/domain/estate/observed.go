package estate

import (
	"cmp"
	"slices"
	"strings"
)

// Call is an edge that telemetry showed: names of caller and callee as telemetry has them.
type Call struct{ From, To string }

// Tie is a direct dependency seen from both sides: what files declare and what telemetry shows.
type Tie struct {
	From, To Ref
	Declared bool // by files, directly or through an API or group
	Hard     bool // declared hard
	Observed bool // by telemetry
}

// Compare lays the declared dependencies beside those that telemetry showed, by caller and callee. Declared ties count
// between components and resources. strangers are names that no entity claims, sorted, each once; their calls are left out.
func (c *Catalog) Compare(calls []Call) (ties []Tie, strangers []string) {
	type pair struct{ from, to Ref }
	all := map[pair]Tie{}
	for _, need := range c.graph.needs {
		from := c.graph.refs[need.owner]
		if !workload(from) {
			continue
		}
		for _, to := range need.Of {
			if workload(to) {
				t := all[pair{from, to}]
				all[pair{from, to}] = Tie{from, to, true, t.Hard || need.Hard, false}
			}
		}
	}
	for _, call := range calls {
		from, okFrom := c.Service(call.From)
		to, okTo := c.Service(call.To)
		if !okFrom {
			strangers = append(strangers, call.From)
		}
		if !okTo {
			strangers = append(strangers, call.To)
		}
		if okFrom && okTo && from.Ref != to.Ref {
			t := all[pair{from.Ref, to.Ref}]
			t.From, t.To, t.Observed = from.Ref, to.Ref, true
			all[pair{from.Ref, to.Ref}] = t
		}
	}
	for _, t := range all {
		ties = append(ties, t)
	}
	slices.SortFunc(ties, func(a, b Tie) int {
		return cmp.Or(strings.Compare(string(a.From), string(b.From)), strings.Compare(string(a.To), string(b.To)))
	})
	slices.Sort(strangers)
	return ties, slices.Compact(strangers)
}

// Strangers lists the names that no entity claims, sorted, each once.
func (c *Catalog) Strangers(names []string) []string {
	var out []string
	for _, n := range names {
		if _, ok := c.Service(n); !ok {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func workload(r Ref) bool { return r.Kind() == "component" || r.Kind() == "resource" }
