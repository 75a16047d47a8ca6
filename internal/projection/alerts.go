package projection

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Alerts holds every burn-rate alert: when it fired, on what, and when and how it ended.
var Alerts = ledger.Projection{
	Name:    "alerts",
	Version: 1,
	Schema: `CREATE TABLE alerts_alert (
			id TEXT PRIMARY KEY,
			seq BIGINT NOT NULL,
			slo TEXT NOT NULL,
			group_key TEXT NOT NULL,
			rule TEXT NOT NULL,
			severity TEXT NOT NULL,
			service TEXT NOT NULL,
			from_us BIGINT NOT NULL,
			to_us BIGINT NOT NULL,
			end_seq BIGINT NOT NULL,
			how TEXT NOT NULL,
			body TEXT NOT NULL);
		CREATE INDEX alerts_alert_to ON alerts_alert (to_us, from_us);
		CREATE INDEX alerts_alert_slo ON alerts_alert (slo, from_us)`,
	Kinds: []event.Kind{"alert.fired", "alert.ended"},
	Apply: func(ctx context.Context, q db.Q, e event.Event) error {
		switch f := e.Fact.(type) {
		case *event.AlertFired:
			body, err := json.Marshal(f)
			if err != nil {
				return fmt.Errorf("keep alert %s: %w", f.AlertID, err)
			}
			_, err = q.ExecContext(ctx, `INSERT INTO alerts_alert (id, seq, slo, group_key, rule, severity, service, from_us, to_us, end_seq, how, body)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '', $10) ON CONFLICT (id) DO NOTHING`, f.AlertID, e.Seq, f.SLO, f.GroupKey, f.Rule,
				f.Severity, f.Service, f.StartsAt.UnixMicro(), int64(forever), string(body))
			return err
		case *event.AlertEnded:
			_, err := q.ExecContext(ctx, "UPDATE alerts_alert SET to_us = $1, end_seq = $2, how = $3 WHERE id = $4 AND end_seq = 0",
				f.EndsAt.UnixMicro(), e.Seq, f.How, f.AlertID)
			return err
		}
		return nil
	},
}

// Alert is one alert.
type Alert struct {
	event.AlertFired
	Seq    int64     // of the fact that it fired
	EndSeq int64     // of the fact that it ended; 0 = it still fires
	To     time.Time // zero = it still fires
	How    string    // how it ended: resolved, removed, expired
}

// OpenAlerts is the alerts that fire, pages first, the oldest first.
func OpenAlerts(ctx context.Context, q db.Q) ([]Alert, error) {
	return alerts(ctx, q, "to_us = $1 ORDER BY severity, from_us, id", int64(forever))
}

// AlertsOf is the alerts of an objective that fired at any time of [from, to), the newest first, at most limit. An empty
// name means all objectives.
func AlertsOf(ctx context.Context, q db.Q, slo string, from, to time.Time, limit int) ([]Alert, error) {
	return alerts(ctx, q, "(slo = $1 OR $1 = '') AND from_us < $2 AND to_us > $3 ORDER BY from_us DESC, id LIMIT $4",
		slo, to.UnixMicro(), from.UnixMicro(), limit)
}

// AlertByID is one alert; ok is false where there is none.
func AlertByID(ctx context.Context, q db.Q, id string) (a Alert, ok bool, err error) {
	found, err := alerts(ctx, q, "id = $1", id)
	if err != nil || len(found) == 0 {
		return Alert{}, false, err
	}
	return found[0], true, nil
}

func alerts(ctx context.Context, q db.Q, where string, args ...any) ([]Alert, error) {
	rows, err := q.QueryContext(ctx, "SELECT seq, end_seq, to_us, how, body FROM alerts_alert WHERE "+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	defer rows.Close()
	var out []Alert
	for rows.Next() {
		var a Alert
		var to int64
		var body string
		if err := rows.Scan(&a.Seq, &a.EndSeq, &to, &a.How, &body); err != nil {
			return nil, fmt.Errorf("read alerts: %w", err)
		}
		if err := json.Unmarshal([]byte(body), &a.AlertFired); err != nil {
			return nil, fmt.Errorf("read alert of fact %d: %w", a.Seq, err)
		}
		if to != forever {
			a.To = time.UnixMicro(to).UTC()
		}
		out = append(out, a)
	}
	return out, rows.Err()
}
