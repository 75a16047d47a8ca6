package kit

import (
	"fmt"
	"time"
)

// When prints times the way people read them: 24 hours, in one zone, with the date only when it is not today.
type When struct {
	Zone *time.Location // nil = UTC
	Now  time.Time      // decides what "today" and "ago" mean
}

func (w When) in(t time.Time) time.Time {
	if w.Zone == nil {
		return t.UTC()
	}
	return t.In(w.Zone)
}

// Clock is "14:32", or "7 Oct 09:12" on another day, or "7 Oct 2025 09:12" in another year; in an hour that repeats at
// the end of summer time it carries the zone, "02:30 CET". A zero time prints as "–".
func (w When) Clock(t time.Time) string { return w.print(t, "15:04") }

// Second is Clock with seconds.
func (w When) Second(t time.Time) string { return w.print(t, "15:04:05") }

func (w When) print(t time.Time, clock string) string {
	if t.IsZero() {
		return "–"
	}
	at, now := w.in(t), w.in(w.Now)
	layout := clock
	if at.YearDay() != now.YearDay() || at.Year() != now.Year() {
		layout = "2 Jan " + clock
		if at.Year() != now.Year() {
			layout = "2 Jan 2006 " + clock
		}
	}
	if repeats(at) {
		layout += " MST"
	}
	return at.Format(layout)
}

// repeats says whether the wall time of t occurs twice, as in the hour before the clocks go back.
func repeats(t time.Time) bool {
	const wall = "2006-01-02T15:04"
	_, at := t.Zone()
	for _, d := range []time.Duration{-time.Hour, -30 * time.Minute, 30 * time.Minute, time.Hour} {
		if _, other := t.Add(d).Zone(); other != at && t.Add(d).Format(wall) == t.Format(wall) {
			return true
		}
	}
	return false
}

// Day is "22 Oct", with the year when it is another one.
func (w When) Day(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	if at := w.in(t); at.Year() != w.in(w.Now).Year() {
		return at.Format("2 Jan 2006")
	}
	return w.in(t).Format("2 Jan")
}

// Soon is a moment in the future as plans name it: "15:08" today, "Tue 27 Oct" within a week and later.
func (w When) Soon(t time.Time) string {
	at, now := w.in(t), w.in(w.Now)
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04")
	}
	if at.Year() != now.Year() {
		return at.Format("2 Jan 2006")
	}
	if at.Sub(now) < 7*24*time.Hour {
		return at.Format("Mon 2 Jan")
	}
	return at.Format("2 Jan")
}

// Ago is "4 s ago" under an hour, else Clock.
func (w When) Ago(t time.Time) string {
	d := w.Now.Sub(t)
	switch {
	case t.IsZero():
		return "never"
	case d < 0:
		return w.Clock(t)
	case d < time.Minute:
		return fmt.Sprintf("%d"+nbsp+"s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d"+nbsp+"min ago", int(d.Minutes()))
	}
	return w.Clock(t)
}

// Span is "15:08 to 15:43"; the second date is left out on the same day. An open range reads "since 13:52".
func (w When) Span(r Range) string {
	if r.To.IsZero() {
		return "since " + w.Clock(r.From)
	}
	from, to := w.in(r.From), w.in(r.To)
	if from.YearDay() == to.YearDay() && from.Year() == to.Year() && !repeats(to) {
		return w.Clock(r.From) + " to " + to.Format("15:04")
	}
	return w.Clock(r.From) + " to " + w.Clock(r.To)
}

// ZoneText names the zone once a page: "Europe/Amsterdam (CEST, UTC+2)".
func (w When) ZoneText() string {
	t := w.in(w.Now)
	name, off := t.Zone()
	sign := "+"
	if off < 0 {
		sign, off = minus, -off
	}
	utc := fmt.Sprintf("UTC%s%d", sign, off/3600)
	if m := off % 3600 / 60; m != 0 {
		utc += fmt.Sprintf(":%02d", m)
	}
	switch {
	case off == 0 && (name == "UTC" || t.Location().String() == "UTC"):
		return "UTC"
	case name != "" && name[0] != '+' && name[0] != '-':
		return fmt.Sprintf("%s (%s, %s)", t.Location(), name, utc)
	}
	return fmt.Sprintf("%s (%s)", t.Location(), utc)
}

// ISO is the machine form for <time datetime>, RFC 3339 with the zone's offset.
func (w When) ISO(t time.Time) string { return w.in(t).Format(time.RFC3339) }
