package migrate

import (
	"encoding/json"
	"strconv"
	"strings"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// slothAlerts reads alerting: which severities alert at all; names and labels are kept for the rules we write.
func (im *importer) slothAlerts(o object, n *tree.Node, out *slo.Objective) {
	a := n.Get("alerting")
	im.slothUnknown(o, a, "name", "labels", "annotations", "page_alert", "pageAlert", "ticket_alert", "ticketAlert")
	page, ticket := a.First("page_alert", "pageAlert"), a.First("ticket_alert", "ticketAlert")
	noPage, noTicket := im.disabled(o, page), im.disabled(o, ticket)
	if name := a.Get("name"); name.Str() == "" && !(noPage && noTicket) {
		im.refuse(o, first(name, a, n), slothField(name, a), "alert-name", "the alert has no name", "name it, or disable both page_alert and ticket_alert")
	}
	im.slothPairs(noPage, noTicket, out)
	if a.Get("name").Str() != "" {
		annotate(out, keyAlertName, a.Get("name").Str())
	}
	notes := im.texts(o, a.Get("annotations"))
	for _, key := range []string{"runbook", "runbook_url"} {
		if notes[key] != "" {
			out.Runbook = notes[key]
		}
	}
	keepTexts(out, keyAlertNotes, notes)
	keepTexts(out, keyAlertLabels, im.texts(o, a.Get("labels")))
	keepTexts(out, keyPageLabels, im.texts(o, page.Get("labels")))
	keepTexts(out, keyTicketLabels, im.texts(o, ticket.Get("labels")))
}

func slothField(name, alerting *tree.Node) string {
	switch {
	case name != nil:
		return ""
	case alerting != nil:
		return "name"
	}
	return "alerting.name"
}

func (im *importer) disabled(o object, n *tree.Node) bool {
	im.slothUnknown(o, n, "disable", "labels", "annotations")
	off, valid := n.Get("disable").Bool()
	if !valid {
		im.refuse(o, n.Get("disable"), "", "disable", "disable is true or false", "write one of them")
	}
	return off
}

// slothPairs leaves the tier's own pairs, which at 30 days are Sloth's, unless something was switched off or an
// AlertWindows document gives others.
func (im *importer) slothPairs(noPage, noTicket bool, out *slo.Objective) {
	if noPage && noTicket {
		out.NoAlerts = true
	}
	pairs := slothDefaults
	if w, ok := im.chosenWindows(); ok {
		out.Window.Rolling = w.Window.Rolling
		pairs = w.Pairs
	} else if noPage == noTicket {
		return
	}
	for _, p := range pairs {
		if p.Severity == "page" && !noPage || p.Severity == "ticket" && !noTicket {
			out.Pairs = append(out.Pairs, p)
		}
	}
}

// keepTexts keeps a map as JSON in an annotation.
func keepTexts(out *slo.Objective, key string, m map[string]string) {
	if len(m) == 0 {
		return
	}
	b, err := json.Marshal(m)
	if err == nil { // always: a map of texts
		annotate(out, key, string(b))
	}
}

// alertWindows is Sloth's AlertWindows: pairs for SLOs of one period.
type alertWindows struct {
	Window slo.Window
	Pairs  []slo.Pair
}

func isAlertWindows(d *tree.Node) bool {
	return d.Get("apiVersion").Str() == "sloth.slok.dev/v1" && d.Get("kind").Str() == "AlertWindows"
}

// chosenWindows are the AlertWindows of this import: those for Sloth's default period of 30 days, or the only ones.
func (im *importer) chosenWindows() (alertWindows, bool) {
	for _, w := range im.windows {
		if w.Window.Rolling == 30*day || len(im.windows) == 1 {
			return w, true
		}
	}
	return alertWindows{}, false
}

func referAlertWindows(im *importer, o object) {
	mark := len(im.found)
	spec := o.node.Get("spec")
	period, err := span(spec.Get("sloPeriod").Str())
	if err != nil || period <= 0 {
		n := spec.Get("sloPeriod")
		im.refuse(o, first(n, spec), field(n, "sloPeriod"), "time-window", "the period is missing or no length of time", "write one such as 30d")
	}
	w := alertWindows{Window: slo.Window{Rolling: period}}
	for _, severity := range []string{"page", "ticket"} {
		for _, speed := range []string{"quick", "slow"} {
			w.Pairs = append(w.Pairs, im.alertWindow(o, spec, severity, speed))
		}
	}
	if !im.failedSince(mark) {
		im.windows = append(im.windows, w)
	}
}

func (im *importer) alertWindow(o object, spec *tree.Node, severity, speed string) slo.Pair {
	n := spec.Get(severity, speed)
	if !n.Is(tree.Map) {
		im.refuse(o, first(n, spec), severity+"."+speed, "alert-condition", "the window is missing", "write errorBudgetPercent, shortWindow and longWindow")
		return slo.Pair{}
	}
	p := slo.Pair{Severity: severity, Long: im.length(o, n, "longWindow"), Short: im.length(o, n, "shortWindow")}
	p.Name = severity + "-" + strings.ReplaceAll(spanString(p.Long), " ", "")
	percent, err := strconv.ParseFloat(n.Get("errorBudgetPercent").Str(), 64)
	if err != nil || !finite(percent) || percent <= 0 || percent > 100 {
		at := n.Get("errorBudgetPercent")
		im.refuse(o, first(at, n), field(at, "errorBudgetPercent"), "alert-condition", "the share of the budget is missing or not between 0 and 100 %", "write per cent, such as 2")
	}
	p.Spend = percent / 100
	return p
}

// readAlertWindows has nothing to add: the windows are known since referAlertWindows.
func readAlertWindows(im *importer, o object) {
	im.note(o, o.node, "", "alert-windows", "these windows are used by the Sloth SLOs of the same import")
}
