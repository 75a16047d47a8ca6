package cli

import (
	"fmt"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/kit"
)

func (e *env) printBacktests(list []api.Backtest) error {
	if e.format != "table" {
		t := backtestTable()
		t.head = append([]string{"slo", "group"}, t.head...)
		for _, b := range list {
			for _, row := range backtestRows(b) {
				t.add(append([]any{b.SLO, b.Group}, row...)...)
			}
		}
		return e.print(list, t)
	}
	for i, b := range list {
		if i > 0 {
			fmt.Fprintln(e.Out)
		}
		if err := e.printBacktest(b); err != nil {
			return err
		}
	}
	return nil
}

func (e *env) printBacktest(b api.Backtest) error {
	title := b.SLO
	if b.Group != "" {
		title += " " + b.Group
	}
	fmt.Fprintf(e.Out, "%s, %s to %s\n", title, clock(&b.From), clock(&b.To))
	if len(b.Trials) == 0 || b.Events == 0 {
		fmt.Fprintln(e.Out, "Nothing was counted in this time, so there is nothing to replay. Check the queries and the source.")
		return nil
	}
	fmt.Fprintf(e.Out, "%s of the minutes have samples, %s events, %s\n\n", human(share(b.Covered)), human(events(b.Events)), kit.Plural(b.Incidents, "incident", "incidents"))
	t := backtestTable()
	t.rows = backtestRows(b)
	if err := e.print(b, t); err != nil {
		return err
	}
	fmt.Fprintf(e.Out, "\nRecommended: %s\n", b.Trials[0].Policy)
	if b.Tradeoff != "" {
		fmt.Fprintln(e.Out, b.Tradeoff)
	}
	if b.Incidents == 0 {
		fmt.Fprintln(e.Out, "No incident is known, so nothing says which pages were right; evenkeel incident record adds one, --incidents FILE names a file of them.")
	}
	for _, x := range b.Trials {
		for _, why := range x.Refused {
			fmt.Fprintf(e.Out, "%s: %s\n", x.Policy, why)
		}
	}
	return nil
}

func backtestTable() table {
	return table{head: []string{"policy", "pages", "a week", "caught", "incidents", "precision", "detect p50", "detect p95", "clears", "spent before"}}
}

func backtestRows(b api.Backtest) [][]any {
	var t table
	for _, x := range b.Trials {
		t.add(x.Policy, x.Pages, x.PagesPerWeek, x.Detected, b.Incidents, opt(x.Precision, percent), opt(x.DetectP50S, seconds), opt(x.DetectP95S, seconds), opt(x.ResetP50S, seconds),
			opt(x.SpentMax, percent))
	}
	return t.rows
}
