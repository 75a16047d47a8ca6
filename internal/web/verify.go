package web

import (
	"context"
	"sync"
	"time"
)

// verification is the one running check of the whole ledger that readers can watch. A second start joins the first.
type verification struct {
	mu      sync.Mutex
	cancel  context.CancelFunc
	running bool
	started time.Time
	done    int64
	total   int64
	verdict *Verdict
	problem string
}

// progress is what a page shows of it.
type progress struct {
	Running bool
	Started time.Time
	Done    int64
	Total   int64
	Verdict *Verdict
	Problem string // why it could not run
}

// Share is how much is done, 0..1.
func (p progress) Share() float64 {
	if p.Total == 0 {
		return 0
	}
	return float64(p.Done) / float64(p.Total)
}

func (v *verification) state() progress {
	v.mu.Lock()
	defer v.mu.Unlock()
	return progress{v.running, v.started, v.done, v.total, v.verdict, v.problem}
}

// start begins a check unless one runs. It outlives the request that asked for it and ends with stop.
func (v *verification) start(wg *sync.WaitGroup, check func(context.Context, func(done, total int64)) (Verdict, error), now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.running {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	v.cancel, v.running, v.started, v.done, v.total, v.verdict, v.problem = cancel, true, now, 0, 0, nil, ""
	wg.Go(func() {
		defer cancel()
		verdict, err := check(ctx, v.note)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.running = false
		if err != nil {
			v.problem = sentenceOf(err)
			return
		}
		v.verdict = &verdict
	})
}

func (v *verification) note(done, total int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.done, v.total = done, total
}

func (v *verification) stop() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cancel != nil {
		v.cancel()
	}
}
