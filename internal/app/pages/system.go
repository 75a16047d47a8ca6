package pages

import (
	"context"
	"runtime"
	"time"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/web"
)

func (d *Desk) system(ctx context.Context) (web.System, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	out := web.System{
		Version: d.Version, Started: d.Started, Memory: float64(m.Sys - m.HeapReleased), Goroutine: runtime.NumGoroutine(), CPU: d.CPU(),
		Sources: d.Telemetry(), Rates: d.Rates(), Stores: d.Stored(ctx), Doors: d.Doors(),
	}
	var err error
	if out.Evaluator, err = d.evaluator(ctx); err != nil {
		return web.System{}, err
	}
	out.Tokens, err = d.tokens(ctx)
	return out, err
}

// senders are the sources of telemetry, without the rest of what System shows.
func (d *Desk) senders(context.Context) ([]web.SourceState, error) { return d.Telemetry(), nil }

// evaluator is how the evaluation goes: the last round, and what its signs of life say of the last day.
func (d *Desk) evaluator(ctx context.Context) (web.EvaluatorState, error) {
	snap := d.Budget.Now()
	out := web.EvaluatorState{Subjects: len(snap.Objectives), Round: snap.Took, Last: snap.At, Every: time.Minute}
	for _, s := range snap.Objectives {
		out.Budgets += len(s.Groups)
	}
	seen, err := d.beats(ctx, snap)
	out.Missed, out.Beat, out.BeatSeq = seen.missed, seen.last, seen.seq
	return out, err
}

// beats are the evaluator's signs of life in the day before a round.
type beats struct {
	snap   *budget.Snapshot
	missed time.Duration
	last   time.Time // zero without any
	seq    int64
}

// beats reads them once a round.
func (d *Desk) beats(ctx context.Context, snap *budget.Snapshot) (beats, error) {
	if b := d.beaten.Load(); b != nil && b.snap == snap {
		return *b, nil
	}
	found, err := d.Ledger.Find(ctx, ledger.Filter{Kinds: []event.Kind{"evaluator.beat"}, At: kit.Range{From: d.Now().Add(-24 * time.Hour)}, Limit: ledger.MaxFind})
	if err != nil {
		return beats{}, err
	}
	out := beats{snap: snap}
	for i, e := range found.Events {
		if f, ok := e.Fact.(*event.EvaluatorBeat); ok {
			out.missed += time.Duration(f.MissedS) * time.Second
		}
		if i == 0 {
			out.last, out.seq = e.At, e.Seq
		}
	}
	d.beaten.Store(&out)
	return out, nil
}
