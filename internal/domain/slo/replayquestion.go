package slo

import (
	"fmt"
	"slices"
)

// question is any question of a case.
type question struct {
	Ask        string      `json:"ask"`
	From       int64       `json:"from"`
	To         int64       `json:"to"`
	At         int64       `json:"at"`
	Known      *int64      `json:"known"`
	Group      string      `json:"group"`
	Bad        number      `json:"bad"`
	Total      number      `json:"total"`
	Allowed    number      `json:"allowed"`
	Severity   string      `json:"severity"`
	Incidents  [][2]int64  `json:"incidents"`
	GraceS     *[2]float64 `json:"grace_s"`
	MergeS     *float64    `json:"merge_s"`
	Rate       number      `json:"rate"`
	Thresholds []looseText `json:"thresholds"`
	Deps       []replayDep `json:"deps"`
	Own        *number     `json:"own"`
}

type replayDep struct {
	Availability number   `json:"availability"`
	Kind         string   `json:"kind"`
	Impact       number   `json:"impact"`
	Group        []number `json:"group"`
	Need         int      `json:"need"`
}

const (
	maxDeps = 1000
	maxRate = 1e12 // events a slot
)

// begin is where the counts of a case begin.
func (c *replayCase) begin(s *replaySLO) int64 {
	if c.Slots != nil {
		return c.Slots.From
	}
	return s.Start
}

// check refuses questions that would take for ever, about counts that begin at start.
func (q *question) check(start int64) error {
	times := []int64{q.From, q.To, q.At, start, int64(q.knownAt())}
	for _, n := range q.Incidents {
		times = append(times, n[:]...)
	}
	if err := instants(times...); err != nil {
		return err
	}
	switch q.Ask {
	case "alerts", "backtest", "policy":
		if q.To-q.From > maxReplayTicks*SlotMS {
			return fmt.Errorf("it spans more than %d minutes", maxReplayTicks)
		}
		fallthrough
	case "counts", "budget":
		if max(q.To, q.At)-start > maxReplaySlots*SlotMS {
			return fmt.Errorf("it ends more than %d minutes after the start", maxReplaySlots)
		}
	}
	size := len(q.Deps)
	for _, d := range q.Deps {
		size += len(d.Group)
	}
	switch {
	case size > maxDeps:
		return fmt.Errorf("%d dependencies are more than %d", size, maxDeps)
	case !(q.Rate >= 0 && q.Rate <= maxRate):
		return fmt.Errorf("a rate of %v events a slot is not between 0 and %v", float64(q.Rate), float64(maxRate))
	case len(q.Thresholds) > 100:
		return fmt.Errorf("%d thresholds are more than 100", len(q.Thresholds))
	}
	return nil
}

// knownAt is the moment as whose knowledge the question is asked.
func (q *question) knownAt() Instant {
	switch {
	case q.Known != nil:
		return Instant(*q.Known)
	case q.At != 0:
		return Instant(q.At)
	}
	return Instant(q.To)
}

// askOrder is the questions by what they know, so that samples can be fed once. Alerts, which look on as knowledge
// comes, start afresh.
func askOrder(qs []question) []int {
	order := make([]int, len(qs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(qs[a].knownAt() - qs[b].knownAt()) })
	return order
}
