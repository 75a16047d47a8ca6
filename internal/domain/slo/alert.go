package slo

// AlertState is the state of one rule of one objective and group (§8): inactive, firing, ended = inactive again.
// It is all that must be kept over a restart.
type AlertState struct {
	Firing bool
	Since  Instant // when it began to fire
	Clear  Instant // since when it has been clear while firing; 0 = it is not
}

// Interval is a time during which a rule, or any rule of a severity, fired: [From, To); To 0 = still firing.
type Interval struct{ From, To Instant }

// Open says that the interval has not ended.
func (i Interval) Open() bool { return i.To == 0 }

// Transition is a rule that began to fire or ended, with what its windows held.
type Transition struct {
	At          Instant
	Rule        Rule
	Fired       bool // else ended
	Since       Instant
	Long, Short Sums
	P           float64 // the gate's probability when it fired (§8), else 0
}
