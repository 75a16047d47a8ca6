package slo

import (
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Version is a target and since when it holds: for slots that begin at or after From (§6). The first version also
// holds for whatever lies before it.
type Version struct {
	From   Instant
	Target Decimal
}

// Plan is an objective made ready for evaluation: checked, its windows resolved, its rules made. It is immutable and
// may be shared.
type Plan struct {
	Objective Objective
	Versions  []Version
	Rules     []Rule    // kept pairs, then the trickle rule; empty where the objective never alerts
	LeftOut   []LeftOut // pairs that cannot be evaluated

	unit     int64 // length of a unit, ms: a slot or a slice
	unitLen  int64 // in slots
	sliced   bool  // units are slices
	versions []version
	parts    []part
	own      part      // the objective's own policy over pooled slices; parts[0] where it is no composite
	kind     string    // of the composite, "" for none
	calendar *calendar // nil = rolling
	rolling  int64     // ms
}

// version is a target from a slot on.
type version struct {
	from int64   // first slot
	cost float64 // 1 - target
}

// part is one indicator of an objective: the objective itself, or a member of its composite.
type part struct {
	weight   float64
	noData   NoData
	slack    float64 // 1 - slice target
	grouped  bool    // has ended when silent for a day (§4)
	versions []version
}

// NewPlan checks an objective and makes it ready. versions in rising order; nil = the objective's target always held.
// Its error names every field that is wrong (kit.Invalid).
func NewPlan(o Objective, versions []Version) (*Plan, error) {
	if len(versions) == 0 {
		versions = []Version{{0, o.Target}}
	}
	if err := refuse(o, versions); err != nil {
		return nil, err
	}
	return planOf(o, versions)
}

// planOf makes a plan of what was checked.
func planOf(o Objective, versions []Version) (*Plan, error) {
	p := &Plan{Objective: o, Versions: versions, unit: SlotMS, unitLen: 1, versions: slotVersions(versions)}
	if o.sliced() {
		p.sliced = true
		p.unit = o.Slice.Milliseconds()
		p.unitLen = p.unit / SlotMS
	}
	p.rolling = o.Window.Rolling.Milliseconds()
	if o.Window.Rolling == 0 {
		var err error
		if p.calendar, err = newCalendar(o.Window); err != nil {
			return nil, err
		}
	}
	p.parts = partsOf(o, p.versions)
	p.own = part{1, noDataOf(o), o.SliceTarget.Complement(), len(o.GroupBy) > 0, p.versions}
	if o.Composite != nil {
		p.kind = o.Composite.Kind
	}
	if !o.NoAlerts {
		pairs, own := o.Pairs, true
		if pairs == nil {
			pairs, own = DefaultPairs(o.Tier), false
		}
		p.Rules, p.LeftOut = rulesOf(pairs, o.Tier, p.nominal(), p.versions[len(p.versions)-1].cost, own)
	}
	return p, nil
}

func (o Objective) sliced() bool { return o.Method == Timeslices || o.Method == RatioTimeslices }

func slotVersions(vs []Version) []version {
	out := make([]version, len(vs))
	for i, v := range vs {
		out[i] = version{v.From.SlotUp(), v.Target.Complement()}
	}
	return out
}

func partsOf(o Objective, versions []version) []part {
	if o.Composite == nil {
		return []part{{1, noDataOf(o), o.SliceTarget.Complement(), len(o.GroupBy) > 0, versions}}
	}
	var parts []part
	for _, m := range o.Composite.Parts {
		c := part{m.Weight, noDataOf(m.Objective), m.Objective.SliceTarget.Complement(), len(o.GroupBy) > 0, versions}
		if o.Composite.Kind == OpenSLO {
			c.versions = slotVersions([]Version{{0, m.Objective.Target}})
		}
		if !m.Objective.SliceTarget.IsSet() {
			c.slack = o.SliceTarget.Complement()
		}
		parts = append(parts, c)
	}
	return parts
}

func noDataOf(o Objective) NoData {
	if o.NoData == "" {
		return Excluded
	}
	return o.NoData
}

// Length is the window's nominal length, from which burn-rate factors are made (§8): a month counts 30 days.
func (p *Plan) Length() time.Duration { return time.Duration(p.nominal()) * time.Millisecond }

func (p *Plan) nominal() float64 {
	if p.calendar != nil {
		return p.calendar.nominal()
	}
	return float64(p.rolling)
}

// Unit is the length of what counts as one: a slot of 60 s, or a slice.
func (p *Plan) Unit() time.Duration { return time.Duration(p.unit) * time.Millisecond }

// Parts is how many indicators are counted: 1, or the members of the composite.
func (p *Plan) Parts() int { return len(p.parts) }

// Target is the target in force at an instant.
func (p *Plan) Target(t Instant) Decimal {
	target := p.Versions[0].Target
	for _, v := range p.Versions {
		if v.From <= t {
			target = v.Target
		}
	}
	return target
}

// Period is the budget window that holds t, [from, to): of a rolling window the one that ends at t, rounded as §6 says.
func (p *Plan) Period(t Instant) (from, to Instant) {
	if p.calendar != nil {
		return p.calendar.period(t)
	}
	end := floorTo(int64(t), p.unit)
	return p.rollingBegin(end), Instant(end)
}

// longWindow is the length above which a rolling window begins at a multiple of 15 min, so that compaction of old
// slots never changes an answer.
const longWindow = 92 * dayMS

func (p *Plan) rollingBegin(end int64) Instant {
	begin := end - p.rolling
	if p.rolling > longWindow {
		begin = floorTo(begin, quarterMS)
	}
	return Instant(floorTo(begin, p.unit))
}

// span places t in its budget window, for an objective or group whose first slot begins at first.
func (p *Plan) span(t, first Instant) span {
	first = Instant(ceilTo(int64(first), p.unit))
	s := span{to: Instant(floorTo(int64(t), p.unit))}
	if p.calendar == nil {
		s.begin = p.rollingBegin(int64(s.to))
		s.from, s.length, s.full = max(s.begin, first), float64(p.rolling), first <= s.begin
	} else {
		var end Instant
		s.begin, end = p.calendar.period(t)
		s.from = max(s.begin, first)
		s.length = float64(end - s.from)
	}
	s.to = max(s.to, s.from)
	return s
}

// refuse is Check as an error: nil when nothing is refused.
func refuse(o Objective, versions []Version) error {
	var e kit.Error
	for _, f := range checkAll(o, versions) {
		if f.problem.Severity == kit.SeverityError && !f.alerting {
			e.Fields = append(e.Fields, kit.Field{Path: f.path, Msg: f.problem.Msg})
		}
	}
	if len(e.Fields) == 0 {
		return nil
	}
	e.Code, e.Msg = kit.Invalid, "objective "+o.Name+" is refused"
	return &e
}
