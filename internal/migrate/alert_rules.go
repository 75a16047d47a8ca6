package migrate

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"text/template"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// budget is 1 - target as an exact decimal.
func budget(t slo.Decimal) string { return exact(new(big.Rat).Sub(big.NewRat(1, 1), t.Rat())) }

// inPercent is a target in per cent as an exact decimal.
func inPercent(t slo.Decimal) string { return exact(new(big.Rat).Mul(big.NewRat(100, 1), t.Rat())) }

func exact(r *big.Rat) string {
	s := r.FloatString(14)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// alertRules are two alerts, page and ticket, each for all pairs of its severity.
func (w *ruleWriter) alertRules() []any {
	var out []any
	for _, severity := range []string{slo.Page, slo.Ticket} {
		var pairs []string
		for _, r := range w.plan.Rules {
			if r.Severity == severity && !r.Trickle {
				pairs = append(pairs, w.burning(r))
			}
		}
		if len(pairs) > 0 {
			out = append(out, w.alert(severity, strings.Join(pairs, "\nor\n")))
		}
	}
	return out
}

// burning is the condition of one pair: both windows above factor times budget.
func (w *ruleWriter) burning(r slo.Rule) string {
	limit := strconv.FormatFloat(r.Factor, 'g', 12, 64) + " * " + budget(w.o.Target)
	line := func(series string) string {
		return fmt.Sprintf("    max(%s%s > (%s)) without (sloth_window)", series, w.selector, limit)
	}
	return "(\n" + line(errorSeries(r.Short)) + "\n    and\n" + line(errorSeries(r.Long)) + "\n)"
}

func (w *ruleWriter) alert(severity, expr string) tree.Obj {
	labels := map[string]string{"severity": severity}
	w.keptTexts(labels, keyAlertLabels)
	annotations := map[string]string{}
	w.keptTexts(annotations, keyAlertNotes)
	key := keyTicketLabels
	if severity == slo.Page {
		key = keyPageLabels
	}
	w.keptTexts(labels, key)
	// The id makes the rule differ from that of another objective with the same alert name.
	maps.Copy(labels, map[string]string{"sloth_severity": severity, "sloth_id": w.id, "sloth_service": w.o.Service, "sloth_slo": w.sloName})
	if w.o.Runbook != "" && annotations["runbook_url"] == "" {
		annotations["runbook_url"] = literal(w.o.Runbook)
	}
	annotations["title"] = "(" + severity + ") {{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is too fast."
	return tree.Obj{{Key: "alert", Value: w.alertName()}, {Key: "expr", Value: expr}, {Key: "labels", Value: textsObj(labels)},
		{Key: "annotations", Value: textsObj(annotations)}}
}

// keptTexts adds the texts that an import kept for the exported alerts; one that is no valid template stands as text.
func (w *ruleWriter) keptTexts(to map[string]string, key string) {
	var kept map[string]string
	if json.Unmarshal([]byte(w.o.Annotations[prefix+key]), &kept) != nil {
		return // absent, or not ours
	}
	for k, v := range kept {
		if k = promLabel(k); k == "" {
			continue
		}
		if !isTemplate(v) {
			v = literal(v)
		}
		to[k] = v
	}
}

func (w *ruleWriter) alertName() string {
	if name := w.o.Annotations[prefix+keyAlertName]; name != "" {
		return name
	}
	var b strings.Builder
	for _, part := range strings.FieldsFunc(label(w.o.Name), func(r rune) bool { return r == '-' }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String() + "BudgetBurn"
}

var notPromLabel = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// promLabel makes a label name every Prometheus takes; "" for one that is Prometheus' own.
func promLabel(s string) string {
	s = notPromLabel.ReplaceAllString(s, "_")
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	if strings.HasPrefix(s, "__") {
		return ""
	}
	return s
}

// literal keeps Prometheus from taking a text for a template.
func literal(s string) string { return strings.ReplaceAll(s, "{{", `{{"{{"}}`) }

// Functions of Prometheus' templates (docs, "Template reference").
var templateFunctions = func() template.FuncMap {
	m := template.FuncMap{}
	for _, name := range []string{"query", "first", "label", "value", "sortByLabel", "strvalue", "args", "reReplaceAll", "safeHtml", "match", "title",
		"toUpper", "toLower", "graphLink", "tableLink", "stripPort", "stripDomain", "humanize", "humanize1024", "humanizeDuration",
		"humanizePercentage", "humanizeTimestamp", "toTime", "toDuration", "now", "pathPrefix", "externalURL", "parseDuration", "urlQueryEscape"} {
		m[name] = func() string { return "" }
	}
	return m
}()

func isTemplate(s string) bool {
	if !strings.Contains(s, "{{") {
		return true
	}
	const head = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
	_, err := template.New("alert").Funcs(templateFunctions).Parse(head + s)
	return err == nil
}
