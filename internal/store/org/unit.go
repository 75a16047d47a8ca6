package org

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/invopop/jsonschema"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// Duration is a length of time written as whole numbers and units, the largest first: "90d", "1h30m". A day is 24 hours, a
// week 7 days.
type Duration time.Duration

const durationPattern = `^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$`

var (
	durationText  = regexp.MustCompile(durationPattern)
	durationUnits = []time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second, time.Millisecond}
	unitText      = regexp.MustCompile(`^[0-9]+`)
)

// ParseDuration reads a Duration; at most ten years.
func ParseDuration(s string) (time.Duration, error) {
	m := durationText.FindStringSubmatch(s)
	if s == "" || m == nil {
		return 0, fmt.Errorf("%q is not a duration such as 5m, 1h30m or 28d", s)
	}
	var sum time.Duration
	for i, part := range m[1:] {
		if part == "" {
			continue
		}
		n, err := strconv.ParseInt(unitText.FindString(part), 10, 64)
		if err != nil || n > int64(10*366*24*time.Hour/durationUnits[i]) {
			return 0, fmt.Errorf("%q is longer than ten years", s)
		}
		sum += time.Duration(n) * durationUnits[i]
	}
	if sum > 10*366*24*time.Hour {
		return 0, fmt.Errorf("%q is longer than ten years", s)
	}
	return sum, nil
}

func (d Duration) String() string {
	if d == 0 {
		return "0s"
	}
	rest, out := time.Duration(d), ""
	for i, name := range []string{"w", "d", "h", "m", "s", "ms"} {
		if name == "w" {
			continue // 28d, as people write it
		}
		if n := rest / durationUnits[i]; n > 0 {
			out += strconv.FormatInt(int64(n), 10) + name
			rest -= n * durationUnits[i]
		}
	}
	return out
}

func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(d.String()) }

func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("%s is not a duration such as 5m, 1h30m or 28d", b)
	}
	v, err := ParseDuration(s)
	*d = Duration(v)
	return err
}

// JSONSchema describes the text form.
func (Duration) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: durationPattern, MinLength: new(uint64(2)), Examples: []any{"5m", "28d"}}
}

// Window is the stretch a budget is for: rolling ("28d") or a calendar unit ("month") in the organisation's zone.
type Window struct {
	Rolling time.Duration
	Unit    string // day, week, month, quarter, year
}

var windowUnits = []string{"day", "week", "month", "quarter", "year"}

// IsZero says whether no window was given.
func (w Window) IsZero() bool { return w == Window{} }

// Of is the objective's window, in a zone.
func (w Window) Of(zone string) slo.Window {
	if w.Unit != "" {
		return slo.Window{Unit: w.Unit, Count: 1, Zone: zone}
	}
	return slo.Window{Rolling: w.Rolling}
}

func (w Window) MarshalJSON() ([]byte, error) {
	if w.Unit != "" {
		return json.Marshal(w.Unit)
	}
	return json.Marshal(Duration(w.Rolling))
}

func (w *Window) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("%s is not a window such as 28d or month", b)
	}
	if slices.Contains(windowUnits, s) {
		*w = Window{Unit: s}
		return nil
	}
	d, err := ParseDuration(s)
	if err == nil && (d < time.Minute || d%time.Minute != 0) {
		err = fmt.Errorf("%q is not a positive number of minutes", s)
	}
	*w = Window{Rolling: d}
	return err
}

// JSONSchema describes the text form.
func (Window) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Examples: []any{"28d", "month"}, AnyOf: []*jsonschema.Schema{
		{Pattern: durationPattern}, {Enum: []any{"day", "week", "month", "quarter", "year"}}}}
}

// Size is a number of bytes written with a unit of thousands ("20GB") or of 1024 ("20GiB").
type Size int64

const sizePattern = `^([0-9]+)([kMGT]i?)?B$`

var (
	sizeText  = regexp.MustCompile(sizePattern)
	sizeUnits = map[string]int64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}
)

func (s *Size) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("%s is not a size such as 20GB", b)
	}
	m := sizeText.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("%q is not a size such as 20GB", text)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil || n > (1<<62)/sizeUnits[m[2]] {
		return fmt.Errorf("%q is too large", text)
	}
	*s = Size(n * sizeUnits[m[2]])
	return nil
}

func (s Size) MarshalJSON() ([]byte, error) {
	for _, u := range []string{"T", "G", "M", "k"} {
		if f := sizeUnits[u]; s > 0 && int64(s)%f == 0 {
			return json.Marshal(strconv.FormatInt(int64(s)/f, 10) + u + "B")
		}
	}
	return json.Marshal(strconv.FormatInt(int64(s), 10) + "B")
}

// JSONSchema describes the text form.
func (Size) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Pattern: sizePattern, Examples: []any{"20GB"}}
}

// Instant is a moment written with its offset: "2026-03-01T10:00:00Z".
type Instant struct{ time.Time }

func (i *Instant) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("%s is not a time such as 2026-03-01T10:00:00Z", b)
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("%q is not a time with its offset, such as 2026-03-01T10:00:00Z", s)
	}
	i.Time = t.UTC()
	return nil
}

// JSONSchema describes the text form.
func (Instant) JSONSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", Format: "date-time", Examples: []any{"2026-03-01T10:00:00Z"}}
}
