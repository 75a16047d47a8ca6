package budget

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

// evaluate runs the formulas at the end of every slot that ends in (after, upTo]. Their values count as increments in the
// slot: what the expression says, not what the samples say, so its windows and extrapolation come along.
func (t *track) evaluate(ctx context.Context, after, upTo slo.Instant) error {
	first, last := slo.SlotStart((after + 1).SlotUp()), slo.SlotStart(upTo.Slot())
	if len(t.intake.formulas) == 0 || last < first {
		return nil
	}
	const most = 1440 // slots in one question
	for i := range t.intake.formulas {
		f := &t.intake.formulas[i]
		for from := first; from <= last; from += most * slo.SlotMS {
			to := min(last, from+(most-1)*slo.SlotMS)
			m, err := t.source.QueryRange(ctx, f.expr, from.Time(), to.Time(), time.Minute)
			if err != nil {
				return err
			}
			for _, s := range m {
				feed := t.formulaFeed(len(t.intake.inlets)+i, f, s.Metric)
				for _, p := range s.Floats {
					feed.add(f, slo.Instant(p.T)-1, p.F)
				}
			}
		}
	}
	return nil
}

// add counts one value, at the last millisecond of its slot.
func (f *feed) add(from *formula, at slo.Instant, v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return // no data in the slot
	}
	if !from.ratio {
		for _, s := range f.to {
			s.Add(slo.Sample{T: at, V: math.Max(0, v*from.factor)})
		}
		return
	}
	for _, s := range f.to {
		if s.Role == slo.RoleTotal {
			s.Add(slo.Sample{T: at, V: 1})
		} else {
			s.Add(slo.Sample{T: at, V: math.Max(0, math.Min(1, v))})
		}
	}
}

func (t *track) formulaFeed(i int, f *formula, ls labels.Labels) *feed {
	hash := ls.Hash()
	if known := t.series[i][hash]; known != nil {
		return known
	}
	out := &feed{}
	roles := []slo.Role{f.role}
	if f.ratio {
		roles = []slo.Role{slo.RoleTotal, slo.RoleBad}
	}
	for _, role := range roles {
		key := slo.SeriesKey{Role: role, Delta: true}
		for _, name := range t.plan.Objective.GroupBy {
			key.Labels = append(key.Labels, kit.Label{Name: name, Value: strings.Clone(ls.Get(name))})
		}
		s, err := t.counters[f.part].Series(key)
		if err != nil {
			t.refused[t.groupName(ls)] = true
			continue
		}
		out.to = append(out.to, s)
	}
	t.series[i][hash] = out
	return out
}
