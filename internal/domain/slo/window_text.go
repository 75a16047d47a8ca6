package slo

import (
	"fmt"
	"time"
)

// String is the window in a word: "28d", "90m", or "month in Europe/Amsterdam", "2 weeks in UTC".
func (w Window) String() string {
	const day = 24 * time.Hour
	switch {
	case w.Rolling > 0 && w.Rolling%day == 0:
		return fmt.Sprintf("%dd", w.Rolling/day)
	case w.Rolling > 0 && w.Rolling%time.Hour == 0:
		return fmt.Sprintf("%dh", w.Rolling/time.Hour)
	case w.Rolling > 0:
		return fmt.Sprintf("%dm", w.Rolling/time.Minute)
	case w.Count > 1:
		return fmt.Sprintf("%d %ss in %s", w.Count, w.Unit, orUTC(w.Zone))
	}
	return w.Unit + " in " + orUTC(w.Zone)
}

func orUTC(zone string) string {
	if zone == "" {
		return "UTC"
	}
	return zone
}
