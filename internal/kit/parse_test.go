package kit

import (
	"testing"
	"time"
)

func TestTimesAreReadTheWayPeopleWriteThem(t *testing.T) {
	now := time.Date(2026, 10, 22, 14, 32, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"2026-10-01T02:00:00+02:00": time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
		"2026-10-01":                time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC),
		"1792679520":                time.Unix(1792679520, 0).UTC(),
		"now":                       now,
		"90m":                       now.Add(-90 * time.Minute),
		"1d12h":                     now.Add(-36 * time.Hour),
	} {
		got, err := ParseTime(in, now)
		if err != nil || !got.Equal(want) {
			t.Errorf("%q: got %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "yesterday", "12", "-5m", "5m3h", "1y", "99999w", "2026-13-01"} {
		if got, err := ParseTime(in, now); err == nil {
			t.Errorf("%q was read as %v", in, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("1d12h")
	f.Add("2026-10-22T14:32:00Z")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseSpan(s); err == nil && d <= 0 {
			t.Errorf("%q gave %v", s, d)
		}
		_, _ = ParseTime(s, time.Unix(1.7e9, 0))
	})
}
