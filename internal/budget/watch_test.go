package budget_test

import (
	"math"
	"testing"

	"evenkeel.dev/evenkeel/internal/budget"
)

func TestAProcessThatDoesNotLeadShowsWhatTheLeaderStored(t *testing.T) {
	s := newShop(t, cart())
	s.start()
	s.minutes(90, 0, true)
	s.minutes(12, 100, true) // an outage that pages
	leader := s.engine
	s.start()
	watcher := s.engine
	reads, facts := s.src.reads, len(s.facts.events)
	if err := watcher.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	led, seen := leader.Now(), watcher.Now()
	if !seen.Watched || led.Watched {
		t.Errorf("Watched is %v for who watches and %v for who leads", seen.Watched, led.Watched)
	}
	if lag := led.At.Sub(seen.At).Minutes(); lag != 1 { // marks are stored with the next minute
		t.Errorf("what is shown is %v minutes behind, want 1", lag)
	}
	if seen.Objectives[0].State() != budget.Paging || len(seen.Objectives[0].Groups[0].Days) != 1 {
		t.Errorf("shown as %v with days %v", seen.Objectives[0].State(), seen.Objectives[0].Groups[0].Days)
	}
	if s.src.reads != reads || len(s.facts.events) != facts {
		t.Errorf("watching read the source %d times and added %d facts", s.src.reads-reads, len(s.facts.events)-facts)
	}

	s.engine = leader
	s.minutes(1, 0, true)
	if err := watcher.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, got := led.Objectives[0].Groups[0].Budget, watcher.Now().Objectives[0].Groups[0].Budget
	if got.Bad != want.Bad || got.Total != want.Total || math.Abs(got.Remaining-want.Remaining) > 1e-12 {
		t.Errorf("a minute later %v bad of %v, %v left; the leader had %v of %v, %v left", got.Bad, got.Total, got.Remaining, want.Bad, want.Total, want.Remaining)
	}

	s.engine = watcher // the leader is gone
	s.minutes(5, 0, true)
	if b := s.budget(); b.Bad != 1200 || b.Total != 100*(90+12+1+5-1) {
		t.Errorf("after taking over %v bad of %v", b.Bad, b.Total)
	}
	if s.engine.Now().Watched {
		t.Error("who leads says that it watches")
	}
}

func TestWatchingBeforeAnythingIsStoredShowsTheObjectivesWithoutFigures(t *testing.T) {
	s := newShop(t, cart())
	s.start()
	if err := s.engine.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := s.engine.Now(); len(n.Objectives) != 1 || len(n.Objectives[0].Groups) != 0 || !n.At.IsZero() {
		t.Errorf("shown %+v", n)
	}
}
