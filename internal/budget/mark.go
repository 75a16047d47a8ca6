package budget

import (
	"encoding/json"
	"fmt"
	"strings"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// Marks are where the evaluation stands, stored beside the counts: what a restart goes on from. Those of a tick are stored
// after its facts were recorded, so that a tick is evaluated again rather than lost; its facts carry the same keys then.
const (
	tickName    = "tick"
	trackPrefix = "slo/"
)

// tickMark is the state of the evaluation as a whole.
type tickMark struct {
	Tick    slo.Instant        `json:"tick"`             // the last tick whose facts are in the ledger
	Beat    slo.Instant        `json:"beat,omitempty"`   // of the last evaluator.beat
	Closed  slo.Instant        `json:"closed,omitempty"` // days up to here are closed into measures
	Sources map[string]gapMark `json:"sources,omitempty"`
}

// gapMark is a source that does not answer.
type gapMark struct {
	From   slo.Instant `json:"from"`
	Reason string      `json:"reason"`
}

// trackMark is the state of one objective.
type trackMark struct {
	Indicator string               `json:"indicator"` // digest of what is counted
	Shape     string               `json:"shape"`     // digest of how it is split into groups and parts
	Version   int                  `json:"version"`   // of the shape, from 1
	Counted   slo.Instant          `json:"counted"`   // since when the indicator is counted as it is now
	Start     slo.Instant          `json:"start"`     // the objective's first slot
	Targets   []targetMark         `json:"targets"`
	Proved    string               `json:"proved,omitempty"` // digest of the agreement whose alerts were proved last
	Rated     bool                 `json:"rated,omitempty"`  // there was traffic to prove them with
	Fires     bool                 `json:"fires,omitempty"`  // and a rule fired in that proof
	Filled    bool                 `json:"filled"`           // its history was counted once
	Behind    slo.Instant          `json:"behind,omitempty"` // counts are complete up to here; 0 = up to the tick
	Groups    map[string]groupMark `json:"groups,omitempty"`
}

// targetMark is a target and since when it holds.
type targetMark struct {
	From   slo.Instant `json:"from"`
	Target slo.Decimal `json:"target"`
}

// groupMark is the state of one budget.
type groupMark struct {
	First   slo.Instant            `json:"first"` // begin of its first slot
	Values  []string               `json:"values,omitempty"`
	Firing  map[string]firingMark  `json:"firing,omitempty"`
	Crossed map[string]slo.Instant `json:"crossed,omitempty"` // thresholds of the policy that are passed, and when
	Period  slo.Instant            `json:"period,omitempty"`  // begin of the calendar period they were passed in
	Missing slo.Instant            `json:"missing,omitempty"` // since when nothing is known; 0 = something is
	Days    map[string]measureMark `json:"days,omitempty"`    // closed days that may still be revised, by date
}

// firingMark is a firing rule.
type firingMark struct {
	Since slo.Instant `json:"since"`
	Clear slo.Instant `json:"clear,omitempty"`
	Seq   int64       `json:"seq,omitempty"` // of its alert.fired
}

// measureMark is what a day was closed with.
type measureMark struct {
	Digest   string `json:"digest"`
	Revision int    `json:"revision"`
}

// readMarks decodes stored marks: of the evaluation, and by objective.
func readMarks(notes map[string][]byte) (tickMark, map[string]trackMark, error) {
	var tick tickMark
	tracks := map[string]trackMark{}
	for name, body := range notes {
		slo, isTrack := strings.CutPrefix(name, trackPrefix)
		var err error
		switch {
		case name == tickName:
			err = json.Unmarshal(body, &tick)
		case isTrack:
			var m trackMark
			err = json.Unmarshal(body, &m)
			tracks[slo] = m
		}
		if err != nil {
			return tick, nil, fmt.Errorf("read where the evaluation stands, %s: %w", name, err)
		}
	}
	if tick.Sources == nil {
		tick.Sources = map[string]gapMark{}
	}
	return tick, tracks, nil
}
