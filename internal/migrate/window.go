package migrate

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

const day = 24 * time.Hour

// DefaultWindow is the rolling window of an objective that names none.
const DefaultWindow = 28 * day

// window reads timeWindow (v1: duration shorthands) or timeWindows (v1alpha: unit and count).
func (im *importer) window(o object, out *slo.Objective) {
	out.Window = slo.Window{Rolling: DefaultWindow}
	all := o.node.Get("spec").First("timeWindow", "timeWindows")
	if all.Empty() || all.Is(tree.List) && len(all.Items) == 0 {
		im.deviates(o, all, field(all, "spec.timeWindow"), "time-window", "the time window is missing", "read as the last 28 days")
		return
	}
	n := all
	if all.Is(tree.List) {
		n = all.Items[0]
		if len(all.Items) > 1 {
			im.refuse(o, all.Items[1], "", "time-window", "an objective has one time window, this is a second", "write a second SLO")
			return
		}
	}
	im.unknown(o, n, "duration", "isRolling", "calendar", "unit", "count")
	count, unit, ok := im.windowLength(o, n)
	if !ok {
		return
	}
	rolling, valid := n.Get("isRolling").Bool()
	if !valid {
		im.refuse(o, n.Get("isRolling"), "", "time-window", "isRolling is true or false", "write one of them")
		return
	}
	calendar := n.Get("calendar")
	if n.Get("isRolling").Empty() && calendar.Empty() {
		im.deviates(o, n, "isRolling", "time-window", "neither rolling nor a calendar", "read as rolling")
		rolling = true
	}
	if rolling {
		out.Window = im.rolling(o, n, count, unit)
		return
	}
	out.Window = im.calendar(o, n, count, unit)
}

var shorthand = regexp.MustCompile(`^([1-9][0-9]{0,5})([mhdwMQY])$`)

var alphaUnits = map[string]string{"minute": "m", "hour": "h", "day": "d", "week": "w", "month": "M", "quarter": "Q", "year": "Y"}

// windowLength gives the count and the shorthand's unit letter.
func (im *importer) windowLength(o object, n *tree.Node) (count int, unit string, ok bool) {
	d := n.Get("duration")
	text := d.Str()
	if unitNode := n.Get("unit"); d.Empty() && !unitNode.Empty() {
		d = unitNode
		text = n.Get("count").Str() + alphaUnits[strings.ToLower(unitNode.Str())]
	}
	if m := shorthand.FindStringSubmatch(text); m != nil {
		count, _ = strconv.Atoi(m[1])
		return count, m[2], true
	}
	im.refuse(o, first(d, n), field(d, "duration"), "time-window", quoted(text)+" is no length of time",
		"write a number and one of m h d w M Q Y, such as 28d or 1M")
	return 0, "", false
}

func first(nodes ...*tree.Node) *tree.Node {
	for _, n := range nodes {
		if n != nil {
			return n
		}
	}
	return nil
}

var unitLengths = map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": day, "w": 7 * day, "M": 30 * day, "Q": 90 * day, "Y": 365 * day}

func (im *importer) rolling(o object, n *tree.Node, count int, unit string) slo.Window {
	if time.Duration(count) > 5*365*day/unitLengths[unit] {
		im.refuse(o, n, "", "time-window", "the window is longer than five years", "counts are kept for 400 days")
		return slo.Window{}
	}
	w := slo.Window{Rolling: time.Duration(count) * unitLengths[unit]}
	if strings.Contains("MQY", unit) {
		im.note(o, n, "", "time-window", fmt.Sprintf("a rolling window has a fixed length: read as %d days", w.Rolling/day))
	}
	return w
}

var calendarUnits = map[string]string{"d": "day", "w": "week", "M": "month", "Q": "quarter", "Y": "year"}

// calendar reads a calendar window. 1m is one minute in OpenSLO and almost surely meant as a month.
func (im *importer) calendar(o object, n *tree.Node, count int, unit string) slo.Window {
	switch {
	case unit == "m" && im.options.Strict:
		im.refuse(o, n.Get("duration"), "", "calendar-minute", "a calendar window of minutes cannot be kept", "1M is a month")
	case unit == "m":
		im.warn(o, n.Get("duration"), "", "calendar-minute",
			fmt.Sprintf("%dm is minutes, which no calendar window has; read as months", count), fmt.Sprintf("write %dM", count))
		unit = "M"
	case unit == "h":
		im.refuse(o, n.Get("duration"), "", "time-window", "a calendar window is of days, weeks, months, quarters or years", "make it rolling, or 1d")
	}
	w := slo.Window{Unit: calendarUnits[unit], Count: count, Zone: "UTC"}
	c := n.Get("calendar")
	im.unknown(o, c, "startTime", "timeZone")
	if zone := c.Get("timeZone"); zone.Empty() {
		im.deviates(o, first(c, n), "timeZone", "time-zone", "the time zone is missing", "read as UTC")
	} else if w.Zone = zone.Str(); !isZone(w.Zone) {
		im.refuse(o, zone, "", "time-zone", quoted(w.Zone)+" is no time zone of the IANA database", "write one such as Europe/Berlin")
	}
	start := c.Get("startTime")
	if start.Empty() {
		im.deviates(o, first(c, n), "startTime", "calendar-start", "the calendar's start is missing", "periods begin at the unit's usual start")
		return w
	}
	anchor, why := anchorOf(start.Str())
	if why != "" {
		im.refuse(o, start, "", "calendar-start", quoted(start.Str())+" "+why, "write local time to the minute, such as 2022-01-01 12:00:00")
	}
	if w.Anchor = anchor; anchor == defaultAnchor(w.Unit) {
		w.Anchor = ""
	}
	return w
}

// defaultAnchor is where a unit's periods begin when no file says so (§6).
func defaultAnchor(unit string) string {
	if unit == "week" {
		return "1970-01-05T00:00"
	}
	return "1970-01-01T00:00"
}

func isZone(name string) bool {
	if name == "" || name == "Local" {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

const anchorLayout = "2006-01-02T15:04"

// anchorOf reads a local wall time; why says what is wrong with it.
func anchorOf(s string) (anchor, why string) {
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", anchorLayout, "2006-01-02"} {
		t, err := time.Parse(layout, s)
		if err != nil {
			continue
		}
		if t.Second() != 0 || t.Nanosecond() != 0 {
			return "", "has seconds, and periods begin on whole minutes"
		}
		return t.Format(anchorLayout), ""
	}
	if _, err := time.Parse(time.RFC3339, s); err == nil {
		return "", "has an offset, and the zone is in timeZone"
	}
	return "", "is no date and time"
}
