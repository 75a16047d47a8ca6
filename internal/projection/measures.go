package projection

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Measures holds the days that were closed, each in its newest revision; the older ones stay in the ledger.
var Measures = ledger.Projection{
	Name:    "measures",
	Version: 1,
	Schema: `CREATE TABLE measures_day (
			measure TEXT NOT NULL,
			subject TEXT NOT NULL,
			grp TEXT NOT NULL,
			from_us BIGINT NOT NULL,
			to_us BIGINT NOT NULL,
			seq BIGINT NOT NULL,
			revision BIGINT NOT NULL,
			num DOUBLE PRECISION NOT NULL,
			den DOUBLE PRECISION NOT NULL,
			allowed DOUBLE PRECISION NOT NULL,
			valid_s DOUBLE PRECISION NOT NULL,
			unknown_s DOUBLE PRECISION NOT NULL,
			digest TEXT NOT NULL,
			policy TEXT NOT NULL,
			PRIMARY KEY (measure, subject, grp, from_us))`,
	Kinds: []event.Kind{"measure.closed"},
	Apply: func(ctx context.Context, q db.Q, e event.Event) error {
		f, ok := e.Fact.(*event.MeasureClosed)
		if !ok {
			return nil
		}
		_, err := q.ExecContext(ctx, `INSERT INTO measures_day (measure, subject, grp, from_us, to_us, seq, revision, num, den, allowed, valid_s, unknown_s, digest, policy)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
			ON CONFLICT (measure, subject, grp, from_us) DO UPDATE SET to_us = excluded.to_us, seq = excluded.seq, revision = excluded.revision,
				num = excluded.num, den = excluded.den, allowed = excluded.allowed, valid_s = excluded.valid_s, unknown_s = excluded.unknown_s,
				digest = excluded.digest, policy = excluded.policy WHERE excluded.revision >= measures_day.revision`,
			f.Measure, f.Subject, f.Group, f.From.UnixMicro(), f.To.UnixMicro(), e.Seq, f.Revision, f.Num, f.Den, f.Allowed, f.ValidS, f.UnknownS,
			f.ResultDigest, f.PolicyVersion)
		return err
	},
}

// Measured is a closed day.
type Measured struct {
	Measure, Subject, Group string
	From, To                time.Time
	Seq                     int64 // the fact of this revision
	Revision                int
	Num, Den, Allowed       float64
	ValidS, UnknownS        float64
	PolicyVersion           string
}

// MeasuresOf is the closed days of a subject that begin in [from, to), in order of time, all groups.
func MeasuresOf(ctx context.Context, q db.Q, measure, subject string, from, to time.Time) ([]Measured, error) {
	rows, err := q.QueryContext(ctx, `SELECT measure, subject, grp, from_us, to_us, seq, revision, num, den, allowed, valid_s, unknown_s, policy
		FROM measures_day WHERE measure = $1 AND subject = $2 AND from_us >= $3 AND from_us < $4 ORDER BY from_us, grp`,
		measure, subject, from.UnixMicro(), to.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("read measures of %s: %w", subject, err)
	}
	defer rows.Close()
	var out []Measured
	for rows.Next() {
		var m Measured
		var from, to int64
		if err := rows.Scan(&m.Measure, &m.Subject, &m.Group, &from, &to, &m.Seq, &m.Revision, &m.Num, &m.Den, &m.Allowed, &m.ValidS, &m.UnknownS, &m.PolicyVersion); err != nil {
			return nil, fmt.Errorf("read measures of %s: %w", subject, err)
		}
		m.From, m.To = time.UnixMicro(from).UTC(), time.UnixMicro(to).UTC()
		out = append(out, m)
	}
	return out, rows.Err()
}

// LatestMeasure is what a day of an objective was closed with last: digest and revision; ok is false where it never was.
func LatestMeasure(ctx context.Context, q db.Q, measure, subject, group string, from time.Time) (digest string, revision int, ok bool, err error) {
	err = q.QueryRowContext(ctx, "SELECT digest, revision FROM measures_day WHERE measure = $1 AND subject = $2 AND grp = $3 AND from_us = $4",
		measure, subject, group, from.UnixMicro()).Scan(&digest, &revision)
	if errors.Is(err, sql.ErrNoRows) {
		return "", 0, false, nil
	}
	if err != nil {
		return "", 0, false, fmt.Errorf("read the measure of %s: %w", subject, err)
	}
	return digest, revision, true, nil
}
