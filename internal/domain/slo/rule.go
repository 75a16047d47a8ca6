package slo

import (
	"fmt"
	"math"
	"time"
)

// Severities of rules (§8).
const (
	Page   = "page"
	Ticket = "ticket"
)

// Rule is an alert rule ready to be evaluated (§8).
type Rule struct {
	Name     string
	Severity string // Page or Ticket
	Long     time.Duration
	Short    time.Duration
	Factor   float64       // fires when both windows burn faster, x
	Resolve  time.Duration // how long it must have been clear before it ends; whole seconds
	Trickle  bool          // the rule for traffic too thin for any pair; Long is the most it looks back, Factor 0
}

// LeftOut is a pair that is not evaluated, and why.
type LeftOut struct {
	Name     string
	Severity string
	Why      string  // "window": not shorter than the budget window; "unreachable": a total outage does not exceed it
	Factor   float64 // that it would need
	Highest  float64 // factors below this one work: 1 / (1 - target); 0 where Why is "window"
	Own      bool    // written by someone, so an error; defaults are left out with a note
}

// String says it in a sentence.
func (l LeftOut) String() string {
	if l.Why == "window" {
		return fmt.Sprintf("%s is left out: its long window is not shorter than the budget window", l.Name)
	}
	return fmt.Sprintf("%s is left out: even a total outage burns only %.4gx, which does not exceed %.4gx", l.Name, l.Highest, l.Factor)
}

const trickleName = "trickle"

var (
	ticketPairs = []Pair{
		{Name: "ticket-1d", Severity: Ticket, Spend: 0.10, Long: 24 * time.Hour, Short: 2 * time.Hour},
		{Name: "ticket-3d", Severity: Ticket, Spend: 0.10, Long: 72 * time.Hour, Short: 6 * time.Hour},
	}
	tightPages = []Pair{
		{Name: "page-1h", Severity: Page, Spend: 0.02, Long: time.Hour, Short: 5 * time.Minute},
		{Name: "page-6h", Severity: Page, Spend: 0.05, Long: 6 * time.Hour, Short: 30 * time.Minute},
	}
	loosePages = []Pair{
		{Name: "page-1h", Severity: Page, Spend: 0.05, Long: time.Hour, Short: 5 * time.Minute},
		{Name: "page-6h", Severity: Page, Spend: 0.10, Long: 6 * time.Hour, Short: 30 * time.Minute},
	}
)

// DefaultPairs are the burn-rate pairs of a tier (§8): at 30 days tiers 0 and 1 give 14.4, 6, 3 and 1
// (SRE Workbook, table 5-8). Tier 3 never pages. A tier outside 0..3 is taken as 1.
func DefaultPairs(tier int) []Pair {
	var pages []Pair
	switch tier {
	case 2:
		pages = loosePages
	case 3:
	default:
		pages = tightPages
	}
	return append(append([]Pair(nil), pages...), ticketPairs...)
}

// rulesOf turns pairs into rules, leaving out those that cannot fire; window is W in ms, complement 1 - target.
func rulesOf(pairs []Pair, tier int, window, complement float64, own bool) (kept []Rule, left []LeftOut) {
	for _, p := range pairs {
		factor := pairFactor(p, window)
		out := LeftOut{Name: p.Name, Severity: p.Severity, Factor: factor, Own: own}
		switch {
		case float64(p.Long.Milliseconds()) >= window:
			out.Why = "window"
			left = append(left, out)
			continue
		case !above(1, factor*complement):
			out.Why, out.Highest = "unreachable", 1/complement
			left = append(left, out)
			continue
		}
		kept = append(kept, Rule{Name: p.Name, Severity: p.Severity, Long: p.Long, Short: p.Short, Factor: factor, Resolve: resolveAfter(p.Short)})
	}
	severity := Page
	if tier == 3 {
		severity = Ticket
	}
	kept = append(kept, Rule{Name: trickleName, Severity: severity, Long: trickleMost, Short: trickleShort, Trickle: true})
	return kept, left
}

// pairFactor is max(1, spend x W / long), or the factor that was given.
func pairFactor(p Pair, window float64) float64 {
	if p.Factor > 0 {
		return p.Factor
	}
	return math.Max(1, p.Spend*window/float64(p.Long.Milliseconds()))
}

// resolveAfter is max(300 s, short/2) in whole seconds.
func resolveAfter(short time.Duration) time.Duration {
	return max(300*time.Second, (short / 2).Truncate(time.Second))
}

const (
	trickleMost   = 72 * time.Hour   // the most a trickle rule looks back
	trickleShort  = 30 * time.Minute // traffic is thin when these hold fewer than trickleEvents
	trickleEvents = 10
)
