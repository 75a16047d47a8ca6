package slo

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Counter turns the samples of an objective's indicator, or of one part of a composite, into slots (§2, §3), one row
// of slots for each group. Samples come in order of arrival and may be late, repeated or wrong. The slots depend on
// what has arrived, not on the order in which late samples came. Not safe for concurrent use.
type Counter struct {
	in        Indicator
	staleness int64
	first     int64 // first slot of the objective
	groupBy   []string
	maxGroups int
	keep      int64   // ms of samples kept in memory; 0 = all
	old       Instant // what lies before it was forgotten; 0 = nothing
	groups    map[string]*Group
	series    map[*Series]struct{}
	refused   int // groups over the limit
}

// Role says what a series counts.
type Role uint8

const (
	RoleTotal  Role = iota + 1
	RoleGood        // of good_total
	RoleBad         // of bad_total
	RoleGauge       // gauge or probe
	RoleBucket      // classic histogram, one series a bound
	RoleNative      // native histogram
)

// SeriesKey is what a Counter must know about a series.
type SeriesKey struct {
	Role   Role
	Target string      // what was scraped: job and instance, or the OTLP resource; "" = not known
	Labels []kit.Label // for groups; of a bucket without le
	Bound  float64     // le of a bucket
	Delta  bool        // values are increments already
	Factor float64     // of a term in a sum of counters; 0 = 1
	// Also is what a counter of RoleTotal counts as besides, RoleGood or RoleBad, where both queries select it; 0 = nothing.
	Also       Role
	AlsoFactor float64
}

// NewCounter counts for one part of a plan from start on. keep bounds the samples held in memory: with 0 all are, which
// answers any order of arrival; else samples that arrive later than keep are given back as Late.
func NewCounter(p *Plan, partIndex int, start Instant, keep time.Duration) *Counter {
	o := p.Objective
	if o.Composite != nil {
		part := o.Composite.Parts[partIndex].Objective
		part.GroupBy, part.MaxGroups = o.GroupBy, o.MaxGroups
		if part.Staleness == 0 {
			part.Staleness = o.Staleness
		}
		o = part
	}
	c := &Counter{in: o.Indicator, staleness: o.Staleness.Milliseconds(), first: start.SlotUp(), groupBy: o.GroupBy, maxGroups: o.MaxGroups, keep: keep.Milliseconds(), groups: map[string]*Group{}, series: map[*Series]struct{}{}}
	if c.staleness == 0 {
		c.staleness = defaultStaleness
	}
	if c.maxGroups == 0 {
		c.maxGroups = 100
	}
	if c.keep > 0 {
		c.keep = max(c.keep, 2*c.staleness)
	}
	return c
}

// Group is the slots of one distinct tuple of the group_by labels.
type Group struct {
	Name   string   // GroupName of Values; "" where the objective has no groups
	Values []string // of the group_by labels

	c       *Counter
	first   int64 // first slot
	started bool  // a sample was accepted
	base    int64 // slot of cells[0]
	cells   []cell
	dirty   []int64
	targets map[string]*watched
	hists   map[string][]*Series // bucket series by histogram
	refused int
	whole   int64 // slots from here on are known completely, older ones only by what is added
}

// cell is one slot in the making.
type cell struct {
	bad, total exactSum
	covers     int32 // reasons why the slot is covered
	samples    int32 // total-side samples in it
	dirty      bool
	told       Slot
}

// watched is the series of one scraped target.
type watched struct {
	series   []*Series
	maxFirst Instant // the latest first sample of any
}

// Series registers a series; the same key may be registered once. The error (kit.TooLarge) says that its group is over
// the limit: its samples cannot be counted.
func (c *Counter) Series(k SeriesKey) (*Series, error) {
	values := make([]string, len(c.groupBy))
	for i, name := range c.groupBy {
		for _, l := range k.Labels {
			if l.Name == name {
				values[i] = l.Value
			}
		}
	}
	name := GroupName(values)
	g := c.groups[name]
	if g == nil {
		if len(c.groups) >= c.maxGroups {
			c.refused++
			return nil, kit.Errorf(kit.TooLarge, "group %q is refused: the objective has %d groups already; raise its limit or group by fewer labels", name, c.maxGroups)
		}
		g = &Group{Name: name, Values: values, c: c, first: c.first, base: c.first, targets: map[string]*watched{}, hists: map[string][]*Series{}, whole: c.first}
		if len(c.groupBy) > 0 {
			g.first = math.MaxInt64
		}
		c.groups[name] = g
	}
	s := &Series{SeriesKey: k, group: g}
	if s.Factor == 0 {
		s.Factor = 1
	}
	s.totalSide = k.Role == RoleTotal || k.Role == RoleGauge || k.Role == RoleNative || k.Role == RoleBucket && math.IsInf(k.Bound, 1)
	if k.Target != "" {
		t := g.targets[k.Target]
		if t == nil {
			t = &watched{}
			g.targets[k.Target] = t
		}
		t.series = append(t.series, s)
		s.target = t
	}
	if k.Role == RoleBucket {
		g.choose(s)
	}
	c.series[s] = struct{}{}
	return s, nil
}

// Drop forgets a series that will not come again: its samples, not its counts.
func (c *Counter) Drop(s *Series) {
	delete(c.series, s)
	if s.target != nil {
		s.target.series = slices.DeleteFunc(s.target.series, func(o *Series) bool { return o == s })
	}
}

// choose picks the bucket that counts as good: the one with the largest bound <= the threshold (§3).
func (g *Group) choose(s *Series) {
	if s.totalSide || s.Bound > g.c.in.Threshold {
		return
	}
	var key strings.Builder
	key.WriteString(s.Target)
	for _, l := range s.Labels {
		key.WriteString("\x00" + l.Name + "\x00" + l.Value)
	}
	rivals := append(g.hists[key.String()], s)
	g.hists[key.String()] = rivals
	best := slices.MaxFunc(rivals, func(a, b *Series) int { return cmp.Compare(a.Bound, b.Bound) })
	for _, r := range rivals {
		if r.chosen && r != best {
			r.recount(-1)
		}
		if !r.chosen && r == best {
			r.chosen = true
			r.recount(1)
		}
		r.chosen = r == best
	}
}

// EffectiveThreshold is the bound that latency is really compared with, the largest one <= the threshold; ok is false
// where there is none and every event is bad. Lint warns when it is not the threshold.
func EffectiveThreshold(bounds []float64, threshold float64) (bound float64, ok bool) {
	for _, b := range bounds {
		if b <= threshold && (!ok || b > bound) {
			bound, ok = b, true
		}
	}
	return bound, ok
}

// GroupName is the text of a tuple of values of the group_by labels: joined by "/". Where there are several, a "/" or "\\"
// within one stands behind a "\\", so that no two tuples share a name.
func GroupName(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = groupEscape.Replace(v)
	}
	return strings.Join(escaped, "/")
}

var groupEscape = strings.NewReplacer(`\`, `\\`, "/", `\/`)

// Groups is the groups from which a sample was accepted, by name.
func (c *Counter) Groups() []*Group {
	var out []*Group
	for _, g := range c.groups {
		if g.started || len(c.groupBy) == 0 {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b *Group) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Group is a group by name, nil where no series belongs to it.
func (c *Counter) Group(name string) *Group { return c.groups[name] }

// First is when the group's first slot begins; ok is false while it has none.
func (g *Group) First() (t Instant, ok bool) {
	if g.first == math.MaxInt64 {
		return 0, false
	}
	return SlotStart(g.first), true
}

// Refused is how many samples were refused.
func (g *Group) Refused() int { return g.refused }
