package slo

// exactSum is a running sum that forgets nothing: the rounding error of each addition is kept beside it (Knuth's
// two-sum), so that adding and taking away fractional counts for a year returns to the same number.
type exactSum struct{ hi, lo float64 }

func (s *exactSum) add(x float64) {
	t := s.hi + x
	z := t - s.hi
	s.lo += (s.hi - (t - z)) + (x - z)
	s.hi = t
}

func (s exactSum) value() float64 { return s.hi + s.lo }

// prefix is a row of running sums: between(i, j) is the sum of the values i..j-1.
type prefix struct {
	hi []float64
	lo []float64 // rounding errors; nil while all sums are exact, which whole events are
}

func newPrefix(capacity int) prefix {
	return prefix{hi: append(make([]float64, 0, capacity+1), 0)}
}

func (p *prefix) push(x float64) {
	n := len(p.hi) - 1
	s := exactSum{hi: p.hi[n]}
	if p.lo != nil {
		s.lo = p.lo[n]
	}
	s.add(x)
	if p.lo == nil && s.lo != 0 {
		p.lo = make([]float64, n+1, cap(p.hi))
	}
	p.hi = append(p.hi, s.hi)
	if p.lo != nil {
		p.lo = append(p.lo, s.lo)
	}
}

func (p *prefix) between(i, j int) float64 {
	d := p.hi[j] - p.hi[i]
	if p.lo != nil {
		d += p.lo[j] - p.lo[i]
	}
	return d
}
