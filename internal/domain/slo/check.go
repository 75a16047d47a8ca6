package slo

import (
	"fmt"
	"math"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Kinds of composites (§7).
const (
	Pooled   = "pooled"
	AnySlice = "any_slice"
	OpenSLO  = "openslo"
)

const (
	maxTargetDigits = 12
	maxParts        = 50
	maxPairs        = 20
	maxWindow       = 400 * 24 * time.Hour
)

// Check is everything that is wrong or remarkable about an objective (§1, §8): errors refuse it, warnings and notes do
// not. Problems carry the objective's file and line. Rule is target, window, slice, versions, weight, composite,
// indicator, alerts or policy, each after "slo-".
func (o Objective) Check(versions ...Version) []kit.Problem {
	if len(versions) == 0 {
		versions = []Version{{0, o.Target}}
	}
	var out []kit.Problem
	for _, f := range checkAll(o, versions) {
		out = append(out, f.problem)
	}
	return out
}

// finding is a problem and the field it is about.
type finding struct {
	path     string
	problem  kit.Problem
	alerting bool // only the alerts cannot work; counting can
}

type checker struct {
	o        Objective
	findings []finding
}

func (c *checker) say(severity kit.Severity, rule, path, remedy, format string, args ...any) {
	c.findings = append(c.findings, finding{path: path, problem: kit.Problem{
		File: c.o.File, Line: c.o.Line, Severity: severity, Rule: "slo-" + rule, Msg: "objective " + c.o.Name + ": " + fmt.Sprintf(format, args...), Remedy: remedy,
	}})
}

func (c *checker) refuse(rule, path, remedy, format string, args ...any) {
	c.say(kit.SeverityError, rule, path, remedy, format, args...)
}

func checkAll(o Objective, versions []Version) []finding {
	c := &checker{o: o}
	c.targets(versions)
	c.window()
	c.slices()
	c.composite()
	c.indicator(o.Indicator, "/indicator")
	c.rest()
	c.pairs()
	if len(c.findings) == 0 || !hasErrors(c.findings) {
		c.reach(versions)
	}
	return c.findings
}

func hasErrors(fs []finding) bool {
	for _, f := range fs {
		if f.problem.Severity == kit.SeverityError {
			return true
		}
	}
	return false
}

func (c *checker) targets(versions []Version) {
	for i, v := range versions {
		path := "/target"
		if len(versions) > 1 {
			path = fmt.Sprintf("/versions/%d/target", i)
		}
		c.target(v.Target, path)
		if i > 0 && v.From <= versions[i-1].From {
			c.refuse("versions", path, "order versions by the time from which they hold", "version %d does not begin after version %d", i+1, i)
		}
	}
}

func (c *checker) target(t Decimal, path string) {
	switch {
	case !t.IsSet():
		c.refuse("target", path, "write a decimal such as 0.999", "the target is missing")
	case t.units >= decimalOne:
		c.refuse("target", path, "choose a target below 1: nothing is always good", "target %s leaves no error budget", t)
	case t.units%100 != 0:
		c.refuse("target", path, "", "target %s has more than %d fraction digits", t, maxTargetDigits)
	case t.units == 0:
		c.say(kit.SeverityWarning, "target", path, "", "target 0 gives a budget that cannot be overspent")
	}
}

func (c *checker) window() {
	w := c.o.Window
	switch {
	case w.Unit != "" && w.Rolling != 0:
		c.refuse("window", "/window", "give one of the two", "the window is both rolling and calendar-aligned")
	case w.Unit != "":
		if _, err := newCalendar(w); err != nil {
			c.refuse("window", "/window", "", "%v", err)
		}
	case w.Rolling <= 0 || w.Rolling%time.Minute != 0:
		c.refuse("window", "/window", "use for example 28d", "a rolling window of %v is not a positive multiple of one minute", w.Rolling)
	case w.Rolling > maxWindow:
		c.refuse("window", "/window", "counts are kept for 400 days", "a rolling window of %v is too long", w.Rolling)
	}
}

func (c *checker) slices() {
	o := c.o
	switch o.Method {
	case "", Occurrences:
		return
	case Timeslices, RatioTimeslices:
	default:
		c.refuse("slice", "/method", "use occurrences, timeslices or ratio_timeslices", "budgeting method %q is unknown", o.Method)
		return
	}
	if o.Slice < time.Minute || o.Slice%time.Minute != 0 || time.Hour%o.Slice != 0 {
		c.refuse("slice", "/slice", "use 1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 or 60 minutes", "a slice of %v is not a number of whole minutes that divides the hour", o.Slice)
	}
	if o.Method != Timeslices {
		return
	}
	if o.Composite == nil || o.SliceTarget.IsSet() {
		c.sliceTarget(o.SliceTarget, "/sliceTarget")
		return
	}
	for i, p := range o.Composite.Parts {
		c.sliceTarget(p.Objective.SliceTarget, fmt.Sprintf("/composite/parts/%d/sliceTarget", i))
	}
}

func (c *checker) sliceTarget(t Decimal, path string) {
	if !t.IsSet() || t.units <= 0 || t.units > decimalOne {
		c.refuse("slice", path, "write the share of good events that makes a slice good, such as 0.95", "slice target %s is not above 0 and at most 1", t)
	}
}

func (c *checker) composite() {
	m := c.o.Composite
	if m == nil {
		return
	}
	switch m.Kind {
	case Pooled, OpenSLO:
	case AnySlice:
		if c.o.Method != Timeslices {
			c.refuse("composite", "/method", "use method timeslices", "a composite of slices needs slices")
		}
	default:
		c.refuse("composite", "/composite/kind", "use pooled, any_slice or openslo", "composite kind %q is unknown", m.Kind)
	}
	if len(m.Parts) == 0 || len(m.Parts) > maxParts {
		c.refuse("composite", "/composite/parts", "", "a composite has 1 to %d parts, not %d", maxParts, len(m.Parts))
	}
	names := map[string]bool{}
	for i, p := range m.Parts {
		path := fmt.Sprintf("/composite/parts/%d", i)
		c.part(m.Kind, p, path)
		if names[p.Name] {
			c.refuse("composite", path, "give each part its own name", "two parts are named %q", p.Name)
		}
		names[p.Name] = true
	}
}

func (c *checker) part(kind string, p Part, path string) {
	switch {
	case !(p.Weight > 0) || math.IsInf(p.Weight, 0):
		c.refuse("weight", path+"/weight", "", "weight %v of part %s is not above 0", p.Weight, p.Name)
	case kind == AnySlice && p.Weight != 1:
		c.refuse("weight", path+"/weight", "leave the weight out, or pool the parts", "weight %v of part %s has no meaning where any bad part makes a slice bad", p.Weight, p.Name)
	}
	if p.Objective.Composite != nil {
		c.refuse("composite", path, "list the inner parts in the outer composite", "part %s is a composite itself", p.Name)
	}
	switch t := p.Objective.Target; {
	case kind == OpenSLO:
		c.target(t, path+"/target")
	case kind == AnySlice && t.IsSet() && t.Cmp(c.o.Target) != 0:
		c.refuse("composite", path+"/target", "set one target on the composite", "part %s has target %s, the composite %s", p.Name, t, c.o.Target)
	}
	c.noData(p.Objective.NoData, path+"/noData")
	c.indicator(p.Objective.Indicator, path+"/indicator")
}

func (c *checker) noData(n NoData, path string) {
	switch n {
	case "", Excluded, GoodData, BadData, HoldData:
	default:
		c.refuse("no-data", path, "use excluded, good, bad or hold", "no-data policy %q is unknown", n)
	}
}

var gaugeOps = map[string]bool{"lt": true, "lte": true, "gt": true, "gte": true, "eq": true, "ne": true}

func (c *checker) indicator(in Indicator, path string) {
	if in.Kind == Gauge && !gaugeOps[in.Op] {
		c.refuse("indicator", path+"/op", "use lt, lte, gt, gte, eq or ne", "comparison %q is unknown", in.Op)
	}
	if math.IsNaN(in.Threshold) || math.IsInf(in.Threshold, 0) {
		c.refuse("indicator", path+"/threshold", "", "threshold %v is not a number", in.Threshold)
	}
}

func (c *checker) rest() {
	o := c.o
	c.noData(o.NoData, "/noData")
	if o.Tier < -1 || o.Tier > 3 {
		c.refuse("tier", "/tier", "use 0, 1, 2 or 3", "tier %d is unknown", o.Tier)
	}
	if o.Staleness < 0 || o.Staleness > time.Hour {
		c.refuse("indicator", "/staleness", "", "a sample cannot speak for its series for %v; at most 1h", o.Staleness)
	}
	if o.MaxGroups < 0 || o.MaxGroups > 10_000 {
		c.refuse("groups", "/maxGroups", "", "a limit of %d groups is not between 1 and 10000", o.MaxGroups)
	}
	for i, t := range o.Policy {
		if !(t.Consumed > 0) || math.IsInf(t.Consumed, 0) {
			c.refuse("policy", fmt.Sprintf("/policy/%d", i), "1 is the whole budget", "a threshold at %v of the budget is not above 0", t.Consumed)
		}
	}
}
