package pages

import (
	"context"
	"runtime"
	"time"

	"evenkeel.dev/evenkeel/internal/web"
)

func (d *Desk) system(ctx context.Context) (web.System, error) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	snap := d.Budget.Now()
	out := web.System{
		Version: d.Version, Started: d.Started, Memory: float64(m.Sys - m.HeapReleased), Goroutine: runtime.NumGoroutine(), CPU: d.CPU(),
		Sources: d.Telemetry(), Rates: d.rates(ctx),
		Evaluator: web.EvaluatorState{Subjects: len(snap.Objectives), Round: snap.Took, Last: snap.At, Every: time.Minute},
	}
	out.Stores = d.Stored(ctx)
	var err error
	out.Tokens, err = d.tokens(ctx)
	return out, err
}

// rates are what flows, over the last hour, as far as the metric store knows its own.
func (d *Desk) rates(ctx context.Context) []web.Rated {
	if d.Metrics == nil {
		return nil
	}
	var out []web.Rated
	for _, r := range []struct{ name, expr string }{
		{"Samples a second", `sum(rate(evenkeel_samples_appended_total[5m]))`},
		{"Facts a minute", `60 * sum(rate(evenkeel_ledger_facts[5m]))`},
		{"Spans a second", `sum(rate(evenkeel_spans_total[5m]))`},
	} {
		answer, err := d.query(ctx, web.QueryAsk{Expr: r.expr, Range: lastHour(d.Now()), Step: time.Minute})
		if err != nil || len(answer.Series) != 1 {
			continue
		}
		rated := web.Rated{Name: r.name, Track: answer.Series[0].Track, Rate: nan}
		if n := len(rated.V); n > 0 {
			rated.Rate = rated.V[n-1]
		}
		out = append(out, rated)
	}
	return out
}
