package projection

import (
	"context"
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Policies holds every version of every agreement (objectives, calendars, tiers) with the time it was in force.
var Policies = ledger.Projection{
	Name:    "policies",
	Version: 1,
	Schema: `CREATE TABLE policies_version (
			about TEXT NOT NULL,
			seq BIGINT NOT NULL,
			from_us BIGINT NOT NULL,
			to_us BIGINT NOT NULL,
			removed BOOLEAN NOT NULL,
			version TEXT NOT NULL,
			digest TEXT NOT NULL,
			file TEXT NOT NULL,
			line BIGINT NOT NULL,
			body TEXT NOT NULL,
			PRIMARY KEY (about, seq));
		CREATE INDEX policies_version_until ON policies_version (to_us, about)`,
	Kinds: []event.Kind{"policy.applied"},
	Apply: func(ctx context.Context, q db.Q, e event.Event) error {
		f, ok := e.Fact.(*event.PolicyApplied)
		if !ok {
			return nil
		}
		from, about := f.EffectiveFrom.UnixMicro(), string(event.NewRef(f.Policy, f.Name))
		if _, err := q.ExecContext(ctx, "UPDATE policies_version SET to_us = $1 WHERE about = $2 AND to_us = $3", from, about, int64(forever)); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, `INSERT INTO policies_version (about, seq, from_us, to_us, removed, version, digest, file, line, body)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			about, e.Seq, from, int64(forever), f.Removed, f.Version, f.Digest, f.File, f.Line, string(f.Definition))
		return err
	},
}

// PolicyVersion is one version of an agreement and when it held.
type PolicyVersion struct {
	About      string // "slo:checkout-availability"
	Seq        int64  // the fact that brought it
	From       time.Time
	To         time.Time // zero while it still holds
	Removed    bool      // from then on there is none
	Version    string
	Digest     string
	File       string
	Line       int
	Definition []byte // JSON; of an objective: slo.Objective. Empty for a removal
}

// PolicyVersions lists the versions of an agreement, the oldest first.
func PolicyVersions(ctx context.Context, q db.Q, about event.Ref) ([]PolicyVersion, error) {
	return policyVersions(ctx, q, "about = $1 ORDER BY seq", string(about))
}

// PolicyAt is the agreement as it stood at a moment; ok is false when there was none.
func PolicyAt(ctx context.Context, q db.Q, about event.Ref, at time.Time) (v PolicyVersion, ok bool, err error) {
	found, err := policyVersions(ctx, q, "about = $1 AND from_us <= $2 AND to_us > $2 ORDER BY seq DESC LIMIT 1", string(about), at.UnixMicro())
	if err != nil || len(found) == 0 {
		return PolicyVersion{}, false, err
	}
	return found[0], !found[0].Removed, nil
}

func policyVersions(ctx context.Context, q db.Q, where string, args ...any) ([]PolicyVersion, error) {
	rows, err := q.QueryContext(ctx, "SELECT about, seq, from_us, to_us, removed, version, digest, file, line, body FROM policies_version WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read agreements: %w", err)
	}
	defer rows.Close()
	var out []PolicyVersion
	for rows.Next() {
		var v PolicyVersion
		var from, to int64
		var body string
		if err := rows.Scan(&v.About, &v.Seq, &from, &to, &v.Removed, &v.Version, &v.Digest, &v.File, &v.Line, &body); err != nil {
			return nil, fmt.Errorf("read agreements: %w", err)
		}
		v.From, v.To, v.Definition = micros(from), micros(to), []byte(body)
		out = append(out, v)
	}
	return out, rows.Err()
}
