package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Finding is one thing to know, in a sentence with numbers, and what to do.
type Finding struct {
	Weight int    // 3 look at once, 2 mend soon, 1 good to know
	Title  string // one sentence
	Detail string // what makes it so; may be ""
	Do     string // what to do next; may be ""
}

func (a *Assessment) findings() []Finding {
	var out []Finding
	for _, f := range []func() (Finding, bool){a.nothing, a.missed, a.exhausted, a.broken, a.dead, a.noisy, a.short, a.pages, a.none, a.bare, a.unowned} {
		if one, ok := f(); ok {
			out = append(out, one)
		}
	}
	slices.SortStableFunc(out, func(x, y Finding) int { return cmp.Compare(y.Weight, x.Weight) })
	return out
}

func (a *Assessment) nothing() (Finding, bool) {
	return Finding{3, "No service was found by any of the conventions.", "Looked for: " + list(conventionNames(), 99) + ".",
		"Check that the address is that of the server your services' metrics are in; write objectives by hand for metrics of your own names."}, len(a.Services) == 0
}

func conventionNames() []string {
	var out []string
	for _, c := range Conventions {
		out = append(out, c.Name)
	}
	return out
}

// Missed lists the burns that would have paged and that no alert was there for.
func (a *Assessment) Missed() []Burn { return a.some(slo.Page, false) }

// Pages lists the burns that would have paged.
func (a *Assessment) Pages() []Burn {
	return append(a.some(slo.Page, false), a.some(slo.Page, true)...)
}

func (a *Assessment) some(severity string, covered bool) []Burn {
	return slices.DeleteFunc(slices.Clone(a.Burns), func(b Burn) bool { return b.Severity != severity || covered != (len(b.By) > 0) })
}

func (a *Assessment) missed() (Finding, bool) {
	m := a.Missed()
	if len(m) == 0 {
		return Finding{}, false
	}
	w := m[0]
	return Finding{3, fmt.Sprintf("%d of %s in which a budget burned fast enough to page went without any alert.", len(m), kit.Plural(len(a.Pages()), "stretch", "stretches")),
		fmt.Sprintf("The worst: %s, %s, for %s: %s of a %s budget (%s bad events).", w.Objective, a.when().Clock(w.From), kit.Duration(w.To.Sub(w.From)),
			kit.Share(w.Cost), kit.Duration(budgetWindow), kit.Count(w.Bad)),
		"Apply the drafted objectives; they would have paged at these times."}, true
}

func (a *Assessment) when() kit.When { return kit.When{Now: a.To} }

func (a *Assessment) exhausted() (Finding, bool) {
	var names []string
	for _, d := range a.Drafts {
		if d.Consumed >= 1 {
			names = append(names, fmt.Sprintf("%s (%s)", d.Objective.Name, kit.Share(d.Consumed)))
		}
	}
	return Finding{3, kit.Plural(len(names), "drafted objective has", "drafted objectives have") + " no budget left today.", list(names, 5) + ".",
		"Decide whether reliability work goes first, or whether the target is higher than users need."}, len(names) > 0
}

func (a *Assessment) alerts(which func(*Alert) bool, text func(*Alert) string) (out []string) {
	for i := range a.Alerts {
		if which(&a.Alerts[i]) {
			out = append(out, text(&a.Alerts[i]))
		}
	}
	return out
}

func (a *Assessment) broken() (Finding, bool) {
	names := a.alerts(func(al *Alert) bool { return al.Error != "" }, func(al *Alert) string { return al.Name + " (" + al.Error + ")" })
	return Finding{3, kit.Plural(len(names), "alerting rule cannot", "alerting rules cannot") + " be evaluated.", list(names, 5) + ".", "Mend the queries; until then these alerts are off."}, len(names) > 0
}

func (a *Assessment) dead() (Finding, bool) {
	names := a.alerts(func(al *Alert) bool { return al.Dead != "" && al.Error == "" }, func(al *Alert) string { return al.Name + " (nothing matches " + al.Dead + ")" })
	return Finding{2, kit.Plural(len(names), "alerting rule", "alerting rules") + " cannot fire: the query selects nothing.", list(names, 5) + ".",
		"Delete the rules, or mend the names; an alert that cannot fire is worse than none."}, len(names) > 0
}

func (a *Assessment) noisy() (Finding, bool) {
	names := a.alerts(func(al *Alert) bool { return al.Noise != "" }, func(al *Alert) string { return al.Name + ": " + al.Noise })
	fired := 0
	for _, al := range a.Alerts {
		if al.Noise != "" {
			fired += len(al.Fired)
		}
	}
	return Finding{2, fmt.Sprintf("%s noise; fired %s in %s.", kit.Plural(len(names), "alert is", "alerts are"), times(fired), kit.Duration(a.To.Sub(a.From))), strings.Join(names[:min(5, len(names))], "; ") + ".",
		"Delete them, or let them open tickets; page on burning budgets instead."}, len(names) > 0
}

func (a *Assessment) pages() (Finding, bool) {
	if len(a.Drafts) == 0 {
		return Finding{}, false
	}
	return Finding{1, fmt.Sprintf("The drafted objectives would have paged %s, %s a week over %s.", times(len(a.Pages())), kit.Number(round1(a.PerWeek(0))), kit.Plural(len(a.Drafts), "objective", "objectives")),
		"", ""}, true
}

func (a *Assessment) short() (Finding, bool) {
	known := 0.0
	for _, d := range a.Drafts {
		known = max(known, d.Known)
	}
	there := time.Duration(known * float64(a.span())).Round(time.Minute)
	return Finding{2, fmt.Sprintf("Only %s of %s of history is there: targets and pages are a first guess.", kit.Duration(there), kit.Duration(a.span())), "",
		"Assess again when there are some weeks of history."}, len(a.Drafts) > 0 && known < 0.5
}

func (a *Assessment) none() (Finding, bool) {
	return Finding{2, "The server has no alerting rules.", "", "Apply the drafted objectives, or export them as rules: evenkeel slo export --as rules."}, a.Known && len(a.Alerts) == 0
}

func round1(x float64) float64 { return float64(int(x*10+0.5)) / 10 }

// PerWeek is how many pages a week the i-th policy would have sent over all drafted objectives.
func (a *Assessment) PerWeek(i int) (sum float64) {
	for _, d := range a.Drafts {
		if i < len(d.Trials) {
			sum += float64(len(d.Trials[i].Pages))
		}
	}
	return sum * 7 * 24 / a.To.Sub(a.From).Hours()
}

func (a *Assessment) bare() (Finding, bool) {
	n := map[string]int{}
	rules := 0
	for _, al := range a.Alerts {
		if al.Group == "" || al.Beat {
			continue
		}
		rules++
		for _, l := range al.Lacks {
			n[l]++
		}
	}
	f := Finding{2, fmt.Sprintf("Missing in %s: a runbook in %d, an owner in %d, a dashboard in %d.", kit.Plural(rules, "alerting rule", "alerting rules"), n["runbook"], n["owner"], n["dashboard"]), "",
		"Whoever is woken needs to know what to do: add runbook_url, team and dashboard_url."}
	if n["runbook"] < rules/2 {
		f.Weight = 1
	}
	return f, n["runbook"]+n["owner"]+n["dashboard"] > 0
}

func (a *Assessment) unowned() (Finding, bool) {
	return Finding{2, kit.Plural(len(a.Services), "service has", "services have") + " no owner: metrics do not say who answers for them.", "The drafted catalog names the placeholder group \"unowned\".",
		"Put the team's name into spec.owner of each service in catalog/."}, len(a.Services) > 0
}

// span is how long the history is.
func (a *Assessment) span() time.Duration { return a.To.Sub(a.From) }
