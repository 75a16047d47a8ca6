package assess

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"evenkeel.dev/evenkeel/internal/store/metric"
)

// Alert is an alerting rule that is there already, and how it did. A name that several rules share is one alert.
type Alert struct {
	Name     string
	Group    string
	Severity string   // its label; "" = none
	Lacks    []string // of runbook, owner, dashboard
	Error    string   // why the server cannot evaluate it, "" = it can
	Dead     string   // a selector of its query that matches nothing, "" = all match something
	Fired    []Fired  // by begin
	Hurt     int      // of Fired, those during which a drafted objective burned
	Noise    string   // why it is noise, in words; "" = it is not
	Beat     bool     // it fires all the time on purpose, as Watchdog does

	metrics   map[string]bool // that its query reads, through recording rules
	values    map[string]bool // that its matchers ask for
	absent    bool            // its query asks for what is not there
	either    bool            // a part of its query may be empty and it still fires
	named     bool            // its query names one of the services
	selectors []string        // of its query, with what says where to look alone
}

// Fired is one time that an alert fired.
type Fired struct {
	From, To time.Time
	values   map[string]bool // label values of the series
	anywhere bool            // no label says which service
}

var promParser = parser.NewParser(parser.Options{})

// whose are the labels that say which service an alert is about.
var whose = []string{"job", "service", "service_name", "app", "exported_service", "exported_job", "destination_service_name",
	"destination_canonical_service", "destination_workload", "envoy_cluster_name", "ingress", "instance"}

// readAlerts reads the rules that are there, and when they fired.
func (a *Assessment) readAlerts(ctx context.Context, q *asker, o Options) {
	o.Say("reading the alerting rules")
	var groups []metric.RuleGroup
	if o.Rules == nil {
		a.leave("alerting rules: this source has none to ask for; alerts are judged by their ALERTS series alone")
	} else {
		got, err := o.Rules(ctx)
		if err != nil {
			a.leave("alerting rules: %s", err)
		}
		groups, a.Known = got, err == nil
	}
	by := rulesOf(groups)
	if err := a.fired(ctx, q, by); err != nil {
		a.leave("when alerts fired (ALERTS): %s", err)
	}
	for _, name := range sorted(by) {
		a.Alerts = append(a.Alerts, *by[name])
	}
	a.findDead(ctx, q)
}

func sorted[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func rulesOf(groups []metric.RuleGroup) map[string]*Alert {
	recorded := map[string]string{}
	for _, g := range groups {
		for _, r := range g.Rules {
			if r.Type == "recording" {
				recorded[r.Name] = r.Query
			}
		}
	}
	by := map[string]*Alert{}
	for _, g := range groups {
		for _, r := range g.Rules {
			if r.Type != "alerting" {
				continue
			}
			al := by[r.Name]
			if al == nil {
				al = &Alert{Name: r.Name, Group: g.Name, Severity: r.Labels["severity"], metrics: map[string]bool{}, values: map[string]bool{}}
				by[r.Name] = al
			}
			if r.Health == "err" {
				al.Error = cmp.Or(r.LastError, "its evaluation fails")
			}
			al.Lacks = lacks(r)
			al.Beat = strings.HasPrefix(strings.ReplaceAll(r.Query, " ", ""), "vector(")
			al.reads(r.Query, recorded, 0)
			for _, name := range whose {
				if v := r.Labels[name]; v != "" && !strings.Contains(v, "{{") {
					al.values[v] = true
				}
			}
		}
	}
	return by
}

// lacks names what whoever is woken by a rule would look for in vain.
func lacks(r metric.ServingRule) []string {
	has := func(parts ...string) bool {
		for _, m := range []map[string]string{r.Annotations, r.Labels} {
			for k, v := range m {
				for _, p := range parts {
					if v != "" && strings.Contains(strings.ToLower(k), p) {
						return true
					}
				}
			}
		}
		return false
	}
	var out []string
	if !has("runbook", "playbook") {
		out = append(out, "runbook")
	}
	if !has("owner", "team", "squad") {
		out = append(out, "owner")
	}
	if !has("dashboard", "grafana") {
		out = append(out, "dashboard")
	}
	return out
}

// reads notes what a query selects, through recording rules.
func (al *Alert) reads(query string, recorded map[string]string, depth int) {
	expr, err := promParser.ParseExpr(query)
	if err != nil || depth > 5 {
		return
	}
	parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
		if c, ok := n.(*parser.Call); ok && strings.HasPrefix(c.Func.Name, "absent") {
			al.absent = true
		}
		if b, ok := n.(*parser.BinaryExpr); ok && (b.Op == parser.LOR || b.Op == parser.LUNLESS) {
			al.either = true
		}
		v, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		if depth == 0 {
			al.selectors = append(al.selectors, whereOf(v))
		}
		for _, m := range v.LabelMatchers {
			switch {
			case m.Name == model.MetricNameLabel && m.Type == labels.MatchEqual:
				al.metrics[m.Value] = true
				if inner := recorded[m.Value]; inner != "" {
					al.reads(inner, recorded, depth+1)
				}
			case m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp:
				for value := range strings.SplitSeq(m.Value, "|") {
					al.values[value] = true
				}
			}
		}
		return nil
	})
}

// whereOf is a selector with its name and the equal matchers that say where to look: what may be missing for good
// reasons, such as series of errors that never happened, is left out.
func whereOf(v *parser.VectorSelector) string {
	plain := &parser.VectorSelector{Name: v.Name}
	for _, m := range v.LabelMatchers {
		if m.Name == model.MetricNameLabel || m.Type == labels.MatchEqual && slices.Contains(whose, m.Name) {
			plain.LabelMatchers = append(plain.LabelMatchers, m)
		}
	}
	return plain.String()
}

// fired reads the ALERTS series: one a minute while an alert fires. Names that no rule has are those of other rulers.
func (a *Assessment) fired(ctx context.Context, q *asker, by map[string]*Alert) error {
	keep := strings.Join(append([]string{"alertname", "severity"}, whose...), ", ")
	last := map[string]int{} // where in its alert's list the latest firing of a series stands
	expr := fmt.Sprintf(`max by (%s) (ALERTS{alertstate="firing"})`, keep)
	err := q.between(ctx, expr, a.From.Add(time.Minute), a.To, time.Minute, func(s promql.Series) {
		name, key := s.Metric.Get("alertname"), s.Metric.String()
		al := by[name]
		if al == nil {
			al = &Alert{Name: name, Severity: s.Metric.Get("severity"), metrics: map[string]bool{}, values: map[string]bool{}}
			by[name] = al
		}
		for _, p := range s.Floats {
			at := time.UnixMilli(p.T).UTC()
			if i, ok := last[key]; ok && at.Sub(al.Fired[i].To) <= 5*time.Minute {
				al.Fired[i].To = at
				continue
			}
			last[key] = len(al.Fired)
			al.Fired = append(al.Fired, fire(s.Metric, at))
		}
	})
	for _, al := range by {
		slices.SortFunc(al.Fired, func(x, y Fired) int { return x.From.Compare(y.From) })
	}
	return err
}

func fire(ls labels.Labels, at time.Time) Fired {
	f := Fired{From: at.Add(-time.Minute), To: at, values: map[string]bool{}, anywhere: true}
	for _, name := range whose {
		if v := ls.Get(name); v != "" {
			f.values[v] = true
			f.anywhere = f.anywhere && name == "instance"
		}
	}
	return f
}

// maxChecked bounds how many selectors of rules are looked up.
const maxChecked = 400

// findDead looks for rules that never fired and whose query selects nothing in the last day: they cannot fire.
func (a *Assessment) findDead(ctx context.Context, q *asker) {
	known := map[string]bool{}
	for i := range a.Alerts {
		al := &a.Alerts[i]
		if len(al.Fired) > 0 || al.absent {
			continue
		}
		var dead []string
		for _, sel := range al.selectors {
			found, seen := known[sel]
			if !seen && len(known) >= maxChecked {
				a.leave("whether rules can fire: only the first %d selectors were looked up", maxChecked)
				return
			}
			if !seen {
				vec, err := q.at(ctx, "count(last_over_time("+sel+"[1d]))", a.To)
				if err != nil {
					a.leave("whether %s can fire: %s", al.Name, err)
					continue
				}
				found = len(vec) > 0
				known[sel] = found
			}
			if !found {
				dead = append(dead, sel)
			}
		}
		if len(dead) > 0 && (!al.either || len(dead) == len(al.selectors)) {
			al.Dead = dead[0]
		}
	}
}

// about says whether a time that an alert fired concerns a service: its labels name it, or its query does, or it names
// nobody and reads the metric that the service is seen by.
func (al *Alert) about(f Fired, s Service) bool {
	if !f.anywhere || len(f.values) > 0 && f.values[s.Telemetry] {
		return s.in(f.values)
	}
	if s.in(al.values) {
		return true
	}
	return !al.named && (al.metrics[s.Convention.Total] || s.Convention.Bucket != "" && al.metrics[s.Convention.Bucket])
}

// in says whether one of the values names the service.
func (s Service) in(values map[string]bool) bool {
	return values[s.Name] || values[s.Telemetry] || len(s.Match) > 0 && values[s.Match[0].Value]
}
