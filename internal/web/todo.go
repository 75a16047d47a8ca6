package web

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Todo is one thing that needs a person.
type Todo struct {
	Class string // colour of its glyph: "bad", "warn", ""
	Glyph string // symbol id
	Kind  string // what the glyph stands for
	Sev   string // page, ticket, ""
	Title string
	Href  string
	Why   []Run    // one line with numbers
	Who   []string // one line who and since
	Do    string   // label of its button
	rank  float64
}

// Run is a stretch of a sentence: plain, code, or a link; Quote marks a link to evidence.
type Run struct {
	Text  string
	Href  string
	Code  bool
	Quote bool
}

func say(format string, args ...any) Run { return Run{Text: fmt.Sprintf(format, args...)} }
func quote(text, href string) Run        { return Run{Text: text, Href: href, Quote: true} }

// gathered is what the list is made from.
type gathered struct {
	shell      Shell
	objectives []Objective
	sources    []SourceState
}

// gather asks the sources; what cannot be had is left empty, the pages about it say so.
func gather(ctx context.Context, s Sources) gathered {
	var g gathered
	if shell, ok := ctx.Value(shellKey).(Shell); ok {
		g.shell = shell
	} else {
		g.shell, _ = s.Shell(ctx)
	}
	if s.Objectives != nil {
		g.objectives, _ = s.Objectives(ctx)
	}
	if s.Senders != nil {
		g.sources, _ = s.Senders(ctx)
	}
	return g
}

// todos is everything that needs a person, worst first: a broken ledger, open pages, spent budgets, tickets, silent
// sources, a refused organisation directory. One objective is one entry, however many of its rules fire.
func todos(w kit.When, g gathered) []Todo {
	var out []Todo
	if g.shell.Broken != "" {
		out = append(out, Todo{Class: "bad", Glyph: "g-bad", Kind: "Ledger", Title: "The ledger does not verify", Href: "/ledger#trust", Do: "Look",
			Why: []Run{say("%s. Facts before it stay proven.", g.shell.Broken)}, Who: []string{"checked " + w.Clock(g.shell.Verified)}, rank: 1000})
	}
	for _, o := range g.objectives {
		if t, ok := objectiveTodo(w, o); ok {
			out = append(out, t)
		}
	}
	for _, s := range g.sources {
		if s.Silent {
			out = append(out, sourceTodo(w, s))
		}
	}
	if r := g.shell.Refused; r != nil {
		place := r.First.File
		if r.First.Line > 0 {
			place = fmt.Sprintf("%d:%d", r.First.Line, max(r.First.Column, 1))
		}
		why := []Run{{Text: place, Code: true}, say(" %s%s. ", r.First.Msg, remedy(r.First))}
		if r.InForce != "" {
			why = append(why, say("Version "), Run{Text: short(12, r.InForce), Code: true}, say(" stays in force."))
		}
		out = append(out, Todo{Glyph: "i-file", Kind: "File error", Title: "Organisation file refused: " + r.First.File, Href: "/organisation#problems", Do: "Show line",
			Why: why, Who: []string{"read " + w.Clock(r.At), kit.Plural(r.Errors, "error", "errors")}, rank: 50})
	}
	slices.SortStableFunc(out, func(a, b Todo) int { return cmp.Compare(b.rank, a.rank) })
	return out
}

// objectiveTodo is an entry for an open page, an open ticket or a spent budget.
func objectiveTodo(w kit.When, o Objective) (Todo, bool) {
	href := objectiveHref(o.Name, o.Group)
	t := Todo{Href: href, Do: "Look", rank: float64(10 - max(o.Tier, 0))}
	worst, first := "", time.Time{}
	for _, f := range o.Firing {
		if worst != "page" {
			worst = f.Severity
		}
		if first.IsZero() || f.Since.Before(first) {
			first = f.Since
		}
	}
	switch {
	case worst == "page":
		t.Class, t.Glyph, t.Kind, t.Sev = "bad", "g-bad", "Page", "page"
		t.Title, t.rank = o.Service+" burns its budget: "+title(o), t.rank+600
	case o.State == Spent:
		t.Class, t.Glyph, t.Kind = "bad", "g-miss", "Budget spent"
		t.Title, t.rank = o.Service+" has no budget left: "+title(o), t.rank+400
	case worst != "":
		t.Class, t.Glyph, t.Kind, t.Sev = "warn", "g-warn", "Ticket", worst
		t.Title, t.rank = o.Service+" loses budget: "+title(o), t.rank+300
	default:
		return t, false
	}
	t.Why = objectiveWhy(w, o, href)
	if !first.IsZero() {
		t.Who = append(t.Who, "since "+w.Clock(first))
		if lasts := w.Now.Sub(first).Round(time.Minute); lasts > 0 {
			t.Who = append(t.Who, kit.Duration(lasts))
		}
	}
	if o.Owner != "" {
		t.Who = append(t.Who, "Owner "+o.Owner)
	}
	if n := len(o.Firing); n > 1 {
		t.Who = append(t.Who, fmt.Sprintf("%d rules fire", n))
	}
	if t.Sev == "page" {
		t.rank += math.Min(o.Burn, 99) / 100
	}
	return t, true
}

func objectiveWhy(w kit.When, o Objective, href string) []Run {
	var why []Run
	if !math.IsNaN(o.Burn) {
		why = append(why, say("Burning "), quote(kit.Burn(o.Burn), href+"#burn-rates"), say(" over the last hour; budget left "))
	} else {
		why = append(why, say("Budget left "))
	}
	why = append(why, quote(kit.Percent(o.Budget.Left, 1), href+"#burn-down"))
	switch {
	case !o.SpentAt.IsZero():
		why = append(why, say(", spent since %s.", w.Clock(o.SpentAt)))
	case !o.Spent.From.IsZero():
		why = append(why, say(", spent %s if it goes on.", between(w, o.Spent)))
	default:
		why = append(why, say("."))
	}
	return append(why, say(" %s of %s events failed.", kit.Count(o.Budget.Bad), kit.Count(o.Budget.Total)))
}

// between is "between 15:08 and 15:43", "at 18:29" or "on Tue 27 Oct".
func between(w kit.When, r kit.Range) string {
	from, to := w.Soon(r.From), w.Soon(r.To)
	if r.To.IsZero() || from == to {
		if strings.Contains(from, ":") {
			return "at " + from
		}
		return "on " + from
	}
	return "between " + from + " and " + to
}

// sourceTodo is an entry for a source that fell silent. One that is read counts who depends on it; of one that pushes that
// is not known.
func sourceTodo(w kit.When, s SourceState) Todo {
	t := Todo{Glyph: "g-nodata", Kind: "Silent source", Href: "/system#sources", Do: "Look", rank: 100 + float64(min(s.Held, 99))}
	read := s.Kind == "prometheus"
	if read {
		t.Class = "warn"
	}
	switch {
	case s.Last.IsZero():
		t.Title = "Source " + s.Name + " has sent nothing yet"
	case read:
		t.Title = fmt.Sprintf("Metric source %s has not answered for %s", s.Name, kit.Duration(w.Now.Sub(s.Last)))
	default:
		t.Title = fmt.Sprintf("Source %s has been silent for %s", s.Name, kit.Duration(w.Now.Sub(s.Last)))
	}
	if s.Error != "" {
		t.Why = append(t.Why, say("%s. ", upperFirst(strings.TrimSuffix(s.Error, "."))))
	}
	if !s.Last.IsZero() {
		t.Why = append(t.Why, say("Last heard "), quote(w.Clock(s.Last), "/system#sources"), say(". "))
	}
	switch {
	case s.Held > 0:
		t.Why = append(t.Why, say("%s no data until it answers; what it missed is counted then.", kit.Plural(s.Held, "objective has", "objectives have")))
	case read:
		t.Why = append(t.Why, say("No objective reads it."))
	default:
		t.Why = append(t.Why, say("Objectives over what it sends have no data until it is back."))
	}
	return t
}
