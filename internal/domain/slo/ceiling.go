package slo

// Dependency is what a service needs of another (§11).
type Dependency struct {
	Availability float64   // 0..1, of a single one
	Soft         bool      // the service lives without it, but for Impact
	Impact       float64   // share of the service's events that fail with a soft one; 0..1
	Group        []float64 // availabilities of interchangeable ones; nil = a single one
	Need         int       // how many of the group must be up
}

// Ceiling is the availability that dependencies leave to a service whose own is `own` (1 = never fails by itself):
// serial, when failures never coincide, is the product of all; best, when they all fall together, is the least of them.
// A target above serial deserves a warning, one above best cannot be kept. Shared dependencies behind several make
// serial pessimistic.
func Ceiling(own float64, deps []Dependency) (serial, best float64) {
	serial, best = own, own
	for _, d := range deps {
		f := d.factor()
		serial *= f
		best = min(best, f)
	}
	return serial, best
}

// factor is the share of the service's events that a dependency lets succeed.
func (d Dependency) factor() float64 {
	a := d.Availability
	if d.Group != nil {
		a = atLeastUp(d.Group, d.Need)
	}
	if d.Soft {
		return 1 - d.Impact*(1-a)
	}
	return a
}

// atLeastUp is the probability that at least `need` of independent members are up.
func atLeastUp(members []float64, need int) float64 {
	up := []float64{1} // up[k]: probability of k up
	for _, a := range members {
		next := make([]float64, len(up)+1)
		for k, p := range up {
			next[k] += p * (1 - a)
			next[k+1] += p * a
		}
		up = next
	}
	p := 0.0
	for k := max(need, 0); k < len(up); k++ {
		p += up[k]
	}
	return p
}
