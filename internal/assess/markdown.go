package assess

import (
	"fmt"
	"strings"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Summary is the assessment in one sentence.
func (a *Assessment) Summary() string {
	noisy := len(a.alerts(func(al *Alert) bool { return al.Noise != "" }, func(*Alert) string { return "" }))
	pages, missed := len(a.Pages()), len(a.Missed())
	s := fmt.Sprintf("%s, %s drafted. Over %s they would have paged %s; ", kit.Plural(len(a.Services), "service", "services"),
		kit.Plural(len(a.Drafts), "objective", "objectives"), kit.Duration(a.span()), times(pages))
	switch {
	case pages == 0:
		s = strings.TrimSuffix(s, "; ") + "."
	case missed == pages:
		s += "no alert that is there fired for any of these."
	case missed == 0:
		s += "for each of these an alert that is there fired."
	default:
		s += fmt.Sprintf("no alert that is there fired for %d of these.", missed)
	}
	switch {
	case a.Known && len(a.Alerts) == 0:
		s += " The server has no alerting rules."
	case noisy > 0:
		s += fmt.Sprintf(" Of %s, %d are noise.", kit.Plural(len(a.Alerts), "alert", "alerts"), noisy)
	}
	return s
}

// period is the history's begin and end, with their dates.
func (a *Assessment) period() string {
	const layout = "2 Jan 2006 15:04"
	return a.From.Format(layout) + " to " + a.To.Format(layout) + " (UTC)"
}

// maxRows bounds the tables of a report; what is left out is counted.
const maxRows = 60

// Markdown is the report as text.
func (a *Assessment) Markdown() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "# What the alerts miss\n\n%s, %s\n\n%s\n", cell(a.Address), a.period(), a.Summary())
	b.WriteString("\n## Findings\n")
	for i, f := range a.Findings {
		fmt.Fprintf(&b, "\n%d. **%s**", i+1, cell(f.Title))
		if f.Detail != "" {
			b.WriteString(" " + cell(f.Detail))
		}
		if f.Do != "" {
			b.WriteString("\n   *Next:* " + cell(f.Do))
		}
		b.WriteString("\n")
	}
	rows(&b, "Drafted objectives", []string{"Objective", "Target", "Attained", "Budget spent, last 28 d", "Pages a week", "Why this target"}, a.draftRows())
	rows(&b, "What would have paged", []string{"Objective", "From", "For", "Bad events", "Budget", "Alerts that fired"}, a.burnRows(slo.Page))
	rows(&b, "What would have opened a ticket", []string{"Objective", "From", "For", "Bad events", "Budget", "Alerts that fired"}, a.burnRows(slo.Ticket))
	rows(&b, "The alerts that are there", []string{"Alert", "Fired", "With a burning budget", "Half within", "Lacks", "Judgement"}, a.alertRows())
	rows(&b, "Alert policies compared, all drafted objectives", []string{"Policy", "Pages a week"}, a.policyRows())
	rows(&b, "Services", []string{"Service", "Found by", "Requests a second"}, a.serviceRows())
	b.WriteString("\n## How this was measured\n\n")
	for _, line := range a.method() {
		b.WriteString("- " + cell(line) + "\n")
	}
	if len(a.LeftOut) > 0 {
		b.WriteString("\n## What was left out\n\n")
		for _, line := range a.LeftOut {
			b.WriteString("- " + cell(line) + "\n")
		}
	}
	return []byte(b.String())
}

// cell keeps telemetry's own text from being read as Markdown or HTML.
func cell(s string) string {
	return strings.NewReplacer("\n", " ", "|", "\\|", "<", "&lt;", "*", "\\*", "`", "'", "[", "\\[").Replace(s)
}

func rows(b *strings.Builder, title string, head []string, body [][]string) {
	if len(body) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n| %s |\n|%s\n", title, strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, r := range body[:min(maxRows, len(body))] {
		for i := range r {
			r[i] = cell(r[i])
		}
		b.WriteString("| " + strings.Join(r, " | ") + " |\n")
	}
	if n := len(body) - maxRows; n > 0 {
		fmt.Fprintf(b, "\nand %d more.\n", n)
	}
}

func (a *Assessment) draftRows() (out [][]string) {
	for _, d := range a.Drafts {
		out = append(out, []string{d.Objective.Name, percent(d.Objective.Target), kit.Percent(d.Attained, 3), kit.Share(d.Consumed), kit.Number(round1(d.pagesAWeek())), d.Why})
	}
	return out
}

func (d Draft) pagesAWeek() float64 {
	if len(d.Trials) == 0 {
		return 0
	}
	return d.Trials[0].PagesPerWeek
}

func (a *Assessment) burnRows(severity string) (out [][]string) {
	for _, x := range a.Burns {
		if x.Severity != severity {
			continue
		}
		by := "none"
		if len(x.By) > 0 {
			by = list(x.By, 4)
		}
		out = append(out, []string{x.Objective, a.when().Clock(x.From), x.length(), kit.Count(x.Bad), kit.Share(x.Cost), by})
	}
	return out
}

func (x Burn) length() string {
	s := kit.Duration(x.To.Sub(x.From))
	if x.Open {
		s += ", not over"
	}
	return s
}

func (a *Assessment) alertRows() (out [][]string) {
	for i := range a.Alerts {
		al := &a.Alerts[i]
		_, median := al.lasted()
		half := "–"
		if len(al.Fired) > 0 {
			half = kit.Duration(median)
		}
		out = append(out, []string{al.Name, times(len(al.Fired)), kit.Count(float64(al.Hurt)), half, strings.Join(al.Lacks, ", "), al.Verdict()})
	}
	return out
}

// Verdict is what to think of the alert, in words.
func (al *Alert) Verdict() string {
	switch {
	case al.Error != "":
		return "cannot be evaluated: " + al.Error
	case al.Dead != "":
		return "cannot fire: nothing matches " + al.Dead
	case al.Beat:
		return "heartbeat"
	case al.Noise != "":
		return "noise: " + al.Noise
	case len(al.Fired) == 0:
		return "never fired"
	case al.Hurt > 0:
		return "told of a burning budget"
	}
	return "fired while no drafted budget burned"
}

func (a *Assessment) policyRows() (out [][]string) {
	if len(a.Drafts) == 0 {
		return nil
	}
	for i, t := range a.Drafts[0].Trials {
		name := t.Policy.Name
		if i == 0 {
			name = "Default of the drafted tier"
		}
		out = append(out, []string{name, kit.Number(round1(a.PerWeek(i)))})
	}
	return out
}

func (a *Assessment) serviceRows() (out [][]string) {
	for _, s := range a.Services {
		rate := kit.Number(s.Rate)
		if s.Convention.Gauge {
			rate = "– (" + kit.Plural(int(s.Rate), "series", "series") + ")"
		}
		out = append(out, []string{s.Name, s.Convention.Name, rate})
	}
	return out
}

// method says how the numbers came about.
func (a *Assessment) method() []string {
	return []string{
		fmt.Sprintf("Read only: %s, %s points in the answers.", kit.Plural(a.Queries, "query", "queries"), kit.Count(float64(a.Points))),
		fmt.Sprintf("History was read as events a minute, from rates over %s, so as not to burden the server; once applied, objectives are counted from raw samples.", kit.Duration(a.Window)),
		fmt.Sprintf("Would have paged: the evaluator that alerts live, with the default policy of tier %d, over a %s window. Minutes without data do not count.", tier, kit.Duration(budgetWindow)),
		"True incidents are not known here, so neither recall nor precision is given. Put incidents into incidents.yaml and run a back-test for these.",
		"An alert was there for a burn when it fired within 15 minutes before to 5 minutes after it, and its labels or query name the service, or it names none and reads the same metric.",
		fmt.Sprintf("Noise: at least %d firings and one a week, half of them within %s, at most a quarter while a budget of the same service burned; or firing nearly all the time.", noisyTimes, kit.Duration(noisyMedian)),
		"Services are those with samples in the last hour.",
	}
}
