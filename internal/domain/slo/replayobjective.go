package slo

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"time"
)

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
