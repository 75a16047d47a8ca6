package slo

import (
	"time"
	_ "time/tzdata" // zones must be known on hosts without a zone database

	"evenkeel.dev/evenkeel/internal/kit"
)

// calendar is a calendar window that was checked: boundary k lies k x count units after the anchor in local wall time.
type calendar struct {
	zone   *time.Location
	anchor time.Time // wall time, kept as if it were UTC
	days   int       // length of a period in days, or
	months int       // in months
	// nominalDays is the length that burn-rate factors are made from (§8).
	nominalDays int
}

var calendarUnits = map[string]struct{ days, months, nominal int }{
	"day": {days: 1, nominal: 1}, "week": {days: 7, nominal: 7},
	"month": {months: 1, nominal: 30}, "quarter": {months: 3, nominal: 90}, "year": {months: 12, nominal: 365},
}

const maxCalendarCount = 1000

// newCalendar checks a calendar window; the error's code is Invalid.
func newCalendar(w Window) (*calendar, error) {
	u, ok := calendarUnits[w.Unit]
	if !ok {
		return nil, kit.Errorf(kit.Invalid, "calendar unit %q is not one of day, week, month, quarter, year", w.Unit)
	}
	if w.Count < 1 || w.Count > maxCalendarCount {
		return nil, kit.Errorf(kit.Invalid, "calendar window of %d %ss is not between 1 and %d", w.Count, w.Unit, maxCalendarCount)
	}
	zone, err := time.LoadLocation(w.Zone)
	if err != nil || w.Zone == "Local" {
		return nil, kit.Errorf(kit.Invalid, "time zone %q is not an IANA name such as Europe/Berlin", w.Zone)
	}
	anchor, err := parseAnchor(w)
	if err != nil {
		return nil, err
	}
	return &calendar{zone, anchor, u.days * w.Count, u.months * w.Count, u.nominal * w.Count}, nil
}

func parseAnchor(w Window) (time.Time, error) {
	switch {
	case w.Anchor == "" && w.Unit == "week":
		return time.Date(1970, 1, 5, 0, 0, 0, 0, time.UTC), nil
	case w.Anchor == "":
		return time.Unix(0, 0).UTC(), nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, w.Anchor); err == nil && t.Second() == 0 && t.Nanosecond() == 0 && t.Year() >= 1900 && t.Year() <= 2200 {
			return t, nil
		}
	}
	return time.Time{}, kit.Errorf(kit.Invalid, "calendar anchor %q is not a local time of whole minutes without offset, such as 2026-01-01T00:00", w.Anchor)
}

// boundary is the instant at which period k begins.
func (c *calendar) boundary(k int) Instant {
	if c.months == 0 {
		return c.instant(c.anchor.AddDate(0, 0, k*c.days))
	}
	y, m, d := c.anchor.Date()
	month := y*12 + int(m) - 1 + k*c.months
	y, m = floorInt(month, 12), time.Month(month-floorInt(month, 12)*12+1)
	last := time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day()
	h, minute, _ := c.anchor.Clock()
	return c.instant(time.Date(y, m, min(d, last), h, minute, 0, 0, time.UTC))
}

func floorInt(a, b int) int { return int(floorDiv(int64(a), int64(b))) }

// instant is the first instant at which the zone's clock reads the wall time or later (§6).
func (c *calendar) instant(wall time.Time) Instant {
	// No zone's clock is more than 27 h ahead of UTC, so at this moment it still reads less.
	at := wall.Add(-27 * time.Hour).In(c.zone)
	for {
		begin, end := at.ZoneBounds()
		_, offset := at.Zone()
		u := wall.Add(-time.Duration(offset) * time.Second)
		if !begin.IsZero() && u.Before(begin) {
			return At(begin) // the clock jumped over the time
		}
		if end.IsZero() || u.Before(end) {
			return At(u)
		}
		at = end.In(c.zone)
	}
}

// period is the period [from, to) that holds t: from is the last boundary at or before t.
func (c *calendar) period(t Instant) (from, to Instant) {
	k := c.guess(t)
	for c.boundary(k) > t {
		k--
	}
	for c.boundary(k+1) <= t {
		k++
	}
	return c.boundary(k), c.boundary(k + 1)
}

// guess is the number of a period at most a few away from the one that holds t.
func (c *calendar) guess(t Instant) int {
	y, m, d := t.Time().In(c.zone).Date()
	if c.months > 0 {
		ay, am, _ := c.anchor.Date()
		return floorInt((y-ay)*12+int(m)-int(am), c.months)
	}
	days := time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Sub(c.anchor).Hours() / 24
	return floorInt(int(days), c.days)
}

func (c *calendar) nominal() float64 { return float64(c.nominalDays) * dayMS }
