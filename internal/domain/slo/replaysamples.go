package slo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// arrival is a sample on its way to its series.
type arrival struct {
	to *Series
	Sample
}

// arrivals registers the series of a case with the counters of its parts and gives all samples in order of arrival.
func (c *replayCase) arrivals(p *Plan, counters []*Counter) ([]arrival, error) {
	var out []arrival
	for i := range c.Series {
		s := &c.Series[i]
		key, err := s.key()
		if err != nil {
			return nil, err
		}
		part := 0
		if m := p.Objective.Composite; m != nil {
			part = slices.IndexFunc(m.Parts, func(p Part) bool { return p.Name == s.Component })
			if part < 0 {
				return nil, fmt.Errorf("read series: component %q is unknown", s.Component)
			}
		}
		series, err := counters[part].Series(key)
		if err != nil {
			return nil, err
		}
		for _, raw := range s.Samples {
			if out, err = appendArrivals(out, series, raw); err != nil {
				return nil, fmt.Errorf("read samples of series %d: %w", i+1, err)
			}
			if len(out) > maxReplaySamples {
				return nil, fmt.Errorf("read samples: more than %d", maxReplaySamples)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b arrival) int { return cmp.Compare(a.Seen, b.Seen) })
	return out, sameYears(out)
}

// sameYears refuses samples so far apart that their slots would not fit in memory.
func sameYears(all []arrival) error {
	if len(all) == 0 {
		return nil
	}
	lo, hi := all[0].T, all[0].T
	for _, a := range all {
		lo, hi = min(lo, a.T), max(hi, a.T)
	}
	if float64(hi)-float64(lo) > maxReplaySlots*SlotMS {
		return fmt.Errorf("read samples: they are more than %d slots apart", maxReplaySlots)
	}
	return nil
}

// run is samples at equal distance: v0 at `at`, then n each d higher, and so on.
type run struct {
	At    int64       `json:"at"`
	Every int64       `json:"every"`
	V0    float64     `json:"v0"`
	Inc   [][2]number `json:"inc"`
}

func appendArrivals(out []arrival, to *Series, raw json.RawMessage) ([]arrival, error) {
	if len(raw) > 0 && raw[0] == '{' {
		var r run
		if err := json.Unmarshal(raw, &r); err != nil {
			return nil, err
		}
		return r.append(out, to)
	}
	var fields []json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	if len(fields) < 2 || len(fields) > 4 {
		return nil, fmt.Errorf("a sample has 2 to 4 elements, not %d", len(fields))
	}
	a := arrival{to: to}
	var err error
	if a.T, err = readInstant(fields[0]); err != nil {
		return nil, err
	}
	a.Seen = a.T
	if len(fields) > 2 && string(fields[2]) != "null" {
		if a.Seen, err = readInstant(fields[2]); err != nil {
			return nil, err
		}
	}
	if len(fields) > 3 && string(fields[3]) != "null" {
		if a.Start, err = readInstant(fields[3]); err != nil {
			return nil, err
		}
	}
	if err := a.readValue(fields[1]); err != nil {
		return nil, err
	}
	return append(out, a), nil
}

func (r run) append(out []arrival, to *Series) ([]arrival, error) {
	if err := instants(r.At, r.Every); err != nil {
		return nil, err
	}
	t, v := r.At, r.V0
	out = append(out, arrival{to, Sample{T: Instant(t), Seen: Instant(t), V: v}})
	for _, step := range r.Inc {
		n := float64(step[0])
		if n < 0 || n != math.Trunc(n) || n+float64(len(out)) > maxReplaySamples {
			return nil, fmt.Errorf("a run of %v samples", n)
		}
		for range int(n) {
			if t += r.Every; t < -maxInstant || t > maxInstant {
				return nil, instants(t)
			}
			v += float64(step[1])
			out = append(out, arrival{to, Sample{T: Instant(t), Seen: Instant(t), V: v}})
		}
	}
	return out, nil
}

// maxInstant bounds the times of a case: the years 1740 to 2200.
const maxInstant = 7_258_118_400_000

// instants says what is wrong with times that do not lie within the bounds.
func instants(ts ...int64) error {
	for _, t := range ts {
		if t < -maxInstant || t > maxInstant {
			return fmt.Errorf("time %d is not in milliseconds between the years 1740 and 2200", t)
		}
	}
	return nil
}

func readInstant(raw json.RawMessage) (Instant, error) {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.Abs(f) > maxInstant || f != math.Trunc(f) {
		return 0, fmt.Errorf("%s is not a time in whole milliseconds between the years 1740 and 2200", clip(raw))
	}
	return Instant(f), nil
}

func clip(raw []byte) string {
	if len(raw) > 40 {
		return string(raw[:40]) + "..."
	}
	return string(raw)
}

func (s *Sample) readValue(raw json.RawMessage) error {
	switch {
	case string(raw) == "null":
		s.Stale = true
		return nil
	case len(raw) > 0 && raw[0] == '{':
		return s.readHistogram(raw)
	}
	v, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil && !math.IsInf(v, 0) {
		return fmt.Errorf("%s is not a value", clip(raw))
	}
	s.V = v
	return nil
}

func (s *Sample) readHistogram(raw json.RawMessage) error {
	var h struct {
		Schema int32            `json:"schema"`
		Count  number           `json:"count"`
		ZT     number           `json:"zt"`
		ZC     number           `json:"zc"`
		Pos    map[int32]number `json:"pos"`
		Neg    map[int32]number `json:"neg"`
	}
	if err := json.Unmarshal(raw, &h); err != nil {
		return fmt.Errorf("read histogram: %w", err)
	}
	side := func(in map[int32]number) map[int32]float64 {
		out := make(map[int32]float64, len(in))
		for i, n := range in {
			out[i] = float64(n)
		}
		return out
	}
	s.Hist = &NativeHistogram{Schema: h.Schema, Count: float64(h.Count), ZeroThreshold: float64(h.ZT), ZeroCount: float64(h.ZC), Positive: side(h.Pos), Negative: side(h.Neg)}
	return nil
}
