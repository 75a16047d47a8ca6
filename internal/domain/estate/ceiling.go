package estate

import "slices"

// Ceiling is the most availability that a service's direct dependencies leave it. All shares are 0..1.
type Ceiling struct {
	Own     float64  // by itself
	Serial  float64  // own x product of the factors: failures never fall together
	Best    float64  // smallest of own and the factors: failures always fall together
	Factors []Factor // one a need whose availability is known, in the order of Needs
	Unknown []Ref    // needed hard, and nobody says how available it is; counted as 1
}

// Factor is what one need leaves.
type Factor struct {
	Need Need
	A    float64 // share of requests that this need lets through
}

// CeilingOf is the ceiling of r. of says how available a thing is: its target, or what it attained; where it does not know,
// the thing's own promise counts. An entity without needs has a ceiling of what it is by itself.
//
// serial = own x product over the direct needs: hard a; soft 1 - impact x (1 - a); group: P(at least m up), independent.
// best = min of own and the factors. Source: docs/slo.md section 11.
func (c *Catalog) CeilingOf(r Ref, of func(Ref) (share float64, known bool)) Ceiling {
	out := Ceiling{Own: 1}
	if e, ok := c.Get(r); ok {
		out.Own = e.OwnAvailability
	}
	out.Serial, out.Best = out.Own, out.Own
	for _, need := range c.Needs(r) {
		var up []float64
		for _, m := range need.Of {
			a, known := c.availability(m, of)
			if !known && need.Hard {
				out.Unknown = append(out.Unknown, m)
			}
			up = append(up, a)
		}
		if len(up) == 1 && slices.Contains(out.Unknown, need.Of[0]) {
			continue
		}
		f := Factor{need, AtLeast(need.AtLeast, up)}
		if !need.Hard {
			f.A = 1 - need.Impact*(1-f.A)
		}
		out.Factors = append(out.Factors, f)
		out.Serial *= f.A
		out.Best = min(out.Best, f.A)
	}
	return out
}

// availability is what of says of a thing, else its own promise, else 1 and unknown.
func (c *Catalog) availability(r Ref, of func(Ref) (float64, bool)) (float64, bool) {
	if a, ok := of(r); ok {
		return a, true
	}
	if e, ok := c.Get(r); ok && e.Availability > 0 {
		return e.Availability, true
	}
	return 1, false
}

// AtLeast is the probability that at least m of independent things are up, each with its own probability: 1 for m <= 0, 0
// for m > len(up). [0.99 0.99 0.99], m = 2: 0.999702.
func AtLeast(m int, up []float64) float64 {
	p := make([]float64, len(up)+1) // p[k] = P(exactly k of those looked at are up)
	p[0] = 1
	for i, a := range up {
		for k := i + 1; k > 0; k-- {
			p[k] = p[k]*(1-a) + p[k-1]*a
		}
		p[0] *= 1 - a
	}
	if m > len(up) {
		return 0
	}
	// The smaller side of the sum keeps the digits: 1 - P(fewer).
	less := 0.0
	for k := range m {
		less += p[k]
	}
	if less <= 0.5 {
		return 1 - less
	}
	sum := 0.0
	for k := max(m, 0); k < len(p); k++ {
		sum += p[k]
	}
	return sum
}
