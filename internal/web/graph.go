package web

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Sizes of the dependency graph, in units of its view box.
const (
	boxW, boxH = 132, 40
	colW       = 188
	rowH       = 54
	pad        = 8
	barW       = 66 // of the budget bar in a box
)

// neighbourhood puts the focus in the middle, who calls it to the left, what it needs to the right, two steps each way.
// A node lies in the column of its shortest path; the others are left out.
func neighbourhood(g Graph, focus string) map[string]int {
	cols := map[string]int{focus: 0}
	walk := func(dir int, next func(Edge) (from, to string)) {
		frontier := []string{focus}
		for step := 1; step <= 2; step++ {
			var reached []string
			for _, e := range g.Edges {
				from, to := next(e)
				if _, seen := cols[to]; !seen && slices.Contains(frontier, from) {
					cols[to] = dir * step
					reached = append(reached, to)
				}
			}
			frontier = reached
		}
	}
	walk(1, func(e Edge) (string, string) { return e.From, e.To })
	walk(-1, func(e Edge) (string, string) { return e.To, e.From })
	return cols
}

// layers puts each node right of all that call it: the longest path from an entrance, edges that close a cycle ignored.
func layers(g Graph) map[string]int {
	needs, called := map[string][]string{}, map[string]bool{}
	for _, e := range g.Edges {
		needs[e.From] = append(needs[e.From], e.To)
		called[e.To] = true
	}
	order, state := []string{}, map[string]int{} // 1 = on the way, 2 = done
	back := map[[2]string]bool{}
	var visit func(string)
	visit = func(n string) {
		state[n] = 1
		for _, to := range needs[n] {
			switch state[to] {
			case 0:
				visit(to)
			case 1:
				back[[2]string{n, to}] = true
			}
		}
		state[n] = 2
		order = append(order, n)
	}
	for _, n := range g.Nodes {
		if state[n.Name] == 0 {
			visit(n.Name)
		}
	}
	cols := map[string]int{}
	for _, n := range slices.Backward(order) { // callers first
		for _, to := range needs[n] {
			if !back[[2]string{n, to}] {
				cols[to] = max(cols[to], cols[n]+1)
			}
		}
		cols[n] += 0
	}
	for n := range cols { // an entrance stands next to what it calls first
		if called[n] || len(needs[n]) == 0 {
			continue
		}
		first := math.MaxInt
		for _, to := range needs[n] {
			first = min(first, cols[to])
		}
		cols[n] = max(first-1, 0)
	}
	return cols
}

// joined are the nodes that have an edge.
func joined(g Graph) map[string]bool {
	out := map[string]bool{}
	for _, e := range g.Edges {
		out[e.From], out[e.To] = true, true
	}
	return out
}

type box struct {
	Node
	x, y float64
}

// drawGraph draws the nodes that have a column, each a link, and the edges between them. label says what is seen.
func drawGraph(g Graph, cols map[string]int, focus, label string) template.HTML {
	boxes, width, height := place(g, cols)
	if len(boxes) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<div class="graph" role="region" tabindex="0" aria-label="Dependency graph, scrolls sideways"><svg viewBox="0 0 %d %d"%s role="group" aria-label="%s">`, width, height, natural(width, height), template.HTMLEscapeString(label))
	b.WriteString(`<defs><marker id="ah" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="e-m" d="M0 0l8 4-8 4z"/></marker><marker id="ax" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto"><path class="e-mx" d="M0 0l8 4-8 4z"/></marker></defs>`)
	for _, e := range g.Edges {
		from, ok1 := boxes[e.From]
		to, ok2 := boxes[e.To]
		if ok1 && ok2 && e.From != e.To {
			b.WriteString(edgePath(e, from, to))
		}
	}
	for _, n := range g.Nodes {
		if at, ok := boxes[n.Name]; ok {
			at.draw(&b, n.Name == focus)
		}
	}
	b.WriteString(`</svg></div>`)
	return template.HTML(b.String())
}

// natural draws a graph at its size; a wide one may shrink until its words are hard to read, a vast one is scrolled.
func natural(w, h int) string {
	class := ""
	switch {
	case w > 992:
		class = ` class="vast"`
	case w > 608:
		class = ` class="wide"`
	}
	return fmt.Sprintf(`%s width="%d" height="%d"`, class, w, h)
}

// place gives each node a box: columns from left to right, in a column ordered by where its callers lie.
func place(g Graph, cols map[string]int) (map[string]*box, int, int) {
	low, high := 0, 0
	column := map[int][]Node{}
	for _, n := range g.Nodes {
		if c, ok := cols[n.Name]; ok {
			column[c] = append(column[c], n)
			low, high = min(low, c), max(high, c)
		}
	}
	most := 0
	for _, nodes := range column {
		most = max(most, len(nodes))
	}
	boxes, callers := map[string]*box{}, map[string][]string{}
	for _, e := range g.Edges {
		callers[e.To] = append(callers[e.To], e.From)
	}
	for c := low; c <= high; c++ {
		nodes, height := column[c], map[string]float64{}
		for _, n := range nodes {
			height[n.Name] = middle(callers[n.Name], boxes)
		}
		slices.SortStableFunc(nodes, func(a, b Node) int {
			return cmp.Or(cmp.Compare(height[a.Name], height[b.Name]), cmp.Compare(tierRank(a.Tier), tierRank(b.Tier)), strings.Compare(a.Name, b.Name))
		})
		top := float64(most-len(nodes)) * rowH / 2
		for i, n := range nodes {
			boxes[n.Name] = &box{n, float64(pad + (c-low)*colW), pad + top + float64(i)*rowH}
		}
	}
	return boxes, 2*pad + (high-low)*colW + boxW, 2*pad + max(most, 1)*rowH - (rowH - boxH)
}

// middle is the mean height of the callers that have a place already.
func middle(callers []string, boxes map[string]*box) float64 {
	sum, n := 0.0, 0
	for _, name := range callers {
		if at, ok := boxes[name]; ok {
			sum += at.y
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

func edgePath(e Edge, from, to *box) string {
	class, mark := "e-s", "ah"
	switch {
	case e.Failing:
		class, mark = "e-x", "ax"
	case e.Hard:
		class = "e-h"
	}
	x1, y1, x2, y2 := from.x+boxW, from.y+boxH/2, to.x, to.y+boxH/2
	if from.External {
		x1 -= 10
	}
	if to.External {
		x2 += 10
	}
	bend := (x2 - x1) / 2
	if x2 < x1 { // against the stream: a cycle, or a column to the left
		bend = 60
	}
	return fmt.Sprintf(`<path class="%s" d="M%s %sC%s %s %s %s %s %s" marker-end="url(#%s)"/>`, class, n1(x1), n1(y1), n1(x1+bend), n1(y1), n1(x2-bend), n1(y2), n1(x2), n1(y2), mark)
}

func n1(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// draw writes a box: name, tier, budget left as bar and number. What is outside the catalog is round and no link.
func (b *box) draw(w *strings.Builder, me bool) {
	name := template.HTMLEscapeString(short(17, plainName(b.Name)))
	if b.External {
		fmt.Fprintf(w, `<g><title>%s, not in the catalog</title><rect class="n-box" x="%s" y="%s" width="112" height="30" rx="15"/><text class="d" x="%s" y="%s" text-anchor="middle">%s</text></g>`,
			template.HTMLEscapeString(b.Name), n1(b.x+10), n1(b.y+5), n1(b.x+66), n1(b.y+24), name)
		return
	}
	class := "n-box"
	if me {
		class += " me"
	}
	if b.State == Paging || b.State == Spent {
		class += " hit"
	}
	fmt.Fprintf(w, `<a href="/services/%s"><title>%s, %s</title><rect class="%s" x="%s" y="%s" width="%d" height="%d" rx="3"/><text x="%s" y="%s">%s</text>`,
		template.HTMLEscapeString(url.PathEscape(b.Name)), template.HTMLEscapeString(b.Name), b.State.Lower(), class, n1(b.x), n1(b.y), boxW, boxH, n1(b.x+9), n1(b.y+17), name)
	if b.Tier >= 0 && len([]rune(plainName(b.Name))) <= 14 {
		fmt.Fprintf(w, `<text class="d" x="%s" y="%s" text-anchor="end">T%d</text>`, n1(b.x+boxW-9), n1(b.y+17), b.Tier)
	}
	b.budget(w)
	w.WriteString(`</a>`)
}

// plainName leaves off the kind in front of what is no service: "resource:orders-db" is orders-db.
func plainName(name string) string {
	if _, rest, ok := strings.Cut(name, ":"); ok && rest != "" {
		return rest
	}
	return name
}

func (b *box) budget(w *strings.Builder) {
	if math.IsNaN(b.Left) {
		words := strings.ToLower(cmp.Or(b.State.Words(), "no objective"))
		if b.Kind == "resource" && b.State == Unset {
			words = "resource"
		}
		fmt.Fprintf(w, `<text class="d" x="%s" y="%s">%s</text>`, n1(b.x+9), n1(b.y+32), words)
		return
	}
	text, fill, long := "d", "n-v", max(b.Left, 0.02)*barW
	switch {
	case b.Left < 0:
		text, fill = "b", "n-v x"
	case b.Left < 0.25:
		text, fill = "w", "n-v l"
	}
	fmt.Fprintf(w, `<rect class="n-bg" x="%s" y="%s" width="%d" height="5"/>`, n1(b.x+9), n1(b.y+26), barW)
	fmt.Fprintf(w, `<rect class="%s" x="%s" y="%s" width="%s" height="5"/><text class="%s" x="%s" y="%s" text-anchor="end">%s</text>`, fill, n1(b.x+9), n1(b.y+26), strconv.FormatFloat(min(long, barW), 'f', 1, 64), text, n1(b.x+boxW-9), n1(b.y+32), kit.Percent(b.Left, 1))
}
