package migrate

import (
	"strconv"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// policies turns an SLO's alert policies into burn-rate pairs. None leaves the tier's defaults.
func (im *importer) policies(o object, out *slo.Objective) {
	list := o.node.Get("spec", "alertPolicies")
	if list.Empty() {
		return
	}
	if !list.Is(tree.List) {
		im.refuse(o, list, "", "alert-policy", "alertPolicies is a list", "write - alertPolicyRef: name")
		return
	}
	breaching := false
	for _, n := range list.Items {
		policy, ok := im.inlineOrRef(o, n, "alertPolicyRef", "AlertPolicy")
		if !ok {
			continue
		}
		spec := policy.node.Get("spec")
		if policy.part {
			im.checkPolicy(policy)
		}
		if noData, _ := spec.Get("alertWhenNoData").Bool(); noData {
			im.note(policy, spec.Get("alertWhenNoData"), "", "no-data", "minutes without data count as bad")
			out.NoData = slo.BadData
		}
		if !im.alertsOnBreach(policy, spec) {
			continue
		}
		breaching = true
		out.Pairs = append(out.Pairs, im.pairs(policy, spec)...)
	}
	if len(list.Items) > 0 && !breaching {
		out.NoAlerts = true
	}
}

// alertsOnBreach reads alertWhenBreaching; a policy that says nothing about when it alerts is taken to mean breaches.
func (im *importer) alertsOnBreach(o object, spec *tree.Node) bool {
	n := spec.Get("alertWhenBreaching")
	if n.Empty() && spec.Get("alertWhenNoData").Empty() && spec.Get("alertWhenResolved").Empty() {
		im.note(o, spec, "alertWhenBreaching", "alert-policy", "not given, read as true")
		return true
	}
	yes, _ := n.Bool()
	return yes
}

// inlineOrRef finds an object given by reference or written out in place. A bare text is v1alpha's reference.
func (im *importer) inlineOrRef(o object, n *tree.Node, field, kind string) (object, bool) {
	if n.Is(tree.Scalar) {
		return im.resolve(o, n, kind)
	}
	if r := n.Get(field); !r.Empty() {
		return im.resolve(o, r, kind)
	}
	if k := n.Get("kind"); k != nil && k.Str() != kind {
		im.refuse(o, k, "", "unknown-kind", quoted(k.Str())+" stands where a "+kind+" belongs", "write kind: "+kind)
		return object{}, false
	}
	if !n.Get("spec").Is(tree.Map) {
		im.refuse(o, n, field, "no-reference", "neither a reference nor a "+kind+" written out", "write "+field+": name")
		return object{}, false
	}
	return object{file: o.file, node: n, kind: kind, format: o.format, part: true}, true
}

// checkPolicy checks an AlertPolicy with the conditions and targets it names (OpenSLO v1, section "AlertPolicy").
func (im *importer) checkPolicy(o object) {
	spec := o.node.Get("spec")
	im.unknown(o, spec, "description", "alertWhenNoData", "alertWhenResolved", "alertWhenBreaching", "conditions", "notificationTargets")
	for _, key := range []string{"alertWhenNoData", "alertWhenResolved", "alertWhenBreaching"} {
		if _, valid := spec.Get(key).Bool(); !valid {
			im.refuse(o, spec.Get(key), "", "alert-policy", "this is true or false", "write one of them")
		}
	}
	conditions := spec.Get("conditions")
	if !conditions.Is(tree.List) || len(conditions.Items) == 0 {
		im.refuse(o, first(conditions, spec), field(conditions, "conditions"), "alert-policy", "the policy has no condition", "write one under conditions")
		return
	}
	if len(conditions.Items) > 1 {
		im.deviates(o, conditions.Items[1], "", "alert-policy", "a policy has one condition", "each is read as a rule of its own")
	}
	for _, n := range conditions.Items {
		if c, ok := im.inlineOrRef(o, n, "conditionRef", "AlertCondition"); ok && c.part {
			im.checkCondition(c)
		}
	}
	if targets := spec.Get("notificationTargets"); targets.Is(tree.List) {
		for _, n := range targets.Items {
			if t, ok := im.inlineOrRef(o, n, "targetRef", "AlertNotificationTarget"); ok && t.part {
				im.checkTarget(t)
			}
		}
	}
}

func (im *importer) checkTarget(o object) {
	im.unknown(o, o.node.Get("spec"), "description", "target")
	if n := o.node.Get("spec", "target"); n.Str() == "" {
		im.deviates(o, first(n, o.node.Get("spec")), field(n, "target"), "notification-target", "the target is missing", "who is told is decided by the on-call rota")
	}
}

func (im *importer) checkDataSource(o object) {
	spec := o.node.Get("spec")
	im.unknown(o, spec, "description", "type", "connectionDetails")
	if n := spec.Get("type"); n.Str() == "" {
		im.refuse(o, first(n, spec), field(n, "type"), "data-source", "the type is missing", "write type: Prometheus")
	}
}

// checkCondition checks an AlertCondition by reading it.
func (im *importer) checkCondition(o object) { im.pair(o) }

// pairs reads the conditions of a policy that are there; checkPolicy has reported the others.
func (im *importer) pairs(o object, spec *tree.Node) []slo.Pair {
	conditions := spec.Get("conditions")
	if !conditions.Is(tree.List) {
		return nil
	}
	quiet := &importer{options: im.options, index: im.index}
	var out []slo.Pair
	for _, n := range conditions.Items {
		c, ok := quiet.inlineOrRef(o, n, "conditionRef", "AlertCondition")
		if !ok {
			im.found = append(im.found, quiet.found...) // the SLO needs it: refused here even when the policy is elsewhere
			continue
		}
		p, ok := quiet.pair(c)
		if !ok {
			continue // reported at the condition itself
		}
		out = append(out, p)
	}
	return out
}

// pair reads an AlertCondition (§8, "OpenSLO AlertCondition").
func (im *importer) pair(o object) (p slo.Pair, ok bool) {
	mark := len(im.found)
	spec := o.node.Get("spec")
	im.unknown(o, spec, "description", "severity", "condition")
	c := spec.Get("condition")
	im.unknown(o, c, "kind", "op", "threshold", "lookbackWindow", "alertAfter")
	p.Name = o.node.Get("metadata", "name").Str()
	p.Severity = im.severity(o, spec)
	if kind := c.Get("kind"); kind.Str() != "burnrate" {
		im.refuse(o, first(kind, c, spec), field(kind, "condition.kind"), "alert-condition", "the condition's kind is missing or unknown: "+quoted(kind.Str()), "write kind: burnrate")
		return p, false
	}
	im.conditionOp(o, c)
	threshold := c.Get("threshold")
	factor, err := strconv.ParseFloat(threshold.Str(), 64)
	if err != nil || !finite(factor) || factor <= 0 {
		im.refuse(o, first(threshold, c), field(threshold, "threshold"), "alert-condition", "the burn rate is missing or not above 0: "+quoted(threshold.Str()), "write a factor such as 14.4")
	} else if factor < 1 {
		im.refuse(o, threshold, "", "alert-condition", "a burn rate below 1 never uses the budget up", "write a factor of 1 or more")
	}
	p.Factor = factor
	p.Long = im.length(o, c, "lookbackWindow")
	p.Short = max(time.Minute, (p.Long / 12).Truncate(time.Minute))
	if c.Get("alertAfter") != nil {
		p.Short = im.length(o, c, "alertAfter")
	}
	if p.Short > p.Long && p.Long > 0 {
		im.refuse(o, c.Get("alertAfter"), "", "alert-condition", "alertAfter is longer than lookbackWindow", "make it the shorter of the two")
	}
	if p.Name == "" {
		p.Name = p.Severity + "-" + spanString(p.Long)
	}
	im.spend(o, &p)
	return p, !im.failedSince(mark)
}

// spend reads our annotation that gives the share of the budget instead of the factor computed from it.
func (im *importer) spend(o object, p *slo.Pair) {
	n := o.node.Get("metadata", "annotations").Get(prefix + keySpend)
	if n == nil {
		return
	}
	spend, err := strconv.ParseFloat(n.Str(), 64)
	if err != nil || spend <= 0 || spend > 1 {
		im.refuse(o, n, "", "extra", quoted(n.Str())+" is no share of the budget", "write a number above 0 and at most 1, such as 0.02")
		return
	}
	p.Spend, p.Factor = spend, 0
}

func (im *importer) conditionOp(o object, c *tree.Node) {
	switch op := c.Get("op"); op.Str() {
	case "gt", "gte":
	case "lt", "lte": // in the specification's own example
		im.note(o, op, "", "alert-condition", "a burn-rate alert fires above its threshold; "+op.Str()+" is read as gt")
	default:
		im.refuse(o, first(op, c), field(op, "op"), "alert-condition", "how the burn rate is compared is missing or unknown: "+quoted(op.Str()), "write op: gt")
	}
}

var severities = map[string]string{"page": "page", "critical": "page", "high": "page", "ticket": "ticket"}

func (im *importer) severity(o object, spec *tree.Node) string {
	n := spec.Get("severity")
	if n.Str() == "" {
		im.deviates(o, first(n, spec), field(n, "severity"), "severity", "the severity is missing", "read as ticket")
		return "ticket"
	}
	s, known := severities[n.Str()]
	if !known {
		s = "ticket"
	}
	if s != n.Str() {
		im.note(o, n, "", "severity", quoted(n.Str())+" is read as "+s)
	}
	return s
}

// length reads a window of a condition: whole minutes, one or more (§1).
func (im *importer) length(o object, c *tree.Node, key string) time.Duration {
	n := c.Get(key)
	d, err := span(n.Str())
	if err == nil && (d < time.Minute || d%time.Minute != 0) {
		d, err = 0, errNotMinutes
	}
	if err != nil {
		im.refuse(o, first(n, c), field(n, key), "alert-condition", err.Error(), "write whole minutes, such as 5m or 1h")
	}
	return d
}
