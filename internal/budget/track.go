package budget

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// track is one objective in force: what it reads, what it has counted, its budgets.
type track struct {
	plan    *slo.Plan
	agreed  string // version of the agreement, for facts
	intake  intake
	mark    trackMark
	digest  string // of the whole agreement, for proofs
	dirty   bool   // the mark changed since it was stored
	source  *source
	seeded  bool        // counters stand at through
	since   slo.Instant // what came later was looked at; 0 while counters only learn where series stand
	through slo.Instant // samples are read up to here
	filled  float64     // share of the back-fill done
	proof   *Proof

	counters    []*slo.Counter // one a part; nil until started
	series      []map[uint64]*feed
	run         []slo.Sample // scratch
	groups      map[string]*group
	refused     map[string]bool // groups over the limit
	corrections []slo.Correction
	late        slo.Instant // oldest sample that came after its time was read; 0 = none
	recount     slo.Instant // count again from here on; 0 = not needed
}

// feed is one series as it was read, and what it counts as.
type feed struct {
	to   []*slo.Series
	last int64 // ms of its newest sample
}

// group is one budget of a track.
type group struct {
	track   *track
	key     string
	labels  map[string]string
	mark    groupMark
	ids     []count.ID
	reader  *reader
	meter   *slo.Meter
	last    int64        // newest slot that is stored
	sample  slo.Instant  // end of the newest slot with a sample
	begun   bool         // the meter is started
	now     []slo.Change // what the meter has not heard of
	gaps    []event.Event
	days    []Day
	closed  slo.Instant    // days that ended before it are closed
	changed [2]slo.Instant // what changed since days were closed
	covered []bool         // scratch
	rows    []slo.Slot     // scratch
}

// newTrack resolves an objective. was is its mark of before, zero for a new one; at is when this version takes effect.
func newTrack(o slo.Objective, agreed string, was trackMark, at slo.Instant) (*track, error) {
	in, err := intakeOf(o)
	if err != nil {
		return nil, err
	}
	t := &track{agreed: agreed, intake: in, mark: was, groups: map[string]*group{}, refused: map[string]bool{}}
	t.edit(o, at)
	versions := make([]slo.Version, len(t.mark.Targets))
	for i, v := range t.mark.Targets {
		versions[i] = slo.Version{From: v.From, Target: v.Target}
	}
	if t.plan, err = slo.NewPlan(o, versions); err != nil {
		return nil, err
	}
	t.digest = digestOf(o)
	return t, nil
}

// edit brings the mark to a new version of the objective: a new target holds from now on and leaves history alone, a new
// indicator counts from now on, and another split into groups or parts begins anew beside what was.
func (t *track) edit(o slo.Objective, at slo.Instant) {
	m, from := &t.mark, slo.SlotStart(at.SlotUp())
	if len(m.Targets) == 0 {
		m.Targets = []targetMark{{0, o.Target}}
		t.dirty = true
	} else if last := &m.Targets[len(m.Targets)-1]; last.Target.Cmp(o.Target) != 0 {
		if last.From == from {
			last.Target = o.Target
		} else {
			m.Targets = append(slices.Clone(m.Targets), targetMark{from, o.Target})
		}
		t.dirty = true
	}
	indicator, shape := indicatorDigest(o), shapeDigest(o)
	if m.Shape != shape {
		m.Shape, m.Indicator, t.dirty = shape, indicator, true
		m.Version++
		m.Groups, m.Filled, m.Behind = nil, false, 0
		if m.Version > 1 {
			m.Counted, m.Start = from, from
		}
	}
	if m.Indicator != indicator {
		m.Indicator, m.Counted, t.dirty = indicator, from, true
	}
}

func digestOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error() // an objective holds nothing that has no JSON form but NaN, which no plan accepts
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:12])
}

func indicatorDigest(o slo.Objective) string {
	indicators := []slo.Indicator{o.Indicator}
	if o.Composite != nil {
		for _, p := range o.Composite.Parts {
			indicators = append(indicators, p.Objective.Indicator)
		}
	}
	return digestOf(struct {
		Indicators []slo.Indicator
		Staleness  time.Duration
	}{indicators, o.Staleness})
}

func shapeDigest(o slo.Objective) string {
	return digestOf(struct{ Parts, GroupBy []string }{partNames(o), o.GroupBy})
}

func partNames(o slo.Objective) []string {
	if o.Composite == nil {
		return []string{""}
	}
	var names []string
	for _, p := range o.Composite.Parts {
		names = append(names, p.Name)
	}
	return names
}

// begin makes fresh counters that count from start on, keeping samples for keep.
func (t *track) begin(start slo.Instant, keep time.Duration) {
	t.counters, t.since = nil, 0
	for part := range t.plan.Parts() {
		t.counters = append(t.counters, slo.NewCounter(t.plan, part, start, keep))
	}
	t.series = make([]map[uint64]*feed, len(t.intake.inlets)+len(t.intake.formulas))
	for i := range t.series {
		t.series[i] = map[uint64]*feed{}
	}
}

// read takes what the source has of (after, upTo] into the counters.
func (t *track) read(ctx context.Context, after, upTo slo.Instant) error {
	for i := range t.intake.inlets {
		in := &t.intake.inlets[i]
		if in.within >= 0 {
			continue
		}
		err := t.source.Raw(ctx, in.selector, (after + 1).Time(), (upTo + 1).Time(), func(s metric.Series) error {
			return t.take(ctx, i, s)
		})
		if err != nil {
			return err
		}
	}
	return t.evaluate(ctx, after, upTo)
}

// take hands the points of one series to all inlets that it belongs to.
func (t *track) take(ctx context.Context, i int, s metric.Series) error {
	if len(s.Points) == 0 {
		return nil
	}
	hash := s.Labels.Hash()
	f := t.series[i][hash]
	if f == nil {
		returned, err := t.returned(ctx, s)
		if err != nil {
			return err
		}
		f = t.register(i, s.Labels)
		for _, to := range f.to {
			if returned {
				to.Returned()
			}
		}
		t.series[i][hash] = f
	}
	t.run = t.run[:0]
	for i := range s.Points {
		p := &s.Points[i]
		x := slo.Sample{T: slo.Instant(p.T), Start: slo.Instant(p.ST), V: p.V}
		if x.Stale = value.IsStaleNaN(p.V); p.H != nil && !x.Stale {
			x.Hist = nativeOf(p.H)
		}
		t.run = append(t.run, x)
	}
	for _, to := range f.to {
		if late := to.AddRun(t.run); late != 0 {
			t.again(late)
		}
	}
	f.last = max(f.last, s.Points[len(s.Points)-1].T)
	return nil
}

// silence is how far back a series that turns up is looked for: longer than any usual retention of raw samples.
const silence = 400 * dayBack

// returned says that a series that turns up was there more than a day ago, before what was read: a counter that comes
// back is not born under watch.
func (t *track) returned(ctx context.Context, s metric.Series) (bool, error) {
	first := slo.Instant(s.Points[0].T)
	if t.since == 0 || first-t.since <= dayBack || targetOf(s.Labels) == "" {
		return false, nil
	}
	found, err := t.source.Series(ctx, []string{s.Labels.String()}, max(0, first-silence).Time(), t.since.Time())
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(found, func(ls labels.Labels) bool { return labels.Equal(ls, s.Labels) }), nil
}

// again asks for a new count of what a late sample may have changed.
func (t *track) again(at slo.Instant) {
	if t.recount == 0 || at < t.recount {
		t.recount = max(at, 1)
	}
}

// register finds out what a series counts as. One that counts towards the total and towards the bad or good events is
// kept once for both.
func (t *track) register(i int, ls labels.Labels) *feed {
	f := &feed{}
	type counted struct {
		slo.SeriesKey
		part int
	}
	var keys []counted
	for j := range t.intake.inlets {
		in := &t.intake.inlets[j]
		if j != i && (in.within != i || !matches(in.matchers, ls)) {
			continue
		}
		key := slo.SeriesKey{Role: in.role, Target: targetOf(ls), Delta: t.indicator(in.part).Delta, Factor: in.factor}
		switch in.role {
		case slo.RoleBucket:
			bound, err := strconv.ParseFloat(ls.Get(labels.BucketLabel), 64)
			if err != nil || math.IsNaN(bound) {
				continue // not a bucket
			}
			key.Bound = bound
			ls.Range(func(l labels.Label) {
				if l.Name != labels.BucketLabel {
					key.Labels = append(key.Labels, kit.Label(l))
				}
			})
		default:
			for _, name := range t.plan.Objective.GroupBy {
				key.Labels = append(key.Labels, kit.Label{Name: name, Value: strings.Clone(ls.Get(name))})
			}
		}
		twin := slices.IndexFunc(keys, func(k counted) bool {
			return k.part == in.part && k.Also == 0 && k.Role == slo.RoleTotal && (key.Role == slo.RoleBad || key.Role == slo.RoleGood)
		})
		if twin >= 0 {
			keys[twin].Also, keys[twin].AlsoFactor = key.Role, key.Factor
			continue
		}
		keys = append(keys, counted{key, in.part})
	}
	for _, k := range keys {
		s, err := t.counters[k.part].Series(k.SeriesKey)
		if err != nil {
			t.refused[t.groupName(ls)] = true
			continue
		}
		f.to = append(f.to, s)
	}
	return f
}

func (t *track) indicator(part int) slo.Indicator {
	if c := t.plan.Objective.Composite; c != nil {
		return c.Parts[part].Objective.Indicator
	}
	return t.plan.Objective.Indicator
}

func (t *track) groupName(ls labels.Labels) string {
	var values []string
	for _, name := range t.plan.Objective.GroupBy {
		values = append(values, ls.Get(name))
	}
	return slo.GroupName(values)
}

// targetOf is what was scraped or instrumented: job and instance, which Prometheus' translator makes of an OTLP resource
// too. "" where the series does not say.
func targetOf(ls labels.Labels) string {
	job, instance := ls.Get("job"), ls.Get("instance")
	if job == "" && instance == "" {
		return ""
	}
	return job + "\x00" + instance
}
