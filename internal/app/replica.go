package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/prometheus/tsdb/fileutil"

	"evenkeel.dev/evenkeel/internal/evaluator"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/org"
)

const (
	lockFile      = "lock"
	replicaPrefix = "replica:"
	replicaTTL    = 90 * time.Second // for how long a server that fell silent counts as running
	replicaEvery  = 30 * time.Second
)

// lockData makes sure that no other server runs on the same files. The system frees the lock when the process ends,
// however it ends.
func (a *app) lockData(context.Context) error {
	if err := os.MkdirAll(a.cfg.Data, 0o700); err != nil {
		return &kit.Error{Code: kit.Invalid, Msg: "data directory " + a.cfg.Data + " cannot be made", Err: err}
	}
	free, err := lockDir(a.cfg.Data)
	if err != nil {
		return err
	}
	a.stack.onClose("data directory", free)
	if file, ok := strings.CutPrefix(a.cfg.Ledger, "sqlite:"); ok {
		l, _, err := fileutil.Flock(file + ".lock")
		if err != nil {
			return inUse("ledger "+file, err)
		}
		a.stack.onClose("ledger's lock", l.Release)
	}
	return nil
}

// lockDir takes the lock of a data directory; free gives it back.
func lockDir(dir string) (free func() error, err error) {
	l, _, err := fileutil.Flock(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, inUse("data directory "+dir, err)
	}
	return l.Release, nil
}

func inUse(what string, err error) error {
	return &kit.Error{Code: kit.Conflict, Msg: what + " is in use by another server", Err: err,
		Hint: "stop that one, or name another directory with --data. " + replicasNeed}
}

const replicasNeed = "Several servers beside each other need --ledger postgres://..., metrics.url in evenkeel.yaml, and a data directory each"

// joinReplicas announces this server beside others on the same PostgreSQL, and refuses to be the second one where either
// keeps its samples to itself: whoever leads would evaluate without those of the other.
func (a *app) joinReplicas(ctx context.Context) error {
	if a.db.Engine() == db.SQLite {
		return a.takeOver(ctx) // the lock is ours, so nobody else can be alive
	}
	id, err := replicaID(a.cfg.Data, a.now())
	if err != nil {
		return err
	}
	kind, other := "outside", "embedded"
	if a.keepsSamples() {
		kind, other = "embedded", ""
	}
	name, holder := replicaPrefix+kind+":"+id, a.where()
	if _, _, err := a.db.Lease(ctx, name, holder, replicaTTL, a.now()); err != nil {
		return err
	}
	leave := func() error { return a.db.Release(context.WithoutCancel(ctx), name, holder) }
	running, err := a.db.Leases(ctx, replicaPrefix+other, a.now())
	if err != nil {
		return errors.Join(err, leave())
	}
	for _, r := range running {
		if !strings.HasSuffix(r.Name, ":"+id) {
			return errors.Join(a.second(r), leave())
		}
	}
	a.stack.onClose("place among replicas", leave)
	a.stack.run("place among replicas", func(ctx context.Context) error {
		for sleep(ctx, replicaEvery) {
			if _, _, err := a.db.Lease(ctx, name, holder, replicaTTL, a.now()); err != nil && ctx.Err() == nil {
				a.log.Warn("place among replicas not renewed; trying again", "err", err)
			}
		}
		return nil
	})
	if kind == "embedded" {
		return a.takeOver(ctx) // nobody else is there
	}
	return nil
}

// second says why this server may not run beside the one that does.
func (a *app) second(running db.Held) error {
	mine := "this server has an embedded metric store"
	if !a.keepsSamples() {
		mine = "that one has an embedded metric store"
	}
	return &kit.Error{Code: kit.Conflict, Msg: fmt.Sprintf("another server, %s, runs on the same ledger, and %s whose samples the other cannot read", running.Holder, mine),
		Hint: fmt.Sprintf("stop that one (one that was killed counts as running until %s). %s", running.Until.Format(time.TimeOnly+" MST"), replicasNeed)}
}

// takeOver ends the lease of an evaluation that cannot be alive any more, so that this one goes on at once.
func (a *app) takeOver(ctx context.Context) error { return a.db.EndLease(ctx, evaluator.Lease("slo")) }

// keepsSamples says whether the org directory as it lies there asks for the embedded metric store. It is read before any
// version is recorded: a server that may not run leaves no fact.
func (a *app) keepsSamples() bool {
	d, problems := org.Load(a.orgDir(), org.Options{})
	if org.Failed(problems) {
		return true
	}
	return d.Config.Metrics.IsZero()
}

// replicaID is a name for the data directory, made at its first start.
func replicaID(data string, now time.Time) (string, error) {
	file := filepath.Join(data, "replica")
	body, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		body = []byte(kit.NewID(now))
		err = os.WriteFile(file, body, 0o600)
	}
	if err != nil {
		return "", fmt.Errorf("name this replica: %w", err)
	}
	return strings.TrimSpace(string(body)), nil
}

// where says which server this is, for people: host and data directory.
func (a *app) where() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	dir, err := filepath.Abs(a.cfg.Data)
	if err != nil {
		dir = a.cfg.Data
	}
	return host + ":" + dir
}

// sleep waits; false when ctx has ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
