// Package chart draws the program's charts as SVG: plots over time with their gaps, thresholds, incidents and deploys,
// lanes, day strips, sparklines and budget bars. It is pure: structs in, markup out.
//
// Fluid charts (Plot.HTML) are for pages: the width belongs to the stylesheet, the height is in pixels, positions along
// x are percentages, so type and strokes never scale; colours come from classes. Fixed charts (Plot.SVG) are for mail and
// reports: one width in pixels, colours written into the attributes.
package chart

import (
	"html/template"
	"math"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Plot is one chart over time. From must lie before To; series outside are clipped by the eye, not by the program.
type Plot struct {
	ID      string // unique on its page
	What    string // caption, bold: "Budget left"
	Unit    string // caption after What: "% of the 28-day budget, hourly"
	Over    string // caption, right: "24 Sep to 22 Oct"
	Title   string // for those who cannot see it; "" = What
	Finding string // one sentence with the finding
	From    time.Time
	To      time.Time
	When    kit.When // zone of the axis
	Height  int      // of the plot area in px; 0 = 120
	Slim    bool     // narrow margins, for small multiples
	Y       Axis
	Series  []Series
	Lines   []Line   // thresholds
	Bands   []Band   // incidents
	Gaps    []Span   // stretches without knowledge
	Fixes   []Span   // corrected stretches
	Deploys []Deploy // changes; they take a lane under the plot
	Marks   []Mark
	Notes   []Note
	NowLine time.Time // zero = none
	Lanes   []Lane    // instead of a y axis: one row each, first on top
	Table   Table     // the same values
}

// Axis is the value axis.
type Axis struct {
	Min, Max float64              // equal = from the data
	Zero     bool                 // include zero
	Log      bool                 // decades, two at least; values <= 0 are drawn at the bottom
	Cap      float64              // a log axis ends here at most, if the values do; 0 = nowhere
	Label    func(float64) string // of a tick; nil = kit.Number
}

// Series is equidistant values: V[i] belongs to From + i*Step. NaN is a gap and is drawn as one.
type Series struct {
	Name  string
	From  time.Time
	Step  time.Duration
	V     []float64
	Color string               // "s1".."s6", "sb" (bad), "sw" (warn); "" = by place
	Lead  bool                 // 2 px instead of 1.5
	Area  bool                 // filled to zero
	Dash  bool                 // dashes by place: s2 6-3, s3 2-2
	Proj  bool                 // a projection: dashed 3-3, no data row
	End   string               // words at the right edge, "" = none
	Keep  Keep                 // which value stands for several when there are too many
	Show  func(float64) string // a value as read; nil = the axis's label
	Thin  int                  // at most so many points; 0 = 340
}

// Keep says which value stands for several.
type Keep int

const (
	KeepLast Keep = iota // levels, such as budget left
	KeepMax              // failures: no spike is lost
	KeepMean             // rates
)

// Line is a threshold.
type Line struct {
	At    float64
	Label string
	Kind  string // "page" red, "policy" amber, "target" grey
	Right bool   // label at the right end
	Below bool   // label under the line
}

// Band is an incident; a zero To is still open.
type Band struct {
	kit.Range
	Label string
}

// Span is a stretch with words for it.
type Span struct {
	kit.Range
	Title string
}

// Deploy is a change on the time axis.
type Deploy struct {
	At    time.Time
	Kind  string // "deploy", "rollback", "suspect"
	Title string
}

// Mark is a dot with words, such as the moment a projection meets zero.
type Mark struct {
	At    time.Time
	V     float64
	Label string
	Color string
	Left  bool // label left of the dot
}

// Note is text inside the plot.
type Note struct {
	At    time.Time
	V     float64
	Label string
}

// Lane is one row of events.
type Lane struct {
	Name   string
	Events []Event
}

// Event is a bar on a lane; a zero To is still open.
type Event struct {
	kit.Range
	Kind  string // "page", "ticket", ""
	Title string
}

// Table is the chart's values as text; rows beyond 60 are thinned.
type Table struct {
	Head []string
	Rows [][]string
}

// HTML is the figure for a page: caption, drawing, data table.
func (p Plot) HTML() template.HTML {
	p = p.ready()
	b := pen{}
	b.s(`<figure class="chart`)
	if p.Slim {
		b.s(` slim`)
	}
	if p.ends() {
		b.s(` wide-r`)
	}
	if len(p.Lanes) > 0 {
		b.s(` lanes`)
	}
	b.s(`" data-chart>`)
	if p.What != "" {
		b.s(`<figcaption><span><b>`).t(p.What).s(`</b>`)
		if p.Unit != "" {
			b.s(` `).t(p.Unit)
		}
		b.s(`</span>`)
		if p.Over != "" {
			b.s(`<span>`).t(p.Over).s(`</span>`)
		}
		b.s(`</figcaption>`)
	}
	p.draw(&b)
	p.Table.write(&b, p.Title)
	b.s(`</figure>`)
	return template.HTML(b.String())
}

// SVG is the drawing alone at a fixed width in pixels, light colours written in, for mail and reports.
func (p Plot) SVG(width int) template.HTML {
	p = p.ready()
	left, right := 44, 12
	if p.Slim {
		left, right = 34, 8
	}
	if p.ends() {
		right = 76
	}
	if len(p.Lanes) > 0 {
		left = 92
	}
	b := pen{fixed: float64(width - left - right)}
	h := p.total()
	b.f(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" font-family="Segoe UI, Roboto, Liberation Sans, Arial, sans-serif" font-size="11"><title>`, width, h, width, h)
	b.t(p.Title).s(`</title><desc>`).t(p.Finding).s(`</desc>`).s(hatchFixed)
	b.f(`<g transform="translate(%d 0)">`, left)
	p.draw(&b)
	b.s(`</g></svg>`)
	return template.HTML(b.String())
}

// ready fills in what was left out.
func (p Plot) ready() Plot {
	if p.Height == 0 {
		p.Height = 120
	}
	if len(p.Lanes) > 0 {
		p.Height = 24 * len(p.Lanes)
	}
	if p.Title == "" {
		p.Title = p.What
	}
	if p.Y.Label == nil {
		p.Y.Label = kit.Number
	}
	p.Series = append([]Series(nil), p.Series...)
	for i, s := range p.Series {
		if s.Color == "" {
			s.Color = "s" + string(rune('1'+min(i, 5)))
		}
		if s.Show == nil {
			s.Show = p.Y.Label
		}
		p.Series[i] = s.thin()
	}
	return p
}

func (p Plot) ends() bool {
	for _, s := range p.Series {
		if s.End != "" {
			return true
		}
	}
	return false
}

// thin reduces a series to its limit of points, each standing for as many values as the others.
func (s Series) thin() Series {
	limit := s.Thin
	if limit == 0 {
		limit = 340
	}
	if len(s.V) <= limit {
		return s
	}
	each := (len(s.V) + limit - 1) / limit
	out := make([]float64, 0, limit)
	for i := 0; i < len(s.V); i += each {
		out = append(out, s.Keep.of(s.V[i:min(i+each, len(s.V))]))
	}
	s.From = s.From.Add(s.Step * time.Duration(each-1) / 2)
	if s.Keep == KeepLast {
		s.From = s.From.Add(s.Step * time.Duration(each-1) / 2)
	}
	s.V, s.Step = out, s.Step*time.Duration(each)
	return s
}

// of picks the value of a group; a group without any is a gap.
func (k Keep) of(v []float64) float64 {
	best, sum, n := math.NaN(), 0.0, 0
	for _, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		sum += x
		n++
		if k == KeepLast || math.IsNaN(best) || x > best {
			best = x
		}
	}
	if k == KeepMean && n > 0 {
		return sum / float64(n)
	}
	return best
}
