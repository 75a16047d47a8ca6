package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

const leaseSchema = `CREATE TABLE IF NOT EXISTS lease (
	name TEXT PRIMARY KEY,
	holder TEXT NOT NULL,
	until_us BIGINT NOT NULL,
	fence BIGINT NOT NULL)`

func (d *DB) prepareLeases(ctx context.Context) error {
	err := d.Write(ctx, func(ctx context.Context, q Q) error {
		_, err := q.ExecContext(ctx, leaseSchema)
		return err
	})
	if err != nil && d.Unique(err) { // two replicas made the table in the same instant
		err = nil
	}
	if err != nil {
		return fmt.Errorf("make lease table: %w", err)
	}
	return nil
}

// Lease takes or renews the named lease for holder until now+ttl. ok is false while another holds it. The fence grows with
// each change of holder: whoever acts on the lease proves with CheckFence, in the transaction that acts, that nobody took
// over since. A holder's name must be new for each start of a process, so that a frozen predecessor is told apart.
func (d *DB) Lease(ctx context.Context, name, holder string, ttl time.Duration, now time.Time) (fence int64, ok bool, err error) {
	const text = `INSERT INTO lease (name, holder, until_us, fence) VALUES ($1, $2, $3, 1)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_us = excluded.until_us,
			fence = CASE WHEN lease.holder = excluded.holder THEN lease.fence ELSE lease.fence + 1 END
		WHERE lease.holder = excluded.holder OR lease.until_us <= $4
		RETURNING fence`
	err = d.Write(ctx, func(ctx context.Context, q Q) error {
		return q.QueryRowContext(ctx, text, name, holder, now.Add(ttl).UnixMicro(), now.UnixMicro()).Scan(&fence)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("take lease %s: %w", name, err)
	}
	return fence, true, nil
}

// Held is a lease and who holds it.
type Held struct {
	Name   string
	Holder string
	Until  time.Time
}

// Leases lists the leases whose name begins with a prefix and that run beyond an instant, by name.
func (d *DB) Leases(ctx context.Context, prefix string, after time.Time) ([]Held, error) {
	since := int64(-1)
	if !after.IsZero() {
		since = after.UnixMicro()
	}
	rows, err := d.Read().QueryContext(ctx, "SELECT name, holder, until_us FROM lease WHERE until_us > $1 ORDER BY name", since)
	if err != nil {
		return nil, fmt.Errorf("list leases: %w", err)
	}
	defer rows.Close()
	var out []Held
	for rows.Next() {
		var h Held
		var until int64
		if err := rows.Scan(&h.Name, &h.Holder, &until); err != nil {
			return nil, fmt.Errorf("list leases: %w", err)
		}
		if h.Until = time.UnixMicro(until).UTC(); strings.HasPrefix(h.Name, prefix) {
			out = append(out, h)
		}
	}
	return out, rows.Err()
}

// Release gives the lease back so that another may take it at once. Nothing happens when holder does not hold it.
func (d *DB) Release(ctx context.Context, name, holder string) error {
	err := d.Write(ctx, func(ctx context.Context, q Q) error {
		_, err := q.ExecContext(ctx, "UPDATE lease SET until_us = 0 WHERE name = $1 AND holder = $2", name, holder)
		return err
	})
	if err != nil {
		return fmt.Errorf("release lease %s: %w", name, err)
	}
	return nil
}

// EndLease ends the lease whoever holds it, for a caller that knows that its holder is dead. The fence stays, so that even
// a holder that was not dead could do nothing once another took over.
func (d *DB) EndLease(ctx context.Context, name string) error {
	err := d.Write(ctx, func(ctx context.Context, q Q) error {
		_, err := q.ExecContext(ctx, "UPDATE lease SET until_us = 0 WHERE name = $1", name)
		return err
	})
	if err != nil {
		return fmt.Errorf("end lease %s: %w", name, err)
	}
	return nil
}

// CheckFence refuses with kit.Conflict unless fence is the lease's newest, and keeps it so until the transaction ends.
func (d *DB) CheckFence(ctx context.Context, q Q, name string, fence int64) error {
	var now int64
	err := q.QueryRowContext(ctx, "SELECT fence FROM lease WHERE name = $1"+d.ForUpdate(), name).Scan(&now)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("check lease %s: %w", name, err)
	}
	if now != fence {
		return kit.Errorf(kit.Conflict, "lease %s was taken over: fence %d is no longer the newest (%d)", name, fence, now)
	}
	return nil
}
