package slo

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// replayCase is one test vector. Fields that are not named here are ignored.
type replayCase struct {
	ID          string             `json:"id"`
	SLO         json.RawMessage    `json:"slo"`
	Series      []replaySeries     `json:"series"`
	Slots       *replaySlots       `json:"slots"`
	Corrections []replayCorrection `json:"corrections"`
	Questions   []json.RawMessage  `json:"questions"`
}

type replaySLO struct {
	SLI         string          `json:"sli"`
	Target      string          `json:"target"`
	Versions    []replayVersion `json:"versions"`
	Start       int64           `json:"start"`
	Window      replayWindow    `json:"window"`
	Tier        *int            `json:"tier"`
	NoData      string          `json:"no_data"`
	StalenessS  float64         `json:"staleness_s"`
	Method      string          `json:"method"`
	SliceS      float64         `json:"slice_s"`
	SliceTarget *looseText      `json:"slice_target"`
	Threshold   *looseText      `json:"threshold"`
	Op          string          `json:"op"`
	GroupBy     []string        `json:"group_by"`
	Composite   string          `json:"composite"`
	Components  []replayPart    `json:"components"`
	Alerts      []replayPair    `json:"alerts"`
	BurnS       []float64       `json:"burn_s"`
	ProjectionS float64         `json:"projection_s"`
}

type replayVersion struct {
	From   int64  `json:"from"`
	Target string `json:"target"`
}

type replayWindow struct {
	RollingS float64 `json:"rolling_s"`
	Calendar *struct {
		Unit   string `json:"unit"`
		Count  *int   `json:"count"`
		Zone   string `json:"zone"`
		Anchor string `json:"anchor"`
	} `json:"calendar"`
}

type replayPart struct {
	Name   string                     `json:"name"`
	Weight *looseText                 `json:"weight"`
	SLO    map[string]json.RawMessage `json:"slo"`
}

type replayPair struct {
	Name     string     `json:"name"`
	Severity string     `json:"severity"`
	Spend    *looseText `json:"spend"`
	Factor   *looseText `json:"factor"`
	LongS    float64    `json:"long_s"`
	ShortS   float64    `json:"short_s"`
}

type replaySeries struct {
	Role      string            `json:"role"`
	Target    *string           `json:"target"`
	LE        *looseText        `json:"le"`
	Labels    map[string]string `json:"labels"`
	Component string            `json:"component"`
	Delta     bool              `json:"delta"`
	Samples   []json.RawMessage `json:"samples"`
}

type replaySlots struct {
	From int64       `json:"from"`
	Runs [][3]number `json:"runs"`
}

type replayCorrection struct {
	ID      string `json:"id"`
	From    int64  `json:"from"`
	To      int64  `json:"to"`
	Effect  string `json:"effect"`
	Seen    int64  `json:"seen"`
	Revoked *int64 `json:"revoked"`
}

// looseText is a number that may be written as a string, a number or {"q": "a/b"}.
type looseText string

func (t *looseText) UnmarshalJSON(b []byte) error {
	var q struct {
		Q string      `json:"q"`
		F json.Number `json:"f"`
	}
	s := strings.Trim(string(b), `"`)
	if len(b) > 0 && b[0] == '{' {
		if err := json.Unmarshal(b, &q); err != nil {
			return err
		}
		if s = q.Q; s == "" {
			s = q.F.String()
		}
	}
	*t = looseText(s)
	return nil
}

// number is a looseText as a float64: "5/1440", 0.5, "1e3".
type number float64

func (n *number) UnmarshalJSON(b []byte) error {
	var t looseText
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	v, err := t.float()
	*n = number(v)
	return err
}

func (t looseText) float() (float64, error) {
	if a, b, ok := strings.Cut(string(t), "/"); ok {
		x, errA := strconv.ParseFloat(a, 64)
		y, errB := strconv.ParseFloat(b, 64)
		if errA == nil && errB == nil && y != 0 && len(t) < 40 {
			return x / y, nil
		}
		if len(t) <= 400 {
			if r, ok := new(big.Rat).SetString(string(t)); ok {
				f, _ := r.Float64()
				return f, nil
			}
		}
		return 0, fmt.Errorf("%q is not a number", t)
	}
	v, err := strconv.ParseFloat(string(t), 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", t)
	}
	return v, nil
}

func (t *looseText) decimal() Decimal {
	if t == nil {
		return Decimal{}
	}
	d, _ := ParseDecimal(string(*t)) // not one: unset, which Check refuses
	return d
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }

// objective reads the case's SLO. bad names the target that is no decimal.
func (s *replaySLO) objective() (o Objective, versions []Version, err error) {
	o = Objective{Name: "case", Tier: 1, NoData: NoData(s.NoData), Staleness: seconds(s.StalenessS), Method: Method(s.Method), Slice: seconds(s.SliceS), GroupBy: s.GroupBy}
	if s.Tier != nil {
		o.Tier = *s.Tier
	}
	o.Indicator = Indicator{Kind: IndicatorKind(s.SLI), Op: s.Op}
	if s.Threshold != nil {
		if o.Indicator.Threshold, err = s.Threshold.float(); err != nil {
			return o, nil, fmt.Errorf("read threshold: %w", err)
		}
	}
	o.SliceTarget = s.SliceTarget.decimal()
	o.Target, _ = ParseDecimal(s.Target) // not one: unset, which Check refuses
	for _, v := range s.Versions {
		t, _ := ParseDecimal(v.Target)
		versions = append(versions, Version{Instant(v.From), t})
		o.Target = t
	}
	o.Window.Rolling = seconds(s.Window.RollingS)
	if c := s.Window.Calendar; c != nil {
		o.Window = Window{Unit: c.Unit, Count: 1, Zone: c.Zone, Anchor: c.Anchor}
		if c.Count != nil {
			o.Window.Count = *c.Count
		}
	}
	o.Start = Instant(s.Start).Time()
	o.Pairs, err = s.pairs()
	return o, versions, err
}

func (s *replaySLO) pairs() ([]Pair, error) {
	if s.Alerts == nil {
		return nil, nil
	}
	pairs := []Pair{}
	for _, a := range s.Alerts {
		p := Pair{Name: a.Name, Severity: a.Severity, Long: seconds(a.LongS), Short: seconds(a.ShortS)}
		for _, n := range []struct {
			from *looseText
			to   *float64
		}{{a.Spend, &p.Spend}, {a.Factor, &p.Factor}} {
			if n.from == nil {
				continue
			}
			v, err := n.from.float()
			if err != nil {
				return nil, fmt.Errorf("read alert %s: %w", a.Name, err)
			}
			*n.to = v
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// composite reads the parts: each is the case's SLO with overrides.
func (c *replayCase) composite(s *replaySLO, o *Objective) error {
	if s.Composite == "" {
		return nil
	}
	o.Composite = &Composite{Kind: s.Composite}
	var base map[string]json.RawMessage
	if err := json.Unmarshal(c.SLO, &base); err != nil {
		return fmt.Errorf("read slo: %w", err)
	}
	for _, p := range s.Components {
		merged := maps.Clone(base)
		delete(merged, "composite")
		delete(merged, "components")
		if p.SLO["target"] != nil {
			delete(merged, "versions")
		}
		maps.Copy(merged, p.SLO)
		text, err := json.Marshal(merged)
		if err != nil {
			return fmt.Errorf("read component %s: %w", p.Name, err)
		}
		var inner replaySLO
		if err := json.Unmarshal(text, &inner); err != nil {
			return fmt.Errorf("read component %s: %w", p.Name, err)
		}
		part := Part{Name: p.Name, Weight: 1}
		if part.Objective, _, err = inner.objective(); err != nil {
			return fmt.Errorf("read component %s: %w", p.Name, err)
		}
		part.Objective.Composite = nil
		if s.Composite == AnySlice && p.SLO["target"] == nil {
			part.Objective.Target = Decimal{}
		}
		if p.Weight != nil {
			if part.Weight, err = p.Weight.float(); err != nil {
				return fmt.Errorf("read weight of component %s: %w", p.Name, err)
			}
		}
		o.Composite.Parts = append(o.Composite.Parts, part)
	}
	return nil
}

func (c *replayCase) corrections() []Correction {
	var out []Correction
	for _, r := range c.Corrections {
		k := Correction{ID: r.ID, From: Instant(r.From), To: Instant(r.To), Effect: Effect(r.Effect), Seen: Instant(r.Seen)}
		if r.Revoked != nil {
			k.Revoked = Instant(*r.Revoked)
		}
		out = append(out, k)
	}
	return out
}

const (
	maxReplaySamples = 4_000_000
	maxReplaySlots   = 2_000_000 // 3 years and 9 months
	maxReplayTicks   = 600_000   // 13 months
)

// expand is the slots of a case, all covered.
func (s *replaySlots) expand() ([]Slot, error) {
	var out []Slot
	for _, r := range s.Runs {
		n := float64(r[0])
		if n < 0 || n != math.Trunc(n) || n+float64(len(out)) > maxReplaySlots {
			return nil, fmt.Errorf("read slots: a run of %v slots; at most %d in all", n, maxReplaySlots)
		}
		for range int(n) {
			out = append(out, Slot{Bad: float64(r[1]), Total: float64(r[2]), ValidS: SlotS, Sampled: true})
		}
	}
	return out, nil
}

var replayRoles = map[string]Role{"total": RoleTotal, "good": RoleGood, "bad": RoleBad, "gauge": RoleGauge, "hist": RoleNative, "bucket": RoleBucket}

func (s *replaySeries) key() (SeriesKey, error) {
	role, ok := replayRoles[s.Role]
	if !ok {
		return SeriesKey{}, fmt.Errorf("read series: role %q is unknown", s.Role)
	}
	k := SeriesKey{Role: role, Delta: s.Delta}
	if s.Target != nil {
		k.Target = *s.Target
	}
	for _, name := range slices.Sorted(maps.Keys(s.Labels)) {
		k.Labels = append(k.Labels, kit.Label{Name: name, Value: s.Labels[name]})
	}
	if role == RoleBucket {
		if s.LE == nil {
			return k, fmt.Errorf("read series: a bucket without le")
		}
		bound, err := s.LE.float()
		if err != nil {
			return k, fmt.Errorf("read le: %w", err)
		}
		k.Bound = bound
	}
	return k, nil
}
