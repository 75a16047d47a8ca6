package slo

// Effect is what a correction does (§5).
type Effect string

const (
	Exclude Effect = "exclude" // the slots count for nothing
	Forgive Effect = "good"    // what was bad in them is good
)

// Correction changes what slots count as; a fact, reversible (§5).
type Correction struct {
	ID       string
	From, To Instant // every slot the interval touches
	Effect   Effect
	Seen     Instant // when we learnt of it
	Revoked  Instant // when it was taken back; 0 = never
	Reason   string  // for people
}

// InForce says whether the correction holds for a question as known at k.
func (c Correction) InForce(k Instant) bool { return c.Seen <= k && (c.Revoked == 0 || c.Revoked > k) }

// effects is the corrections in force at one moment, for quick questions about slots in rising order.
type effects struct {
	spans []effectSpan
}

type effectSpan struct {
	from, to int64 // slots
	exclude  bool
}

func effectsAt(cs []Correction, k Instant) effects {
	var e effects
	for _, c := range cs {
		if c.InForce(k) && c.To > c.From {
			e.spans = append(e.spans, effectSpan{c.From.Slot(), c.To.SlotUp(), c.Effect == Exclude})
		}
	}
	return e
}

// on says what happens to slot n: exclude wins over good.
func (e effects) on(n int64) (exclude, forgive bool) {
	for _, s := range e.spans {
		if n >= s.from && n < s.to {
			exclude = exclude || s.exclude
			forgive = forgive || !s.exclude
		}
	}
	return exclude, forgive
}

// touch says whether any correction reaches into slots [from, to).
func (e effects) touch(from, to int64) bool {
	for _, s := range e.spans {
		if s.from < to && from < s.to {
			return true
		}
	}
	return false
}
