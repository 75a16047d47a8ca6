package chart

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// pen writes markup. With fixed > 0 every x is in pixels of that width and classes become attributes.
type pen struct {
	strings.Builder
	fixed float64
}

func (b *pen) s(markup string) *pen { b.WriteString(markup); return b }

// t writes text, escaped.
func (b *pen) t(text string) *pen { b.WriteString(template.HTMLEscapeString(text)); return b }

func (b *pen) f(format string, args ...any) *pen { fmt.Fprintf(b, format, args...); return b }

// x is a place or width along the plot, 0..1.
func (b *pen) x(r float64) string {
	if b.fixed > 0 {
		return px(r * b.fixed)
	}
	return strconv.FormatFloat(r*100, 'f', 2, 64) + "%"
}

// px prints pixels to a tenth, without needless zeros.
func px(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		v = 0
	}
	return strconv.FormatFloat(math.Round(v*10)/10+0, 'f', -1, 64)
}

// class writes the class attribute, or the light colours it stands for.
func (b *pen) class(c string) *pen {
	if c == "" {
		return b
	}
	if b.fixed > 0 {
		return b.s(inline(c))
	}
	return b.s(` class="`).s(c).s(`"`)
}

func (b *pen) rect(c string, x, w, y, h float64, title string) {
	b.s(`<rect`).class(c).f(` x="%s" width="%s" y="%s" height="%s"`, b.x(x), b.x(w), px(y), px(h))
	if title == "" {
		b.s(`/>`)
		return
	}
	b.s(`><title>`).t(title).s(`</title></rect>`)
}

func (b *pen) vline(c string, x, y1, y2 float64) {
	b.s(`<line`).class(c).f(` x1="%s" x2="%s" y1="%s" y2="%s"/>`, b.x(x), b.x(x), px(y1), px(y2))
}

func (b *pen) hline(c string, y float64) {
	b.s(`<line`).class(c).f(` x1="0" x2="%s" y1="%s" y2="%s"/>`, b.x(1), px(y), px(y))
}

// text writes a label; anchor is start, middle or end.
func (b *pen) text(c string, x, y float64, dx, dy int, anchor, label string) {
	b.s(`<text`).class(c).f(` x="%s" y="%s"`, b.x(x), px(y))
	if dx != 0 {
		b.f(` dx="%d"`, dx)
	}
	if dy != 0 {
		b.f(` dy="%d"`, dy)
	}
	if anchor != "" && anchor != "start" {
		b.f(` text-anchor="%s"`, anchor)
	}
	b.s(`>`).t(label).s(`</text>`)
}

// symbol draws a small shape around a point.
func (b *pen) symbol(c string, x, y float64, path, title string) {
	b.f(`<svg x="%s" y="%s" overflow="visible">`, b.x(x), px(y))
	if title != "" {
		b.s(`<title>`).t(title).s(`</title>`)
	}
	b.s(`<path`).class(c).f(` d="%s"/></svg>`, path)
}

// palette holds the light values of the tokens, for fixed charts.
var palette = map[string]string{
	"s1": "#17597f", "s2": "#a3600a", "s3": "#6b4b96", "s4": "#1d766a", "s5": "#8d3a60", "s6": "#59626a",
	"sb": "#c0352b", "sw": "#c07c0b",
}

// looks are the classes a fixed chart uses, in the light theme.
var looks = map[string]string{
	"c-grid": ` stroke="#e3e3dd"`, "c-zero": ` stroke="#bfc0b9"`, "c-tick": ` stroke="#bfc0b9"`,
	"c-thr": ` stroke="#c0352b" stroke-dasharray="5 3"`, "c-thr w": ` stroke="#c07c0b" stroke-dasharray="5 3"`,
	"c-thr n": ` stroke="#5e666e" stroke-dasharray="2 3"`, "c-inc": ` fill="#ad241c" fill-opacity=".08"`,
	"c-ince": ` stroke="#c0352b" stroke-opacity=".65"`, "c-gap": ` fill="url(#hatch)"`, "c-corr": ` fill="#e3e3dd" fill-opacity=".7"`,
	"c-now": ` stroke="#434b53"`, "c-dep": ` fill="#5e666e"`, "c-dep sus": ` fill="#c0352b"`,
	"c-dep rb": ` fill="#fafaf7" stroke="#434b53" stroke-width="1.25"`, "c-depl": ` stroke="#5e666e" stroke-dasharray="1 3"`,
	"c-depl sus": ` stroke="#c0352b" stroke-dasharray="4 2"`, "c-lane": ` fill="#f2f2ee"`, "c-ev": ` fill="#59626a"`,
	"c-ev pg": ` fill="#c0352b"`, "c-ev tk": ` fill="#c07c0b"`,
}

// inline turns a class list into attributes.
func inline(c string) string {
	if look, ok := looks[c]; ok {
		return look
	}
	parts := strings.Fields(c)
	color := "#5e666e"
	for _, p := range parts {
		if v, ok := palette[p]; ok {
			color = v
		}
	}
	has := func(name string) bool { return strings.Contains(" "+c+" ", " "+name+" ") }
	switch {
	case has("c-l"):
		width, dash := "1.5", ""
		if has("b") {
			width = "2"
		}
		for name, d := range map[string]string{"pj": "3 3", "d2": "6 3", "d3": "2 2"} {
			if has(name) {
				dash = ` stroke-dasharray="` + d + `"`
			}
		}
		return ` fill="none" stroke="` + color + `" stroke-width="` + width + `" stroke-linejoin="round"` + dash
	case has("c-a"):
		return ` fill="` + color + `" fill-opacity=".12"`
	case has("c-dot"), has("sx"):
		return ` fill="` + color + `"`
	case has("bad"):
		return ` fill="#ad241c"`
	case has("warn"):
		return ` fill="#7d4c00"`
	case has("on"):
		return ` fill="#14191d"`
	}
	return ` fill="#5e666e"`
}

const hatchFixed = `<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path stroke="#bfc0b9" stroke-width="2" d="M0 0v6"/></pattern></defs>`
