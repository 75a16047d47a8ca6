package chart

import (
	"math"
	"time"
)

// scale turns values into pixels of the plot area, 0 on top.
type scale struct {
	min, max float64
	log      bool
	h        float64
}

// scale covers the series, marks and thresholds; zero where the axis asks for it.
func (p Plot) scale() scale {
	lo, hi := p.Y.Min, p.Y.Max
	if lo == hi {
		lo, hi = p.extent()
	}
	s := scale{lo, hi, p.Y.Log, float64(p.Height)}
	if s.log {
		s.max *= 1.2
		if p.Y.Cap > 0 {
			s.max = min(s.max, max(p.Y.Cap, hi))
		}
		s.min = min(math.Pow(10, math.Floor(math.Log10(max(s.min, 1e-12))*4)/4), s.max/100)
		return s
	}
	if p.Y.Min == p.Y.Max {
		pad := (s.max - s.min) * 0.06
		if s.min != 0 {
			s.min -= pad
		}
		if s.max != 0 {
			s.max += pad
		}
		step := s.step() // a tick just above the data closes the plot
		if top := math.Ceil(s.max/step) * step; top-s.max < 0.4*step && s.max != 0 {
			s.max = top
		}
	}
	return s
}

// extent is the smallest range that shows everything; a flat or empty one is widened.
func (p Plot) extent() (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	see := func(v float64) {
		if math.IsNaN(v) || math.Abs(v) > 1e300 || p.Y.Log && v <= 0 { // infinities, and what would become one
			return
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	for _, s := range p.Series {
		for _, v := range s.V {
			see(v)
		}
	}
	for _, l := range p.Lines {
		see(l.At)
	}
	for _, m := range p.Marks {
		see(m.V)
	}
	if p.Y.Zero && !p.Y.Log {
		see(0)
	}
	switch {
	case lo > hi && p.Y.Log:
		return 0.01, 1
	case lo > hi:
		return 0, 1
	case lo == hi && p.Y.Log:
		return lo / 10, hi
	case lo == hi && lo == 0:
		return 0, 1
	case lo == hi:
		return min(lo*2, 0), max(hi*2, 0)
	}
	return lo, hi
}

// y is the pixel of a value. On a log axis what is not positive lies on the bottom.
func (s scale) y(v float64) float64 {
	if s.log {
		if v <= s.min {
			return s.h
		}
		return s.h * (1 - math.Log10(v/s.min)/math.Log10(s.max/s.min))
	}
	return s.h * (1 - (v-s.min)/(s.max-s.min))
}

// ticks are three to five round values, or the decades.
func (s scale) ticks() []float64 {
	if s.log {
		return s.decades()
	}
	step := s.step()
	var out []float64
	first := math.Ceil(s.min/step - 1e-9)
	for i := range 12 { // never more, whatever the numbers
		v := (first+float64(i))*step + 0 // + 0 turns -0 into 0
		if v > s.max+step*1e-9 || len(out) > 0 && v == out[len(out)-1] {
			break
		}
		out = append(out, v)
	}
	return out
}

// step is the distance between ticks: three to five of them.
func (s scale) step() float64 {
	want := 4.0
	if s.h < 100 {
		want = 2.4
	}
	for ; ; want++ {
		if step := round(s.max-s.min, want); (s.max-s.min)/step >= 1.9 || want > 8 {
			return step
		}
	}
}

// decades are the powers of ten in range; there are two at least.
func (s scale) decades() []float64 {
	from, to := math.Ceil(math.Log10(s.min)-1e-9), math.Floor(math.Log10(s.max)+1e-9)
	step := math.Max(1, math.Ceil((to-from+1)/5))
	var out []float64
	for d := from; d <= to; d += step {
		out = append(out, math.Pow(10, d))
	}
	return out
}

// round is the step of 1, 2, 2.5 or 5 x 10^n that cuts a range into about n parts.
func round(span, n float64) float64 {
	raw := span / n
	if raw <= 0 || math.IsNaN(raw) || math.IsInf(raw, 0) {
		return 1
	}
	base := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if raw <= m*base*1.0001 {
			return m * base
		}
	}
	return 10 * base
}

// tick is a place on the time axis; class says from which width on its label shows.
type tick struct {
	at    time.Time
	label string
	class string
}

// timeSteps are the distances between labels, in minutes below a day, in days from there on.
var minuteSteps = []int{1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720}
var daySteps = []int{1, 2, 4, 7, 14, 28, 91, 182, 364}

// timeTicks are six to ten moments that are round on a clock in the plot's zone, right across summer time.
func (p Plot) timeTicks() []tick {
	zone := p.When.Zone
	if zone == nil {
		zone = time.UTC
	}
	want := 9.0
	if p.Slim {
		want = 7
	}
	span := p.To.Sub(p.From)
	for _, m := range minuteSteps {
		if span.Minutes()/float64(m) <= want {
			return marks(p.From, p.To, zone, func(day time.Time, i int) time.Time {
				return time.Date(day.Year(), day.Month(), day.Day(), 0, i*m, 0, 0, zone)
			}, "15:04")
		}
	}
	layout := "2 Jan"
	for _, d := range daySteps {
		if span.Hours()/24/float64(d) <= want || d == daySteps[len(daySteps)-1] {
			if d >= 91 {
				layout = "Jan 2006"
			}
			return marks(p.From, p.To, zone, func(day time.Time, i int) time.Time {
				return time.Date(day.Year(), day.Month(), day.Day()+i*d, 0, 0, 0, 0, zone)
			}, layout)
		}
	}
	return nil
}

// marks walks the moments from the midnight before from on.
func marks(from, to time.Time, zone *time.Location, nth func(time.Time, int) time.Time, layout string) []tick {
	day := from.In(zone)
	var out []tick
	last := time.Time{}
	for i := 0; i < 4000 && len(out) < 24; i++ {
		t := nth(day, i)
		if t.After(to) {
			break
		}
		if t.Before(from) || !t.After(last) {
			continue
		}
		text := t.Format(layout)
		if layout == "15:04" && text == "00:00" {
			text = t.Format("2 Jan")
		}
		out = append(out, tick{at: t, label: text})
		last = t
	}
	for i := range out {
		switch {
		case len(out) <= 8 && i%2 == 1, len(out) > 8 && i%4 == 3:
			out[i].class = "x2"
		case len(out) > 8 && i%2 == 0:
			out[i].class = "x3"
		}
	}
	return out
}
