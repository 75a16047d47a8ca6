package budget

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/projection"
)

const (
	// closeAfter is how long after its end a day is closed: late samples of its last minutes have come by then.
	closeAfter = 15 * 60_000
	stripDays  = 28
)

// revise notes that a slot changed after it was stored: its day may have to be closed anew.
func (g *group) revise(n int64) { g.reviseSpan(slo.SlotStart(n), slo.SlotStart(n+1)) }

// reviseSpan notes that [from, to) changed.
func (g *group) reviseSpan(from, to slo.Instant) {
	if g.changed == [2]slo.Instant{} {
		g.changed = [2]slo.Instant{from, to}
		return
	}
	g.changed = [2]slo.Instant{min(g.changed[0], from), max(g.changed[1], to)}
}

// closeDays closes days that ended into measures, revises closed ones that changed (twenty past each hour), and keeps the
// strips of 28 days. It goes through the objectives as far as there is time and on from there in the next round.
func (e *Engine) closeDays(ctx context.Context, tick slo.Instant, begun time.Time) error {
	for i, t := range e.tracks {
		if !t.mark.Filled || !e.spare(begun) {
			continue
		}
		for _, g := range t.groups {
			from, to, due := g.due(tick, e.opt.Zone, i)
			if !due {
				continue
			}
			g.reader.ctx = ctx
			if err := e.closeGroup(ctx, g, from, to, tick); err != nil {
				return fmt.Errorf("close the days of %s: %w", groupKey(t.plan.Objective.Name, g.key), err)
			}
		}
	}
	return nil
}

// due says which days of a group are to be summed now: [from, to), whole days, the present one included in to.
func (g *group) due(tick slo.Instant, zone *time.Location, turn int) (from, to slo.Instant, due bool) {
	today, end := dayOf(tick.Time(), zone)
	to = slo.At(end)
	closable, _ := dayOf((tick - closeAfter).Time(), zone)
	switch {
	case len(g.days) == 0:
		from = slo.At(today.AddDate(0, 0, -stripDays+1))
		due = true
	case g.closed < slo.At(closable):
		from, due = slo.At(today.AddDate(0, 0, -2)), true
	case g.changed != [2]slo.Instant{} && tick.Slot()%60 == 20:
		start, _ := dayOf(g.changed[0].Time(), zone)
		from, due = slo.At(start), true
	case tick.Slot()%10 == int64(turn%10):
		from, due = slo.At(today), true
	}
	if first, _ := dayOf(g.mark.First.Time(), zone); from < slo.At(first) {
		from = slo.At(first)
	}
	return from, to, due
}

// closeGroup sums the days of [from, to) and closes those that ended.
func (e *Engine) closeGroup(ctx context.Context, g *group, from, to, tick slo.Instant) error {
	days, err := e.daysOf(g, from, to, tick)
	if err != nil {
		return err
	}
	for _, d := range days {
		if _, end := dayOf(d.From, e.opt.Zone); slo.At(end)+closeAfter <= tick {
			if err := e.closeDay(ctx, g, d, end); err != nil {
				return err
			}
		}
	}
	g.days = mergeDays(g.days, days)
	g.closed, g.changed = max(g.closed, tick-closeAfter), [2]slo.Instant{}
	return nil
}

// daysOf sums the days of [from, to) up to the tick.
func (e *Engine) daysOf(g *group, from, to, tick slo.Instant) ([]Day, error) {
	first := max(g.mark.First, from-lookBehind)
	h, err := slo.NewHistory(g.track.plan, first, min(to, tick), g.reader, g.track.corrections, tick)
	if err != nil {
		return nil, err
	}
	var days []Day
	for at := from; at < to && at < tick; {
		begin, end := dayOf(at.Time(), e.opt.Zone)
		d := Day{From: begin}
		d.Bad, d.Total, d.Allowed, d.ValidS = h.Raw(slo.At(begin), slo.At(end))
		if d.UnknownS, err = g.unknown(max(slo.At(begin), g.mark.First), min(slo.At(end), tick)); err != nil {
			return nil, err
		}
		days = append(days, d)
		at = slo.At(end)
	}
	return days, nil
}

// lookBehind is how far before a day its no-data policy may look for what a gap stands for.
const lookBehind = 14 * 24 * 3_600_000

// mergeDays puts newer sums over older ones and keeps the last 28 days. The result is new: snapshots hold the old one.
func mergeDays(old, fresh []Day) []Day {
	var out []Day
	for _, d := range old {
		if len(fresh) == 0 || d.From.Before(fresh[0].From) {
			out = append(out, d)
		}
	}
	out = append(out, fresh...)
	return out[max(0, len(out)-stripDays):]
}

// unknown is the seconds of [from, to) about which nothing was known.
func (g *group) unknown(from, to slo.Instant) (float64, error) {
	n := to.Slot() - from.Slot()
	if n <= 0 {
		return 0, nil
	}
	known := make([]bool, n)
	buf := make([]slo.Slot, n)
	for part := range g.ids {
		if err := g.reader.ReadSlots(part, from.Slot(), buf); err != nil {
			return 0, err
		}
		for i, s := range buf {
			known[i] = known[i] || s.Covered()
		}
	}
	missing := 0
	for _, k := range known {
		if !k {
			missing++
		}
	}
	return float64(missing) * slo.SlotS, nil
}

// closeDay concludes a measure of one day, where it differs from what the day was closed with last.
func (e *Engine) closeDay(ctx context.Context, g *group, d Day, end time.Time) error {
	t := g.track
	name := t.plan.Objective.Name
	sum := sha256.Sum256(fmt.Appendf(nil, "%.12g %.12g %.12g %g %g", d.Bad, d.Total, d.Allowed, d.ValidS, d.UnknownS))
	digest := "sha256:" + hex.EncodeToString(sum[:])
	group := canonical(g.labels)
	var revision int
	if e.opt.Read != nil {
		was, last, ok, err := projection.LatestMeasure(ctx, e.opt.Read, "slo", string(about(name)), group, d.From)
		if err != nil {
			return err
		}
		if ok && was == digest {
			return nil
		}
		if ok {
			revision = last + 1
		}
	}
	e.facts = append(e.facts, event.Event{At: end, By: By, About: about(name),
		Key: key("measure.closed", name, slo.At(d.From).Slot(), g.key, fmt.Sprint(revision)),
		Fact: &event.MeasureClosed{Measure: "slo", Subject: string(about(name)), Group: group, From: d.From, To: end,
			Num: d.Bad, Den: d.Total, Allowed: d.Allowed, ValidS: d.ValidS, UnknownS: d.UnknownS,
			Query: Query(t.plan.Objective, g.labels, end.Sub(d.From)), ResultDigest: digest, PolicyVersion: t.agreed, Revision: revision}})
	return nil
}
