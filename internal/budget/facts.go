package budget

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
)

// By names this evaluator in the facts it writes.
const By = "evaluator:slo"

func about(name string) event.Ref { return event.NewRef("slo", name) }

// key makes the idempotency key of a conclusion: who, about what, at which tick. A second evaluator that concludes the
// same adds nothing.
func key(kind event.Kind, subject string, at int64, more ...string) string {
	return strings.Join(append([]string{By, string(kind), subject, strconv.FormatInt(at, 10)}, more...), "|")
}

var idText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// alertID names one alert: the same for whoever evaluates the same rule at the same tick.
func alertID(name, group, rule string, since slo.Instant) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d", name, group, rule, since))
	return idText.EncodeToString(sum[:])[:20]
}

func countsOf(s slo.Sums, window time.Duration) *event.Counts {
	return &event.Counts{WindowS: int64(window.Seconds()), Bad: s.Bad, Total: s.Total, Allowed: s.Allowed, Burn: s.Burn}
}

// alertEvent is the fact of a rule that began to fire or ended.
func (g *group) alertEvent(t slo.Transition) event.Event {
	o := g.track.plan.Objective
	id := alertID(o.Name, g.key, t.Rule.Name, t.Since)
	if !t.Fired {
		return event.Event{At: t.At.Time(), By: By, About: about(o.Name), Key: key("alert.ended", o.Name, t.At.Slot(), g.key, t.Rule.Name),
			Fact: &event.AlertEnded{AlertID: id, EndsAt: t.At.Time(), How: "resolved",
				Long: countsOf(t.Long, t.Rule.Long), Short: countsOf(t.Short, t.Rule.Short)}}
	}
	return event.Event{At: t.At.Time(), By: By, About: about(o.Name), Key: key("alert.fired", o.Name, t.At.Slot(), g.key, t.Rule.Name),
		Fact: &event.AlertFired{AlertID: id, GroupKey: groupKey(o.Name, g.key), Rule: t.Rule.Name, Service: o.Service,
			Severity: t.Rule.Severity, StartsAt: t.At.Time(), SLO: o.Name, Group: g.labels, Query: g.track.query(g, t.Rule.Long),
			Factor: t.Rule.Factor, Long: countsOf(t.Long, t.Rule.Long), Short: countsOf(t.Short, t.Rule.Short)}}
}

// endedBy is the fact of a firing rule that ends because it is gone.
func (g *group) endedBy(rule string, at slo.Instant, how string) event.Event {
	o := g.track.plan.Objective
	return event.Event{At: at.Time(), By: By, About: about(o.Name), Key: key("alert.ended", o.Name, at.Slot(), g.key, rule),
		Fact: &event.AlertEnded{AlertID: alertID(o.Name, g.key, rule, g.mark.Firing[rule].Since), EndsAt: at.Time(), How: how}}
}

func groupKey(name, group string) string {
	if group == "" {
		return name
	}
	return name + "{" + group + "}"
}

// query is PromQL that shows what was counted: the rate of bad events over a window.
func (t *track) query(g *group, window time.Duration) string {
	return Query(t.plan.Objective, g.labels, window)
}

// Query is PromQL that approximates the share of bad events of an objective over a window, for people who want to look
// for themselves. Ours counts exactly (docs/slo.md, §2); rate extrapolates.
func Query(o slo.Objective, group map[string]string, window time.Duration) string {
	if o.Composite != nil {
		var parts []string
		for _, p := range o.Composite.Parts {
			parts = append(parts, Query(p.Objective, group, window))
		}
		return strings.Join(parts, "\nor\n")
	}
	in, w := o.Indicator, promDuration(window)
	total, bad := sumOf(in.Total, w, group), sumOf(in.Bad, w, group)
	switch in.Kind {
	case slo.BadTotal:
		return bad + "\n/\n" + total
	case slo.GoodTotal:
		return "1 - " + sumOf(in.Good, w, group) + "\n/\n" + total
	case slo.Gauge:
		ops := map[string]string{"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "eq": "==", "ne": "!="}
		return fmt.Sprintf("1 - avg_over_time((%s %s bool %v)[%s:])", restrict(in.Total, group), ops[in.Op], in.Threshold, w)
	case slo.Histogram:
		return fmt.Sprintf("sum by (le) (rate(%s[%s]))", restrict(in.Total, group), w)
	case slo.Native:
		return fmt.Sprintf("1 - histogram_fraction(-Inf, %v, sum(rate(%s[%s])))", in.Threshold, restrict(in.Total, group), w)
	}
	return windowed(in.Total.Text)
}

func sumOf(q slo.Query, window string, group map[string]string) string {
	if !q.Exact() {
		return windowed(q.Text)
	}
	var b strings.Builder
	for i, t := range q.Terms {
		switch {
		case t.Factor == -1:
			b.WriteString(" - ")
		case i > 0:
			b.WriteString(" + ")
		}
		if t.Factor != 1 && t.Factor != -1 {
			fmt.Fprintf(&b, "%v * ", t.Factor)
		}
		fmt.Fprintf(&b, "sum(rate(%s[%s]))", withGroup(t.Selector, group), window)
	}
	return b.String()
}

func restrict(q slo.Query, group map[string]string) string {
	if !q.Exact() {
		return windowed(q.Text)
	}
	return withGroup(q.Terms[0].Selector, group)
}

// withGroup narrows a selector to a group's labels.
func withGroup(selector string, group map[string]string) string {
	var more []string
	for _, name := range sortedKeys(group) {
		more = append(more, name+"="+strconv.Quote(group[name]))
	}
	if len(more) == 0 {
		return selector
	}
	body, closed := strings.CutSuffix(strings.TrimSpace(selector), "}")
	if !closed {
		return selector + "{" + strings.Join(more, ",") + "}"
	}
	if body = strings.TrimRight(body, " ,"); !strings.HasSuffix(body, "{") {
		body += ","
	}
	return body + strings.Join(more, ",") + "}"
}

func promDuration(d time.Duration) string {
	if d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	if d%time.Hour == 0 {
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}
