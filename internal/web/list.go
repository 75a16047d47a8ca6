package web

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"evenkeel.dev/evenkeel/internal/kit"
)

// filterField is one field of a list's filter form: words, or a choice.
type filterField struct {
	Name    string
	Label   string
	Value   string
	Type    string // "" = search
	Hint    string // an example, shown while it is empty
	Grow    bool
	Options []option
}

type option struct {
	Value, Label string
	Chosen       bool
}

// choice is a select over values; the first option means any.
func choice(name, label, anyWord string, values []string, chosen string) filterField {
	f := filterField{Name: name, Label: label, Value: chosen, Options: []option{{Label: anyWord}}}
	if chosen != "" && !slices.Contains(values, chosen) {
		values = append(values, chosen)
	}
	for _, v := range values {
		f.Options = append(f.Options, option{v, v, v == chosen})
	}
	return f
}

func stateFilter(chosen string) filterField {
	f := filterField{Name: "state", Label: "State", Value: chosen, Options: []option{{Label: "Any state"}}}
	for _, s := range []State{Paging, Spent, Burning, Ticketed, NoData, Young, Paused, Steady, Unset} {
		f.Options = append(f.Options, option{string(s), s.Words(), string(s) == chosen})
	}
	return f
}

func tierFilter(chosen string) filterField {
	f := filterField{Name: "tier", Label: "Tier", Value: chosen, Options: []option{{Label: "Any tier"}}}
	for _, t := range []string{"0", "1", "2", "3", "-1"} {
		label := "Tier " + t
		if t == "-1" {
			label = "No tier"
		}
		f.Options = append(f.Options, option{t, label, t == chosen})
	}
	return f
}

func keys(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

// chips repeat what is set and take it away.
type chips struct {
	Words string
	Set   []chip
	Clear string
}

type chip struct{ Label, Href string }

func (b Base) chips(words string, params ...string) chips {
	c := chips{Words: words, Clear: b.URL.EscapedPath()}
	for _, p := range params {
		if v := b.Query(p); v != "" {
			label := v
			switch p {
			case "tier":
				label = "tier " + v
				if v == "-1" {
					label = "no tier"
				}
			case "state":
				label = State(v).Words()
			case "from", "to":
				label = p + " " + v
			}
			if label == "" {
				label = v
			}
			c.Set = append(c.Set, chip{short(40, label), b.Set(p, "")})
		}
	}
	return c
}

// sortHead is a column's head; without a key it does not sort.
type sortHead struct {
	Key   string
	Label string
	Right bool
	Href  string
	Aria  string // ascending, descending, ""
	Icon  string
}

// sortBy reads ?sort=name or ?sort=-name.
func sortBy(r *http.Request, def string) (by string, desc bool) {
	by = r.URL.Query().Get("sort")
	if by == "" {
		return def, false
	}
	if by[0] == '-' {
		return by[1:], true
	}
	return by, false
}

func (b Base) heads(by string, desc bool, all []sortHead) []sortHead {
	out := slices.Clone(all)
	for i, h := range out {
		if h.Key == "" {
			continue
		}
		next := h.Key
		if h.Key == by {
			out[i].Aria, out[i].Icon = "ascending", "up"
			if desc {
				out[i].Aria, out[i].Icon = "descending", "down"
			} else {
				next = "-" + h.Key
			}
		}
		out[i].Href = b.Set("sort", next)
	}
	return out
}

// pager is a list's page.
type pager struct {
	Words              string
	Prev, Next         string
	PrevWord, NextWord string
	from, to           int
}

// page cuts a list of n into pages; order says how it is sorted.
func (b Base) page(n, size int, order string) pager {
	at, _ := strconv.Atoi(b.Query("page"))
	at = min(max(at, 1), max((n+size-1)/size, 1))
	p := pager{from: (at - 1) * size, PrevWord: "Previous", NextWord: "Next"}
	p.to = min(p.from+size, n)
	p.Words = fmt.Sprintf("%s to %s of %s", kit.Count(float64(p.from+1)), kit.Count(float64(p.to)), kit.Count(float64(n)))
	if n == 0 {
		p.Words = "0 of 0"
	}
	if order != "" && b.Query("sort") == "" {
		p.Words += ", " + order
	}
	link := func(k int) string {
		q := b.URL.Query()
		q.Del("frag")
		q.Set("page", strconv.Itoa(k))
		return b.URL.EscapedPath() + "?" + q.Encode()
	}
	if at > 1 {
		p.Prev = link(at - 1)
	}
	if p.to < n {
		p.Next = link(at + 1)
	}
	return p
}
