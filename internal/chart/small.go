package chart

import (
	"html/template"
	"math"
	"strconv"
	"strings"

	"evenkeel.dev/evenkeel/internal/kit"
)

// tableRows is how many rows a data table shows at most.
const tableRows = 60

// write puts the data table behind a disclosure.
func (t Table) write(b *pen, title string) {
	if len(t.Rows) == 0 {
		return
	}
	b.s(`<details><summary>Data table</summary><div class="scroll" role="region" tabindex="0" aria-label="`).t(title).s(`, data"><table><caption class="vh">`).t(title).s(`</caption><thead><tr>`)
	for i, h := range t.Head {
		if i == 0 {
			b.s(`<th scope="col">`).t(h).s(`</th>`)
			continue
		}
		b.s(`<th scope="col" class="r">`).t(h).s(`</th>`)
	}
	b.s(`</tr></thead><tbody>`)
	each := (len(t.Rows) + tableRows - 1) / tableRows
	for i := 0; i < len(t.Rows); i += each {
		b.s(`<tr>`)
		for j, cell := range t.Rows[i] {
			if j == 0 {
				b.s(`<th scope="row">`).t(cell).s(`</th>`)
				continue
			}
			b.s(`<td class="r">`).t(cell).s(`</td>`)
		}
		b.s(`</tr>`)
	}
	b.s(`</tbody></table></div></details>`)
}

// Bar is the budget bar: how much is left (1 = all, below 0 = overspent), with a notch at a quarter. Words name it for
// those who cannot see it; "" hides it from them because the number stands beside it. NaN draws an empty bar.
func Bar(left float64, words string) template.HTML {
	class, fill := "pbar", ""
	switch {
	case math.IsNaN(left):
	case left < 0:
		class, fill = "pbar bad", `<rect class="neg" width="`+width(-left)+`" height="6"/>`
	case left < 0.25:
		class, fill = "pbar low", `<rect class="v" width="`+width(left)+`" height="6"/>`
	default:
		fill = `<rect class="v" width="` + width(left) + `" height="6"/>`
	}
	return template.HTML(`<svg class="` + class + `" width="100%" height="6" ` + label(words) + `><rect class="bg" width="100%" height="6"/>` +
		fill + `<rect class="thr" x="25%" y="0" width="1" height="6"/></svg>`)
}

func width(r float64) string { return strconv.FormatFloat(min(r, 1)*100, 'f', 1, 64) + "%" }

func label(words string) string {
	if words == "" {
		return `aria-hidden="true"`
	}
	return `role="img" aria-label="` + template.HTMLEscapeString(words) + `"`
}

// Day is how a day went.
type Day byte

const (
	DayNone   Day = iota // no data
	DayMet               // burned at most 1x
	DayBurned            // burned over 1x
	DayMissed            // missed its target for the whole window: burned so much that the window's budget went
)

// Strip draws days, oldest first, one cell each, height by state; name says whose they are.
func Strip(days []Day, name string) template.HTML {
	var paths [4]strings.Builder
	var counts [4]int
	for i, d := range days {
		x := strconv.Itoa(i * 5)
		switch d {
		case DayMet:
			paths[d].WriteString("M" + x + " 15h4v4h-4z")
		case DayBurned:
			paths[d].WriteString("M" + x + " 9h4v10h-4z")
		case DayMissed:
			paths[d].WriteString("M" + x + " 0h4v19h-4z")
		default:
			d = DayNone
			paths[d].WriteString("M" + x + ".5 14.5h3v4h-3z")
		}
		counts[d]++
	}
	w := strconv.Itoa(max(len(days)*5-1, 1))
	var b strings.Builder
	b.WriteString(`<svg class="strip" width="` + w + `" height="20" viewBox="0 0 ` + w + ` 20" ` + label(stripWords(name, len(days), counts)) + `><path class="base" d="M0 19.5h` + w + `"/>`)
	for _, c := range []struct {
		day   Day
		class string
	}{{DayMet, "d0"}, {DayBurned, "d1"}, {DayMissed, "d2"}, {DayNone, "dn"}} {
		if counts[c.day] > 0 {
			b.WriteString(`<path class="` + c.class + `" d="` + paths[c.day].String() + `"/>`)
		}
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

func stripWords(name string, n int, counts [4]int) string {
	words := strconv.Itoa(n) + " days: "
	if name != "" {
		words = name + ", " + words
	}
	var parts []string
	for _, c := range []struct {
		day  Day
		word string
	}{{DayMet, "met"}, {DayBurned, "burning"}, {DayMissed, "missed"}, {DayNone, "without data"}} {
		if counts[c.day] > 0 {
			parts = append(parts, strconv.Itoa(counts[c.day])+" "+c.word)
		}
	}
	return words + strings.Join(parts, ", ")
}

// Spark is a small line of values, NaN = gap, with its target dotted (NaN = none) and the last value as a dot.
func Spark(v []float64, target float64, words string) template.HTML {
	const w, h = 132.0, 24.0
	p := Plot{Height: int(h) - 6, Series: []Series{{V: v}}}
	if !math.IsNaN(target) {
		p.Lines = []Line{{At: target}}
	}
	sc := p.scale()
	var b pen
	b.f(`<svg class="spark" width="132" height="24" %s>`, label(words))
	if !math.IsNaN(target) {
		b.f(`<path class="t" d="M0 %sh132"/>`, px(3+sc.y(target)))
	}
	step, open, last := (w-6)/max(float64(len(v)-1), 1), false, -1
	b.s(`<path class="l" d="`)
	for i, x := range v {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			open = false
			continue
		}
		letter := "M"
		if open {
			letter = "L"
		}
		b.s(letter + px(3+float64(i)*step) + " " + px(3+sc.y(x)))
		open, last = true, i
	}
	b.s(`"/>`)
	if last >= 0 {
		b.f(`<circle class="e" cx="%s" cy="%s" r="2.5"/>`, px(3+float64(last)*step), px(3+sc.y(v[last])))
	}
	return template.HTML(b.s(`</svg>`).String())
}

// LeftWords says a budget bar in words.
func LeftWords(left float64) string {
	if math.IsNaN(left) {
		return "no data"
	}
	return kit.Percent(left, 1) + " left"
}
