package slo

import (
	"fmt"
	"math"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

func (c *checker) pairs() {
	if len(c.o.Pairs) > maxPairs {
		c.refuse("alerts", "/alerts", "", "%d alert rules are more than %d", len(c.o.Pairs), maxPairs)
	}
	names := map[string]bool{trickleName: true}
	for i, p := range c.o.Pairs {
		path := fmt.Sprintf("/alerts/%d", i)
		switch {
		case p.Name == "" || names[p.Name]:
			c.refuse("alerts", path, `give each rule its own name; "trickle" is taken`, "alert rule name %q is missing or used twice", p.Name)
		case p.Severity != Page && p.Severity != Ticket:
			c.refuse("alerts", path, "use page or ticket", "severity %q of %s is unknown", p.Severity, p.Name)
		case p.Short > p.Long:
			c.refuse("alerts", path, "", "the short window of %s, %v, is longer than the long one, %v", p.Name, p.Short, p.Long)
		case p.Short%time.Minute != 0 || p.Long%time.Minute != 0 || p.Short < time.Minute:
			c.refuse("alerts", path, "", "windows %v and %v of %s are not whole minutes", p.Long, p.Short, p.Name)
		case p.Long > maxWindow:
			c.refuse("alerts", path, "", "the long window of %s, %v, is longer than counts are kept", p.Name, p.Long)
		case p.Factor == 0 && !(p.Spend > 0 && p.Spend <= 1):
			c.refuse("alerts", path, "give spend as a share of the budget, 0.02, or a factor", "spend %v of %s is not above 0 and at most 1", p.Spend, p.Name)
		case p.Factor != 0 && !(p.Factor >= 1 && !math.IsInf(p.Factor, 0)):
			c.refuse("alerts", path, "", "factor %v of %s is below 1: it would page while the objective is kept", p.Factor, p.Name)
		}
		names[p.Name] = true
	}
}

// reach finds pairs that cannot fire (§8).
func (c *checker) reach(versions []Version) {
	if c.o.NoAlerts {
		return
	}
	plan, err := planOf(c.o, versions)
	if err != nil {
		return
	}
	for _, l := range plan.LeftOut {
		severity, remedy := kit.SeverityNote, ""
		if l.Own {
			severity, remedy = kit.SeverityError, "shorten the long window"
			if l.Why == "unreachable" {
				remedy = fmt.Sprintf("use a factor below %.4g", l.Highest)
			}
		}
		c.say(severity, "alerts", "/alerts", remedy, "%s", l)
		c.findings[len(c.findings)-1].alerting = true
	}
	if c.o.Tier < 3 && !plan.pages() {
		c.refuse("alerts", "/alerts", "lower the target, add a page rule that can fire, or make it tier 3", "no burn-rate rule can page")
		c.findings[len(c.findings)-1].alerting = true
	}
}

// pages says whether any pair of the plan pages; the trickle rule alone is not enough.
func (p *Plan) pages() bool {
	for _, r := range p.Rules {
		if r.Severity == Page && !r.Trickle {
			return true
		}
	}
	return false
}
