package kit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseTime reads a moment that a person or program wrote: RFC 3339 ("2026-10-22T14:32:00Z"), a day in UTC
// ("2026-10-22"), Unix seconds ("1792679520"), "now", or an age ("90m", "7d": so long before now).
func ParseTime(s string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 1e8 && n < 1e11 {
		return time.Unix(n, 0).UTC(), nil
	}
	if s == "now" {
		return now.UTC(), nil
	}
	if d, err := ParseSpan(s); err == nil {
		return now.Add(-d).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time; write 2026-10-22T14:32:00Z, 2026-10-22 or an age such as 7d", s)
}

var spanUnits = []struct {
	unit   string
	length time.Duration
}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}

// ParseSpan reads a positive length of time in the units of Prometheus, without years: "5m", "1d12h", "4w". A day has 24
// hours. More than 10 years is refused.
func ParseSpan(s string) (time.Duration, error) {
	rest, sum := s, time.Duration(0)
	for _, u := range spanUnits {
		head, tail, ok := strings.Cut(rest, u.unit)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(head)
		if err != nil || n < 0 || n > 1e6 {
			break
		}
		sum, rest = sum+time.Duration(n)*u.length, tail
		if sum > 3660*24*time.Hour {
			break
		}
	}
	if rest != "" || sum <= 0 || sum > 3660*24*time.Hour {
		return 0, fmt.Errorf("%q is no length of time; write 5m, 12h, 28d or 4w", s)
	}
	return sum, nil
}
