package budget

import (
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
)

// gapEvent is the fact that nothing was known about a subject from an instant on; to 0 = it lasts.
func gapEvent(ref event.Ref, source string, from, to slo.Instant, reason string) event.Event {
	fact := &event.SourceGap{Source: source, From: from.Time(), Reason: reason}
	at, phase := from, "open"
	if to != 0 {
		fact.To, at, phase = to.Time(), to, "closed"
	}
	return event.Event{At: at.Time(), By: By, About: ref, Key: key("source.gap", string(ref), from.Slot(), phase), Fact: fact}
}

// noteCoverage follows the missing stretches of a group through new slots, from `from` on.
func (g *group) noteCoverage(from int64, covered []bool) {
	name := g.track.plan.Objective.Name
	ref := about(name)
	if g.key != "" {
		ref = event.NewRef("slo", groupKey(name, g.key))
	}
	const reason = "no sample counts towards the total"
	for i, known := range covered {
		at := slo.SlotStart(from + int64(i))
		switch {
		case !known && g.mark.Missing == 0:
			g.mark.Missing = at
			if g.track.mark.Filled {
				g.gaps = append(g.gaps, gapEvent(ref, string(ref), at, 0, reason))
			}
		case known && g.mark.Missing != 0:
			if g.track.mark.Filled {
				g.gaps = append(g.gaps, gapEvent(ref, string(ref), g.mark.Missing, at, reason))
			}
			g.mark.Missing = 0
		default:
			continue
		}
		g.track.keep(g)
	}
}

// takeGaps gives the facts of missing stretches that began or ended.
func (g *group) takeGaps() []event.Event {
	out := g.gaps
	g.gaps = nil
	return out
}

// gaps gives the facts of sources that stopped or began to answer.
func (e *Engine) gaps(tick slo.Instant) []event.Event {
	var out []event.Event
	for _, name := range sortedKeys(e.sources) {
		s := e.sources[name]
		label := sourceName(name)
		ref := event.NewRef("source", label)
		switch {
		case s.failed != nil && s.down.From == 0:
			s.down = gapMark{From: tick, Reason: s.failed.Error()}
			e.log.Warn("metric source does not answer", "source", label, "err", s.failed)
			out = append(out, gapEvent(ref, label, tick, 0, s.down.Reason))
		case s.failed == nil && s.down.From != 0 && s.asked:
			out = append(out, gapEvent(ref, label, s.down.From, tick, s.down.Reason))
			e.log.Info("metric source answers again", "source", label, "since", s.down.From.Time().Format(time.RFC3339))
			s.down = gapMark{}
		}
		if s.down.From != 0 {
			e.tick.Sources[name] = s.down
		} else {
			delete(e.tick.Sources, name)
		}
	}
	return out
}

// sourceName is how people know a source.
func sourceName(name string) string {
	if name == "" {
		return "metrics"
	}
	return name
}

// beat is one sign of life an hour, and one after each silence.
func (e *Engine) beat(tick, last slo.Instant, took time.Duration) (event.Event, bool) {
	missed := int64(0)
	if e.tick.Tick != 0 && tick-last > 2*slo.SlotMS {
		missed = int64(tick-last)/1000 - slo.SlotS
	}
	if missed == 0 && tick/slo.HourMS == e.tick.Beat/slo.HourMS {
		return event.Event{}, false
	}
	e.tick.Beat = tick
	return event.Event{At: tick.Time(), By: By, About: "org:", Key: key("evaluator.beat", "slo", tick.Slot()),
		Fact: &event.EvaluatorBeat{Evaluator: "slo", Subjects: len(e.tracks), RoundMS: took.Milliseconds(), MissedS: missed}}, true
}
