package web

import (
	"embed"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/chart"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

//go:embed *.html static
var files embed.FS

// funcs are the partials and printers that templates use.
var funcs = template.FuncMap{
	"icon":    icon,
	"glyph":   glyph,
	"tier":    tierBadge,
	"state":   stateBadge,
	"sev":     severity,
	"bar":     func(left float64) template.HTML { return chart.Bar(left, "") },
	"barcell": barCell,
	"strip":   func(days [28]chart.Day, name string) template.HTML { return chart.Strip(days[:], name) },
	"spark":   func(t Track, name string) template.HTML { return chart.Spark(t.V, math.NaN(), name+", last hour") },
	"left":    func(v float64) string { return kit.Percent(v, 1) },
	"sli":     func(v float64) string { return kit.Percent(v, 3) },
	"share":   kit.Share,
	"target":  targetText,
	"goal":    goalText,
	"count":   kit.Count,
	"num":     func(n int) string { return kit.Count(float64(n)) },
	"num64":   func(n int64) string { return kit.Count(float64(n)) },
	"burn":    kit.Burn,
	"factor":  kit.Factor,
	"unit":    withUnit,
	"secs":    seconds,
	"rate":    func(v float64) string { return kit.Number(digits(v, 3)) },
	"number":  kit.Number,
	"bytes":   kit.Bytes,
	"dur":     kit.Duration,
	"ref":     factRef,
	"seq":     kit.Seq,
	"plural":  kit.Plural,
	"known":   func(v float64) bool { return !math.IsNaN(v) },
	"path":    url.PathEscape,
	"code":    codeBlock,
	"window":  windowText,
	"edges":   func(all []Edge) []Edge { return all[:min(len(all), edgesShown)] },
	"short":   short,
	"title":   title,
}

// withUnit sets the unit of a key number smaller: "8.7%" -> 8.7<small>%</small>.
func withUnit(s string) template.HTML {
	for _, u := range []string{"%", "×"} {
		if n, ok := strings.CutSuffix(s, u); ok {
			return template.HTML(template.HTMLEscapeString(n) + "<small>" + u + "</small>")
		}
	}
	if n, u, ok := strings.Cut(s, "\u00a0"); ok && !strings.Contains(u, " ") {
		return template.HTML(template.HTMLEscapeString(n) + "<small>" + template.HTMLEscapeString(u) + "</small>")
	}
	return template.HTML(template.HTMLEscapeString(s))
}

// icon is a decorative symbol.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="i" width="16" height="16" aria-hidden="true"><use href="#i-` + name + `"/></svg>`)
}

// glyph is a symbol that stands alone; id with its prefix.
func glyph(id, class, label string) template.HTML {
	return template.HTML(`<svg class="i ` + class + `" width="16" height="16" role="img" aria-label="` + template.HTMLEscapeString(label) + `"><use href="#` + id + `"/></svg>`)
}

func tierBadge(t int) template.HTML {
	if t < 0 || t > 3 {
		return ""
	}
	n := strconv.Itoa(t)
	return template.HTML(`<span class="tier t` + n + `" title="Tier ` + n + `">T` + n + `</span>`)
}

func severity(s string) template.HTML {
	class := map[string]string{"page": "s2", "ticket": "s3"}[s]
	if class == "" {
		class = "s4"
	}
	return template.HTML(`<span class="sev ` + class + `">` + template.HTMLEscapeString(s) + `</span>`)
}

// looks says how states are shown: class and glyph, words.
var looks = map[State]struct{ class, glyph, words string }{
	Paging:   {"bad", "g-bad", "Page open"},
	Spent:    {"bad", "g-bad", "Budget spent"},
	Burning:  {"warn", "g-warn", "Burning"},
	Ticketed: {"warn", "g-warn", "Ticket open"},
	NoData:   {"nodata", "g-nodata", "No data"},
	Steady:   {"ok", "g-ok", "Steady"},
	Young:    {"few", "g-few", "Too few events"},
	Paused:   {"paused", "g-paused", "Paused"},
	Unset:    {"unknown", "g-unknown", "No objective"},
}

// Lower names it inside a sentence.
func (s State) Lower() string { return strings.ToLower(looks[s].words) }

// Words names the state.
func (s State) Words() string { return looks[s].words }

// rank orders states, worst first.
func (s State) rank() int {
	for i, o := range []State{Paging, Spent, Burning, Ticketed, NoData, Young, Paused, Steady, Unset} {
		if s == o {
			return i
		}
	}
	return 99
}

// Needs says whether a person is or will be needed.
func (s State) Needs() bool { return s == Paging || s == Spent || s == Burning || s == Ticketed }

func stateBadge(s State) template.HTML { return badge(looks[s].class, looks[s].glyph, looks[s].words) }

func badge(class, glyph, words string) template.HTML {
	if glyph == "" {
		return template.HTML(template.HTMLEscapeString(words))
	}
	return template.HTML(`<span class="st st-` + class + `"><svg class="i" width="16" height="16" aria-hidden="true"><use href="#` + glyph + `"/></svg>` +
		template.HTMLEscapeString(words) + `</span>`)
}

// barCell is the budget bar with its number beside it.
func barCell(left float64) template.HTML {
	if math.IsNaN(left) {
		return `<span class="dim">no data</span>`
	}
	return `<span class="bp">` + chart.Bar(left, chart.LeftWords(left)) + template.HTML(`<span>`+kit.Percent(left, 1)+`</span></span>`)
}

// targetText prints a target with the digits it was written with: "99.95%".
func targetText(d slo.Decimal) string {
	if !d.IsSet() {
		return "–"
	}
	s := d.String()
	whole, frac, _ := strings.Cut(s, ".")
	for len(frac) < 2 {
		frac += "0"
	}
	out := strings.TrimLeft(whole+frac[:2], "0")
	if out == "" {
		out = "0"
	}
	if rest := frac[2:]; rest != "" {
		out += "." + rest
	}
	return out + "%"
}

// goalText prints a target that is known as a ratio only: "99.9%".
func goalText(v float64) string {
	text := kit.Percent(v, 3)
	number, isShare := strings.CutSuffix(text, "%")
	if !isShare || !strings.Contains(number, ".") {
		return text
	}
	return strings.TrimRight(strings.TrimRight(number, "0"), ".") + "%"
}

// windowText is "28 rolling days" or "calendar month".
func windowText(w slo.Window) string {
	if w.Rolling > 0 {
		if d := w.Rolling; d%(24*time.Hour) == 0 {
			return kit.Plural(int(d/(24*time.Hour)), "rolling day", "rolling days")
		}
		return kit.Duration(w.Rolling) + ", rolling"
	}
	if w.Count > 1 {
		return fmt.Sprintf("%d calendar %ss", w.Count, w.Unit)
	}
	return "calendar " + w.Unit
}

// windowShort is "28 d" or "month".
func windowShort(w slo.Window) string {
	if w.Rolling > 0 {
		return kit.Duration(w.Rolling)
	}
	return w.Unit
}

// factRef links to a fact; nothing for 0.
func factRef(seq int64) template.HTML {
	if seq <= 0 {
		return ""
	}
	n := strconv.FormatInt(seq, 10)
	return template.HTML(`<a class="ref" href="/ledger?fact=` + n + `#f` + n + `">` + kit.Seq(seq) + `</a>`)
}

// short cuts a long word at n characters.
func short(n int, s string) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// codeBlock prints a file with line numbers, the marked line and what is wrong under its column.
func codeBlock(t SourceText) template.HTML {
	var b strings.Builder
	b.WriteString(`<pre tabindex="0" aria-label="` + template.HTMLEscapeString(t.File) + `"><code>`)
	for i, line := range strings.Split(strings.TrimRight(t.Text, "\n"), "\n") {
		n := max(t.Line, 1) + i
		class := "l"
		if n == t.Mark {
			class = "l hit"
		}
		fmt.Fprintf(&b, `<span class="%s" id="L%d"><span class="ln">%[2]d</span>%s</span>`, class, n, paint(line))
		for _, p := range t.Problems {
			if p.Line == n {
				indent := strings.Repeat(" ", min(max(p.Column-1, 0), 40))
				for k, part := range wrap(p.Msg+remedy(p), 64) {
					lead := "^ "
					if k > 0 {
						lead = "  "
					}
					b.WriteString(`<span class="l msg"><span class="ln"></span>` + indent + lead + template.HTMLEscapeString(part) + `</span>`)
				}
			}
		}
	}
	b.WriteString(`</code></pre>`)
	return template.HTML(b.String())
}

// wrap breaks a sentence into lines of about n characters.
func wrap(text string, n int) []string {
	var out []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		if line != "" && len([]rune(line))+len([]rune(word)) >= n {
			out, line = append(out, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(out, line)
}

func remedy(p kit.Problem) string {
	if p.Remedy == "" {
		return ""
	}
	return "; " + p.Remedy
}

var yamlKey = regexp.MustCompile(`^(\s*(?:- )?)("?[A-Za-z0-9_./-]+"?)(:)(\s.*)?$`)

// paint colours one line of YAML or JSON: keys, and comments.
func paint(line string) string {
	if trimmed := strings.TrimSpace(line); strings.HasPrefix(trimmed, "#") {
		return `<span class="cm">` + template.HTMLEscapeString(line) + `</span>`
	}
	m := yamlKey.FindStringSubmatch(line)
	if m == nil {
		return template.HTMLEscapeString(line)
	}
	value := template.HTMLEscapeString(m[4])
	if v := strings.TrimSpace(m[4]); strings.HasPrefix(v, `"`) || strings.HasPrefix(v, `'`) {
		value = ` <span class="s">` + template.HTMLEscapeString(v) + `</span>`
	}
	return m[1] + `<span class="k">` + template.HTMLEscapeString(m[2]) + `</span>:` + value
}
