package budget_test

import (
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
)

func TestAStallMissesNoCrossingOfTheBudgetPolicy(t *testing.T) {
	o := cart()
	o.Window, o.NoAlerts = slo.Window{Rolling: 2 * time.Hour}, true
	o.Policy = []slo.Threshold{{Consumed: 0.5, Action: "notify"}}
	s := newShop(t, o)
	s.start()
	s.minutes(150, 0, true) // to 14:30
	s.minutes(15, 20, false)
	s.minutes(255, 0, false) // bad from 14:30 to 14:45, out of the window long before the next round at 19:00
	s.round(s.at)
	var got []string
	for _, e := range s.facts.of("budget.crossed") {
		how := "crossed "
		if e.Fact.(*event.BudgetCrossed).Rearmed {
			how = "re-armed "
		}
		got = append(got, how+e.At.Format(time.TimeOnly))
	}
	// At 15:00 the two hours before hold 300 bad of 12,000, of which 120 are allowed; at 17:00 none.
	if len(got) != 2 || got[0] != "crossed 15:00:00" || got[1] != "re-armed 17:00:00" {
		t.Errorf("crossings %v", got)
	}
}

func TestTheProofIsMadeAsSoonAsEventsAreCounted(t *testing.T) {
	s := newShop(t, cart())
	s.quiet = true
	s.start()
	s.minutes(3, 0, true) // to 12:03, nothing is there
	if p := s.engine.Now().Objectives[0].Proof; p == nil || p.Problem == "" {
		t.Fatalf("without a series the proof is %+v", p)
	}
	s.quiet = false
	s.minutes(3, 0, true)
	if p := s.engine.Now().Objectives[0].Proof; !p.Fires || p.Problem != "" {
		t.Errorf("at 12:06 the proof is %+v", p)
	}
	if n := len(s.facts.of("alert.proved")); n != 2 {
		t.Errorf("%d facts of proofs, want one without traffic and one with it", n)
	}
	s.start()
	s.minutes(2, 0, true)
	if n := len(s.facts.of("alert.proved")); n != 2 || s.facts.again > 0 {
		t.Errorf("a restart proved again: %d facts, %d repeated", n, s.facts.again)
	}
}
