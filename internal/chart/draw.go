package chart

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
)

// Geometry of the design system, in px.
const (
	topPlain  = 6  // above the plot
	topEvents = 18 // with incident labels
	laneH     = 10 // deploys, under the plot
	axisH     = 18
	minBand   = 0.0035 // of the width
)

func (p Plot) top() float64 {
	if len(p.Bands) > 0 || len(p.Lanes) > 0 {
		return topEvents
	}
	return topPlain
}

func (p Plot) lane() float64 {
	if len(p.Deploys) > 0 {
		return laneH
	}
	return 0
}

// total is the drawing's height.
func (p Plot) total() int { return int(p.top()) + p.Height + int(p.lane()) + axisH }

// at is a moment's place along x, 0..1, clamped to the plot.
func (p Plot) at(t time.Time) float64 {
	span := p.To.Sub(p.From)
	if span <= 0 {
		return 0
	}
	return min(max(float64(t.Sub(p.From))/float64(span), 0), 1)
}

func (p Plot) inside(from, to time.Time) bool {
	return from.Before(p.To) && (to.IsZero() || to.After(p.From))
}

func (p Plot) draw(b *pen) {
	top, h := p.top(), float64(p.Height)
	if b.fixed == 0 {
		b.f(`<svg class="plot" id="%s" height="%d" role="img" aria-labelledby="%[1]s-t %[1]s-d" data-top="%d" data-h="%d"`, p.ID, p.total(), int(top), p.Height)
		b.f(` data-x0="%s" data-x1="%s"`, p.When.ISO(p.From), p.When.ISO(p.To))
		if p.When.Zone != nil {
			b.s(` data-zone="`).t(p.When.Zone.String()).s(`"`)
		}
		b.f(`><title id="%s-t">`, p.ID).t(p.Title).f(`</title><desc id="%s-d">`, p.ID).t(p.Finding).s(`</desc>`)
		defer b.s(`</svg>`)
	}
	for i := range p.Lanes {
		b.rect("c-lane", 0, 1, top+24*float64(i)+5, 14, "")
	}
	p.under(b, top, h)
	sc := p.scale()
	if len(p.Lanes) == 0 {
		p.grid(b, sc, top)
	}
	p.axis(b, top+h+p.lane())
	p.lines(b, sc, top)
	p.over(b, sc, top)
}

// under draws what lies behind the values: incidents, gaps, corrections, deploy lines.
func (p Plot) under(b *pen, top, h float64) {
	for _, inc := range p.Bands {
		if !p.inside(inc.From, inc.To) {
			continue
		}
		x, end := p.at(inc.From), 1.0
		if !inc.To.IsZero() {
			end = p.at(inc.To)
		}
		w := max(end-x, minBand)
		b.rect("c-inc", x, w, top, h, "")
		b.vline("c-ince", x, top-4, top+h)
		if !inc.To.IsZero() && inc.To.Before(p.To) {
			b.vline("c-ince", x+w, top, top+h)
		}
	}
	for _, g := range p.Gaps {
		p.span(b, "c-gap", g, top, h)
	}
	for _, c := range p.Fixes {
		p.span(b, "c-corr", c, top, h)
	}
	for _, d := range p.Deploys {
		if p.inside(d.At, d.At.Add(1)) {
			class := "c-depl"
			if d.Kind == "suspect" {
				class = "c-depl sus"
			}
			b.vline(class, p.at(d.At), top, top+h+1)
		}
	}
}

func (p Plot) span(b *pen, class string, s Span, top, h float64) {
	if !p.inside(s.From, s.To) {
		return
	}
	x, end := p.at(s.From), 1.0
	if !s.To.IsZero() {
		end = p.at(s.To)
	}
	b.rect(class, x, max(end-x, minBand), top, h, s.Title)
}

func (p Plot) grid(b *pen, sc scale, top float64) {
	for _, v := range sc.ticks() {
		y := top + sc.y(v)
		class := "c-grid"
		if v == 0 {
			class = "c-zero"
		}
		b.hline(class, y)
		b.text("", 0, y, -8, 4, "end", p.Y.Label(v))
	}
}

func (p Plot) axis(b *pen, y float64) {
	for _, t := range p.timeTicks() {
		x := p.at(t.at)
		b.vline("c-tick", x, y, y+4)
		anchor := "middle"
		if x > 0.985 {
			anchor = "end"
		}
		if b.fixed > 0 && b.fixed < 560 && t.class == "x3" || b.fixed > 0 && b.fixed < 340 && t.class == "x2" {
			continue
		}
		b.text(t.class, x, y+14, 0, 0, anchor, t.label)
	}
}

// lines draws areas, then lines. In fluid charts they live in their own stretched coordinate system.
func (p Plot) lines(b *pen, sc scale, top float64) {
	wide := 1000.0
	if b.fixed > 0 {
		wide = b.fixed
		b.f(`<g transform="translate(0 %s)">`, px(top))
		defer b.s(`</g>`)
	} else {
		b.f(`<svg y="%s" width="100%%" height="%d" viewBox="0 0 1000 %[2]d" preserveAspectRatio="none" overflow="visible">`, px(top), p.Height)
		defer b.s(`</svg>`)
	}
	for _, s := range p.Series {
		if s.Area {
			b.s(`<path`).class("c-a "+s.Color).f(` d="%s"/>`, p.area(s, sc, wide))
		}
	}
	for i := len(p.Series) - 1; i >= 0; i-- { // the first lies on top
		s := p.Series[i]
		b.s(`<path`).class(s.class()).f(` d="%s"`, p.path(s, sc, wide))
		if b.fixed == 0 && !s.Proj {
			p.values(b, s)
		}
		b.s(`/>`)
	}
}

func (s Series) class() string {
	c := "c-l " + s.Color
	if s.Lead {
		c += " b"
	}
	switch {
	case s.Proj:
		c += " pj"
	case s.Dash && s.Color == "s2", s.Dash && s.Color == "sb":
		c += " d2"
	case s.Dash && s.Color == "s3", s.Dash && s.Color == "sw":
		c += " d3"
	}
	return c
}

// values gives the module what to show under the pointer: as printed, blank separated, "-" for a gap.
func (p Plot) values(b *pen, s Series) {
	b.s(` data-name="`).t(s.Name).s(`" data-v="`)
	for i, v := range s.V {
		if i > 0 {
			b.s(" ")
		}
		if math.IsNaN(v) || math.IsInf(v, 0) {
			b.s("-")
			continue
		}
		b.t(strings.ReplaceAll(s.Show(v), " ", "\u00a0"))
	}
	b.f(`" data-a="%s" data-b="%s"`, px(p.raw(s, 0)*1000), px(p.raw(s, len(s.V)-1)*1000))
}

// raw is the unclamped place of a series' value.
func (p Plot) raw(s Series, i int) float64 {
	span := p.To.Sub(p.From)
	if span <= 0 {
		return 0
	}
	return float64(s.From.Add(s.Step*time.Duration(i)).Sub(p.From)) / float64(span)
}

// path joins the values; a gap ends it, never bridges. A lone value becomes a short dash.
func (p Plot) path(s Series, sc scale, wide float64) string {
	var b strings.Builder
	open := false
	for i, v := range s.V {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			open = false
			continue
		}
		x := px(p.raw(s, i) * wide)
		switch {
		case open:
			b.WriteString("L" + x + " " + px(sc.y(v)))
		default:
			b.WriteString("M" + x + " " + px(sc.y(v)))
			if i+1 == len(s.V) || math.IsNaN(s.V[i+1]) {
				b.WriteString("h2")
			}
		}
		open = true
	}
	return b.String()
}

// area closes each stretch down to zero, or to the bottom where zero is not shown.
func (p Plot) area(s Series, sc scale, wide float64) string {
	base := sc.h
	if !sc.log {
		base = min(max(sc.y(0), 0), sc.h)
	}
	var b strings.Builder
	for i := 0; i < len(s.V); i++ {
		if math.IsNaN(s.V[i]) || math.IsInf(s.V[i], 0) {
			continue
		}
		b.WriteString("M" + px(p.raw(s, i)*wide) + " " + px(base))
		j := i
		for ; j < len(s.V) && !math.IsNaN(s.V[j]) && !math.IsInf(s.V[j], 0); j++ {
			b.WriteString("L" + px(p.raw(s, j)*wide) + " " + px(sc.y(s.V[j])))
		}
		b.WriteString("L" + px(p.raw(s, j-1)*wide) + " " + px(base) + "Z")
		i = j
	}
	return b.String()
}

// over draws what is read: labels of incidents, deploys, thresholds, marks, notes, names at the end of lines.
func (p Plot) over(b *pen, sc scale, top float64) {
	p.bandLabels(b)
	p.events(b, top)
	for _, d := range p.Deploys {
		if !p.inside(d.At, d.At.Add(1)) {
			continue
		}
		class, shape := "c-dep", "M0-4 4 3h-8z"
		switch d.Kind {
		case "rollback":
			class, shape = "c-dep rb", "M-4-2h8L0 4z"
		case "suspect":
			class = "c-dep sus"
		}
		b.symbol(class, p.at(d.At), top+float64(p.Height)+5, shape, d.Title)
	}
	for _, m := range p.Marks {
		p.mark(b, m, top+sc.y(m.V))
	}
	for _, l := range p.Lines {
		p.threshold(b, l, sc, top)
	}
	for _, n := range p.Notes {
		b.text("halo x3", p.at(n.At), top+sc.y(n.V), 0, -4, "middle", n.Label)
	}
	if !p.NowLine.IsZero() && p.inside(p.NowLine, p.NowLine.Add(1)) {
		b.vline("c-now", p.at(p.NowLine), top, top+sc.h)
	}
	p.endLabels(b, sc, top)
}

// Widths that incident labels are fitted for: what is left over on a screen that shows them at all, and a letter's mean.
const (
	labelRoom   = 420.0 // px
	labelLetter = 6.2   // px
)

// bandLabels writes the incidents' names above the plot, the newest first; one that would touch a newer name is left to
// the title of its band and the table.
func (p Plot) bandLabels(b *pen) {
	room := labelRoom
	if b.fixed > 0 {
		room = b.fixed
	}
	bands := slices.Clone(p.Bands)
	slices.SortStableFunc(bands, func(a, b Band) int { return b.From.Compare(a.From) })
	free := math.Inf(1) // where the last label begins
	for _, inc := range bands {
		if !p.inside(inc.From, inc.To) || inc.Label == "" {
			continue
		}
		end := 1.0
		if !inc.To.IsZero() {
			end = p.at(inc.To)
		}
		mid, w := (p.at(inc.From)+end)/2, float64(len([]rune(inc.Label)))*labelLetter/room
		left, anchor := mid-w/2, "middle"
		switch {
		case mid < 0.06:
			left, anchor = mid, "start"
		case mid > 0.88:
			left, anchor = mid-w, "end"
		}
		if left+w > free {
			continue
		}
		free = left - labelLetter/room
		b.text("bad x2", mid, 10, 0, 0, anchor, inc.Label)
	}
}

// events draws the lanes' bars, at least half a percent wide, and the lanes' names.
func (p Plot) events(b *pen, top float64) {
	for i, lane := range p.Lanes {
		y := top + 24*float64(i) + 5
		b.text("on", 0, y+11, -92, 0, "", lane.Name)
		for _, e := range lane.Events {
			if !p.inside(e.From, e.To) {
				continue
			}
			x, end := p.at(e.From), 1.0
			if !e.To.IsZero() {
				end = p.at(e.To)
			}
			class := map[string]string{"page": "c-ev pg", "ticket": "c-ev tk"}[e.Kind]
			b.rect(cmp.Or(class, "c-ev"), min(x, 0.995), max(end-x, 0.005), y, 14, e.Title)
		}
	}
}

func (p Plot) mark(b *pen, m Mark, y float64) {
	if !p.inside(m.At, m.At.Add(1)) {
		return
	}
	b.s(`<circle`).class("c-dot "+cmp.Or(m.Color, "s1")).f(` cx="%s" cy="%s" r="3"/>`, b.x(p.at(m.At)), px(y))
	if m.Label == "" {
		return
	}
	if m.Left {
		b.text("halo on", p.at(m.At), y, 6, 14, "end", m.Label)
		return
	}
	b.text("halo on", p.at(m.At), y, -6, 14, "start", m.Label)
}

func (p Plot) threshold(b *pen, l Line, sc scale, top float64) {
	class, text := "c-thr", "halo bad"
	switch l.Kind {
	case "policy":
		class, text = "c-thr w", "halo warn"
	case "target":
		class, text = "c-thr n", "halo"
	}
	y := top + sc.y(l.At)
	if y < top-0.5 || y > top+sc.h+0.5 {
		return
	}
	b.hline(class, y)
	if l.Label == "" {
		return
	}
	dy := -4
	if l.Below && y < top+sc.h-14 {
		dy = 12
	}
	if l.Right {
		b.text(text, 1, y, -4, dy, "end", l.Label)
		return
	}
	b.text(text, 0, y, 4, dy, "", l.Label)
}

// endLabels names lines at their right end, at least 13 px apart.
func (p Plot) endLabels(b *pen, sc scale, top float64) {
	type label struct {
		name, color string
		y           float64
	}
	var all []label
	for _, s := range p.Series {
		if s.End == "" {
			continue
		}
		for i := len(s.V) - 1; i >= 0; i-- {
			if !math.IsNaN(s.V[i]) && !math.IsInf(s.V[i], 0) {
				all = append(all, label{s.End, s.Color, top + sc.y(s.V[i])})
				break
			}
		}
	}
	slices.SortStableFunc(all, func(a, b label) int { return cmp.Compare(a.y, b.y) })
	for i := range all {
		if i > 0 {
			all[i].y = max(all[i].y, all[i-1].y+13)
		}
	}
	if n := len(all); n > 0 { // push back up what left the plot
		for i, low := n-1, top+sc.h; i >= 0; i-- {
			all[i].y = min(all[i].y, low)
			low = all[i].y - 13
		}
	}
	for _, l := range all {
		b.text("sx "+l.color, 1, l.y, 6, 4, "", l.name)
	}
}
