package migrate

import (
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// AlertRule is one alerting rule of a Prometheus rule file.
type AlertRule struct {
	Name         string
	Group        string
	Expr         string            // PromQL, parsed and found valid
	For          time.Duration     // how long it has to hold before it fires; 0 = at once
	KeepFiring   time.Duration     // how long it goes on firing after it stopped holding
	Interval     time.Duration     // of the group's evaluation; 0 = Prometheus' default
	Labels       map[string]string // the group's and its own
	Annotations  map[string]string
	File         string
	Line, Column int
}

// ReadRules reads the alerting rules of a Prometheus rule file (groups) or PrometheusRule resource, every document and
// list item of it, in the order of the file. Recording rules are passed over. A rule that is not valid is left out with an
// error; a file without rules is an error.
func ReadRules(file string, data []byte) ([]AlertRule, []kit.Problem) {
	im := &importer{index: map[ref]object{}}
	r := ruleReader{im: im}
	docs := im.open(File{file, data})
	for i, d := range docs {
		groups := first(d.node.Get("groups"), d.node.Get("spec", "groups"))
		switch {
		case !groups.Is(tree.List):
			im.refuse(d, d.node, "", "no-rules", "this is no rule file: it has no list of groups", "pass a file with groups, or a PrometheusRule")
		case i > 0 && d.node.Path == "" && d.node.Get("spec") == nil:
			im.warn(d, d.node, "", "second-document", "Prometheus itself reads only the first document of a rule file and passes over this one without a word", "join the documents under one groups")
			r.groups(d, groups)
		default:
			r.groups(d, groups)
		}
	}
	out := im.result()
	return r.rules, out.Problems
}

// ruleReader gathers rules.
type ruleReader struct {
	im    *importer
	rules []AlertRule
}

func (r *ruleReader) groups(o object, groups *tree.Node) {
	for _, g := range groups.Items {
		labels := r.im.texts(o, g.Get("labels"))
		interval := r.length(o, g.Get("interval"))
		rules := g.Get("rules")
		if !rules.Empty() && !rules.Is(tree.List) {
			r.im.refuse(o, rules, "", "no-rules", "rules is a list", "write - alert: name")
			continue
		}
		if rules == nil {
			continue
		}
		for _, n := range rules.Items {
			if n.Get("alert") == nil && n.Get("record") != nil {
				continue
			}
			r.alert(o, n, AlertRule{Group: g.Get("name").Str(), Interval: interval, Labels: clone(labels), File: o.file})
		}
	}
}

func (r *ruleReader) alert(o object, n *tree.Node, rule AlertRule) {
	mark := len(r.im.found)
	name, expr := n.Get("alert"), n.Get("expr")
	rule.Name, rule.Expr = name.Str(), expr.Str()
	rule.Line, rule.Column = n.At()
	if rule.Name == "" {
		r.im.refuse(o, first(name, n), field(name, "alert"), "no-name", "the rule has no name", "write alert: Name or record: name")
	}
	if rule.Expr == "" {
		r.im.refuse(o, first(expr, n), field(expr, "expr"), "no-query", "the rule has no expression", "write expr")
	} else if err := validRule(rule.Expr); err != nil {
		r.im.refuse(o, expr, "", "promql", "the expression is not PromQL: "+err.Error(), "mend the expression")
	}
	rule.For, rule.KeepFiring = r.length(o, n.Get("for")), r.length(o, n.Get("keep_firing_for"))
	for k, v := range r.im.texts(o, n.Get("labels")) {
		if rule.Labels == nil {
			rule.Labels = map[string]string{}
		}
		rule.Labels[k] = v
	}
	rule.Annotations = r.im.texts(o, n.Get("annotations"))
	if !r.im.failedSince(mark) {
		r.rules = append(r.rules, rule)
	}
}

// validRule parses an expression; unlike a query to import it has to be complete, without placeholders.
func validRule(expr string) error {
	if p := placeholder.FindString(expr); p != "" {
		return fmt.Errorf("%s is not filled in", p)
	}
	_, err := parsePromQL(expr)
	return err
}

func (r *ruleReader) length(o object, n *tree.Node) time.Duration {
	if n.Empty() || n.Str() == "0" {
		return 0
	}
	d, err := span(n.Str())
	if err != nil {
		r.im.refuse(o, n, "", "length", "this is no length of time such as 5m", "write a number and a unit")
	}
	return d
}
