// Package ledgerbench measures the ledger beside a bare insert loop on the same disk, in the same run.
package ledgerbench

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Cost is what a run took a fact.
type Cost struct {
	Facts  int
	CPU    time.Duration // of the process, a fact
	Rate   float64       // facts a second of wall time
	Commit float64       // facts a commit; 0 where not counted
}

// Append measures batches of 200: the ledger with its tree, its projections and those given, and the peer, which inserts
// rows of the same size with three indexes into a table of its own. Both are SQLite files in dir, which must be empty.
func Append(ctx context.Context, dir string, facts int, ps []ledger.Projection) (ours, peer Cost, err error) {
	const batch = 200
	if ours, err = withLedger(ctx, filepath.Join(dir, "ours.db"), ps, func(l *ledger.Ledger) (int, error) {
		for from := 0; from < facts; from += batch {
			es := make([]event.Event, batch)
			for i := range es {
				es[i] = Fact(from + i)
			}
			if _, err := l.Append(ctx, ledger.Batch{Events: es, Lane: ledger.Bulk}); err != nil {
				return 0, err
			}
		}
		return facts, nil
	}); err != nil {
		return ours, peer, err
	}
	peer, err = bareInsert(ctx, filepath.Join(dir, "peer.db"), facts, batch)
	return ours, peer, err
}

// Singles measures callers that each append one fact at a time, as doors do.
func Singles(ctx context.Context, dir string, facts, callers int, ps []ledger.Projection) (Cost, error) {
	return withLedger(ctx, filepath.Join(dir, "singles.db"), ps, func(l *ledger.Ledger) (int, error) {
		var next atomic.Int64
		var wg sync.WaitGroup
		var mu sync.Mutex
		var failed error
		for range callers {
			wg.Go(func() {
				for {
					n := int(next.Add(1))
					if n > facts {
						return
					}
					if _, err := l.Append(ctx, ledger.Batch{Events: []event.Event{Fact(n)}}); err != nil {
						mu.Lock()
						failed = errors.Join(failed, err)
						mu.Unlock()
						return
					}
				}
			})
		}
		wg.Wait()
		return facts, failed
	})
}

// Fact is the n-th fact of a plausible stream: about 450 bytes of JSON, 200 subjects, four kinds.
func Fact(n int) event.Event {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * 137 * time.Millisecond)
	slo := fmt.Sprintf("checkout-%d-availability", n%200)
	e := event.Event{At: at, By: "evaluator:burn", About: event.NewRef("slo", slo), Key: fmt.Sprintf("burn/%s/page-1h/%x", slo, n)}
	counts := &event.Counts{WindowS: 3600, Bad: float64(n % 977), Total: 120_000, Allowed: 120, Burn: 8.14}
	switch n % 4 {
	case 0, 1:
		e.Fact = &event.AlertFired{AlertID: fmt.Sprintf("%s/%x", slo, n), GroupKey: slo + "/region=eu-central", Rule: "page-1h", Service: "checkout",
			Severity: "page", StartsAt: at, SLO: slo, Query: `sum(rate(http_requests_total{service="checkout",code=~"5.."}[1h]))`, Factor: 14.4, Long: counts, Short: counts}
	case 2:
		e.Fact = &event.AlertEnded{AlertID: fmt.Sprintf("%s/%x", slo, n-1), EndsAt: at, How: "resolved", Long: counts, Short: counts}
	default:
		e.Fact = &event.MeasureClosed{Measure: "slo", Subject: "slo:" + slo, From: at.Add(-24 * time.Hour), To: at, Num: 17, Den: 1_204_332, Allowed: 1204,
			ValidS: 86_400, Query: `sum(increase(http_requests_total{service="checkout"}[1d]))`, ResultDigest: "sha256:6b86b273ff34fce19d6b804eff5a3f57", PolicyVersion: "8f434346"}
	}
	return e
}

func withLedger(ctx context.Context, path string, ps []ledger.Projection, run func(*ledger.Ledger) (int, error)) (c Cost, err error) {
	d, err := db.Open(ctx, "sqlite:"+path)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	l, err := ledger.Open(ctx, d, ledger.Options{Projections: ps, Now: time.Now})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	start, cpu := time.Now(), processCPU()
	n, err := run(l)
	if err != nil {
		return c, err
	}
	return cost(n, time.Since(start), processCPU()-cpu), nil
}

func cost(n int, wall, cpu time.Duration) Cost {
	return Cost{Facts: n, CPU: cpu / time.Duration(n), Rate: float64(n) / wall.Seconds()}
}

// bareInsert is the peer: encode, digest, insert row by row with a prepared statement, one transaction a batch.
func bareInsert(ctx context.Context, path string, facts, batch int) (c Cost, err error) {
	d, err := db.Open(ctx, "sqlite:"+path)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	err = d.Write(ctx, func(ctx context.Context, q db.Q) error {
		_, err := q.ExecContext(ctx, `CREATE TABLE bare (seq BIGINT PRIMARY KEY, kind TEXT NOT NULL, at_us BIGINT NOT NULL, about TEXT NOT NULL, prev BYTEA NOT NULL, hash BYTEA NOT NULL, body TEXT NOT NULL);
			CREATE INDEX bare_kind ON bare (kind, at_us); CREATE INDEX bare_about ON bare (about, seq); CREATE UNIQUE INDEX bare_hash ON bare (hash)`)
		return err
	})
	if err != nil {
		return c, err
	}
	start, cpu := time.Now(), processCPU()
	prev := make([]byte, sha256.Size)
	for from := 0; from < facts; from += batch {
		err := d.Write(ctx, func(ctx context.Context, q db.Q) error {
			for n := from; n < from+batch; n++ {
				e := Fact(n)
				body, err := json.Marshal(e.Fact)
				if err != nil {
					return err
				}
				sum := sha256.Sum256(append(prev, body...))
				_, err = q.ExecContext(ctx, "INSERT INTO bare (seq, kind, at_us, about, prev, hash, body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
					n+1, string(e.Fact.Kind()), e.At.UnixMicro(), string(e.About), prev, sum[:], string(body))
				if err != nil {
					return err
				}
				prev = sum[:]
			}
			return nil
		})
		if err != nil {
			return c, err
		}
	}
	return cost(facts, time.Since(start), processCPU()-cpu), nil
}

// Reopen fills a ledger with facts and then measures how long opening the database and the ledger takes, opens times.
func Reopen(ctx context.Context, dir string, facts, opens int, ps []ledger.Projection) (time.Duration, error) {
	path := filepath.Join(dir, "reopen.db")
	_, err := withLedger(ctx, path, ps, func(l *ledger.Ledger) (int, error) {
		for from := 0; from < facts; from += 2000 {
			es := make([]event.Event, min(2000, facts-from))
			for i := range es {
				es[i] = Fact(from + i)
			}
			if _, err := l.Append(ctx, ledger.Batch{Events: es, Lane: ledger.Bulk}); err != nil {
				return 0, err
			}
		}
		return facts, nil
	})
	if err != nil {
		return 0, err
	}
	var took time.Duration
	for range opens {
		start := time.Now()
		_, err := withLedger(ctx, path, ps, func(*ledger.Ledger) (int, error) {
			took += time.Since(start)
			return 1, nil
		})
		if err != nil {
			return 0, err
		}
	}
	return took / time.Duration(opens), nil
}
