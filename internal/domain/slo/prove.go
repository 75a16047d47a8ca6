package slo

// Proof is what an injected total outage did to the rules of an objective (§9).
type Proof struct {
	Rate  float64 // events a slot that were assumed
	Rules []RuleProof
	Left  []LeftOut
	Fires bool // a page rule fired, or the objective is not to page and some rule did
}

// RuleProof is when a rule fired after the outage began, and ended after it was over; nil = not.
type RuleProof struct {
	Rule         Rule
	FiresS       *float64 // seconds
	EndsS        *float64
	FiredWith    Transition // what the windows held when it fired; zero where it did not
	WatchedForMS int64      // length of the injected outage
}

const proofBefore = 3 * dayMS

// Prove runs three days of good events at a rate, then a total outage until each rule fires, then good events until it
// ends, through the evaluator that live evaluation uses (§9). rate is events a slot, the objective's recent mean; of
// sliced objectives it is not used. With a rate of 0 nothing can fire.
func Prove(p *Plan, rate float64) Proof {
	out := Proof{Rate: rate, Left: p.LeftOut}
	if p.sliced {
		rate = 1
	}
	pages := false
	for i := range p.Rules {
		proof := proveRule(p, i, rate)
		out.Rules = append(out.Rules, proof)
		if proof.Rule.Severity == Page {
			pages = true
			out.Fires = out.Fires || proof.FiresS != nil
		}
	}
	if !pages {
		for _, r := range out.Rules {
			out.Fires = out.Fires || r.FiresS != nil
		}
	}
	return out
}

// proveRule injects an outage for one rule.
func proveRule(p *Plan, i int, rate float64) RuleProof {
	r := p.Rules[i]
	outage := int64(proofBefore) // ms, index of the first bad unit is proofBefore / unit
	longest := max(r.Long.Milliseconds(), proofBefore)
	proof := RuleProof{Rule: r, WatchedForMS: ceilTo(longest, p.unit)}
	rules, states := []Rule{r}, make([]AlertState, 1)

	bad := proofHistory(p, rate, outage, outage+ceilTo(longest, p.unit), outage+ceilTo(longest, p.unit))
	var fired *Transition
	for tick := Instant(outage); fired == nil && tick <= Instant(outage+longest); tick += 60 * block * SlotMS {
		bad.run(rules, states, tick+SlotMS, min(tick+60*block*SlotMS, Instant(outage+longest)), func(_ int, t Transition) {
			if t.Fired && fired == nil {
				fired = &t
			}
		})
	}
	if fired == nil {
		return proof
	}
	after := float64(fired.At-Instant(outage)) / 1000
	proof.FiresS, proof.FiredWith = &after, *fired
	healed := ceilTo(int64(fired.At), p.unit)
	end := healed + 2*longest + r.Resolve.Milliseconds() + 2*p.unit
	states[0] = AlertState{Firing: true, Since: fired.At}
	done := false
	proofHistory(p, rate, outage, healed, end).run(rules, states, fired.At+SlotMS, Instant(end), func(_ int, t Transition) {
		if !t.Fired && !done {
			done = true
			ends := float64(t.At-fired.At) / 1000
			proof.EndsS = &ends
		}
	})
	return proof
}

// proofHistory is units of good events at a rate from 0 to end, all bad in [outage, healed). Counts are
// floor(rate (i+1)) - floor(rate i), so that thin traffic comes in whole events.
func proofHistory(p *Plan, rate float64, outage, healed, end int64) *History {
	n := int(end / p.unit)
	h := &History{plan: p.flat(), n: n}
	r := newRow(n, []version{{0, p.proofCost()}})
	for i := range n {
		u := Unit{Total: whole(rate*float64(i+1)) - whole(rate*float64(i)), ValidS: float64(p.unit) / 1000}
		if at := int64(i) * p.unit; at >= outage && at < healed {
			u.Bad = u.Total
		}
		r.push([]Unit{u}, 1)
	}
	h.rows = []row{r}
	return h
}

// flat is the plan with one lane: a proof injects an outage of the whole.
func (p *Plan) flat() *Plan {
	if p.kind != OpenSLO {
		return p
	}
	c := *p
	c.kind = Pooled
	return &c
}

// proofCost is 1 - target now. Where parts have their own targets, a total outage burns sum w/(1 - target).
func (p *Plan) proofCost() float64 {
	if p.kind != OpenSLO {
		return p.versions[len(p.versions)-1].cost
	}
	burn := 0.0
	for _, c := range p.parts {
		burn += c.weight / c.versions[len(c.versions)-1].cost
	}
	return 1 / burn
}
