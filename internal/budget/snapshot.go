// Package budget evaluates objectives over live telemetry: it reads raw samples, keeps counts, computes budgets, burn
// rates and alerts each whole minute, and writes its conclusions as facts. The arithmetic lies in domain/slo, the counts
// in store/count; this package carries data between them.
package budget

import (
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Snapshot is all objectives as one round left them. It is immutable: pages may hold it as long as they like.
type Snapshot struct {
	At         time.Time     // the tick, a whole minute; zero before the first round
	Took       time.Duration // what the round took
	Watched    bool          // another process evaluates; this is what it stored last
	Objectives []*Status     // sorted by name
	Problems   []kit.Problem // objectives that cannot be evaluated, and why
	Gaps       []Gap         // sources that do not answer at this moment
}

// Find is one objective's status; nil for an unknown name.
func (s *Snapshot) Find(name string) *Status {
	i, ok := slices.BinarySearchFunc(s.Objectives, name, func(o *Status, n string) int { return strings.Compare(o.Objective.Name, n) })
	if !ok {
		return nil
	}
	return s.Objectives[i]
}

// Status is one objective after a round.
type Status struct {
	Objective slo.Objective
	Plan      *slo.Plan
	Version   string   // of the agreement in force, as its fact names it; "" where it was never applied
	Groups    []Group  // sorted by key; one with an empty key where the objective has no groups; none before the first sample of any
	Refused   []string // groups beyond the limit, counted nowhere
	Inexact   []string // queries that are evaluated as written, not counted from raw samples
	Proof     *Proof   // whether its alerts can fire; nil until proved
	Filling   float64  // share of the back-fill that is done, 1 when the history is complete
}

// Worst is the group with the least remaining budget; nil where there is none yet.
func (s *Status) Worst() *Group {
	var worst *Group
	for i := range s.Groups {
		if g := &s.Groups[i]; worst == nil || g.Budget.Remaining < worst.Budget.Remaining {
			worst = g
		}
	}
	return worst
}

// State is the most severe state of its groups.
func (s *Status) State() State {
	state := NoData
	for i, g := range s.Groups {
		if i == 0 || rank[g.State] > rank[state] {
			state = g.State
		}
	}
	return state
}

// State says in a word how an objective stands.
type State string

const (
	Paging    State = "paging"    // a page rule fires
	Ticketing State = "ticketing" // a ticket rule fires, no page rule does
	Exhausted State = "exhausted" // the budget is spent, nothing fires
	Burning   State = "burning"   // at the present burn the budget ends within its window
	Healthy   State = "healthy"
	NoData    State = "no-data" // no sample within the staleness, or never any
)

var rank = map[State]int{Healthy: 0, NoData: 1, Burning: 2, Exhausted: 3, Ticketing: 4, Paging: 5}

// Group is one budget: an objective's only one, or that of one tuple of its group labels.
type Group struct {
	Key        string            // canonical text of Labels; "" without groups
	Labels     map[string]string // values of the group labels; nil without groups
	State      State
	Budget     slo.Budget
	Rules      []RuleState // in the plan's order
	Days       []Day       // the last 28 UTC days, oldest first, today last; days before the objective's start are left out
	Since      time.Time   // its first slot
	LastSample time.Time   // newest minute with a sample that counts towards its total; zero = never any

	handle handle
}

// RuleState is an alert rule after a round.
type RuleState struct {
	slo.Rule
	slo.AlertState
	Counts  slo.Sums // of the long window; of the events looked back at for the trickle rule
	Recent  slo.Sums // of the short window
	AlertID string   // of the alert that fires, "" for none
}

// Day is what one UTC day counted, after the no-data policy and corrections in force now.
type Day struct {
	From     time.Time
	Bad      float64 // events, unclamped
	Total    float64
	Allowed  float64 // events that the targets in force allowed
	ValidS   float64 // seconds that count
	UnknownS float64 // seconds that nothing was known about
}

// Gap is a stretch without knowledge.
type Gap struct {
	Source string // "metrics" or the name of a declared source
	From   time.Time
	To     time.Time // zero while it lasts
	Reason string
}

// Proof is what injecting a total outage showed (§9).
type Proof struct {
	slo.Proof
	At      time.Time
	Problem string // why nothing can fire, in words; "" where it can
}
