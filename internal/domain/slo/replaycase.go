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
