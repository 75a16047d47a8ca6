package ledger

import (
	"context"
	"fmt"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
)

// Stats says how much the ledger holds and how fast it grows.
type Stats struct {
	Head      Head
	Bytes     int64     // on disk, the whole database
	FirstAt   time.Time // the earliest and latest moment that a fact is about; zero when empty
	LastAt    time.Time
	FirstSeen time.Time // when recording began; zero when empty
	LastHour  int64     // facts recorded in the last hour, day
	LastDay   int64
	Kinds     []KindStats // most frequent first
	Waiting   int         // facts on their way to the disk
	Free      int64       // bytes left on the disk; 0 where unknown
	Accepting bool        // false below the watermark of free space
}

// KindStats counts one kind.
type KindStats struct {
	Kind    event.Kind
	Facts   int64
	LastSeq int64
	FirstAt time.Time
	LastAt  time.Time
}

// DayStats counts one kind on one day (UTC, by Seen).
type DayStats struct {
	Day   time.Time
	Kind  event.Kind
	Facts int64
}

// Stats reads counts and sizes; its cost does not grow with the number of facts.
func (l *Ledger) Stats(ctx context.Context) (Stats, error) {
	s, err := l.stats(ctx)
	if err != nil {
		return Stats{}, fmt.Errorf("ledger stats: %w", err)
	}
	return s, nil
}

func (l *Ledger) stats(ctx context.Context) (s Stats, err error) {
	row, err := readHead(ctx, l.db.Read(), "")
	if err != nil {
		return s, err
	}
	s.Head = row.Head
	if s.Bytes, err = l.db.Size(ctx); err != nil {
		return s, err
	}
	if s.Kinds, err = l.kinds(ctx); err != nil {
		return s, err
	}
	for _, k := range s.Kinds {
		if s.FirstAt.IsZero() || k.FirstAt.Before(s.FirstAt) {
			s.FirstAt = k.FirstAt
		}
		if k.LastAt.After(s.LastAt) {
			s.LastAt = k.LastAt
		}
	}
	if row.Seq > 0 {
		var seen int64
		if err := l.db.Read().QueryRowContext(ctx, "SELECT seen_us FROM fact WHERE seq = $1", 1).Scan(&seen); err != nil {
			return s, err
		}
		s.FirstSeen = time.UnixMicro(seen).UTC()
	}
	now := l.opt.Now()
	for since, n := range map[time.Duration]*int64{time.Hour: &s.LastHour, 24 * time.Hour: &s.LastDay} {
		before, err := l.LastSeenBy(ctx, now.Add(-since))
		if err != nil {
			return s, err
		}
		*n = row.Seq - before
	}
	_, s.Waiting = l.queue.waiting()
	s.Free, _ = l.db.Free()
	s.Accepting = l.checkSpace(Bulk) == nil
	return s, nil
}

func (l *Ledger) kinds(ctx context.Context) ([]KindStats, error) {
	rows, err := l.db.Read().QueryContext(ctx, `SELECT kind, sum(facts), max(last_seq), min(first_at_us), max(last_at_us)
		FROM counts_day GROUP BY kind ORDER BY 2 DESC, kind`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []KindStats{}
	for rows.Next() {
		var k KindStats
		var first, last int64
		if err := rows.Scan(&k.Kind, &k.Facts, &k.LastSeq, &first, &last); err != nil {
			return nil, err
		}
		k.FirstAt, k.LastAt = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
		out = append(out, k)
	}
	return out, rows.Err()
}

// Days counts facts by day and kind from the given day on, oldest first; days without facts are absent.
func (l *Ledger) Days(ctx context.Context, from time.Time) ([]DayStats, error) {
	rows, err := l.db.Read().QueryContext(ctx, "SELECT day, kind, facts FROM counts_day WHERE day >= $1 ORDER BY day, kind", from.UnixMicro()/dayUS)
	if err != nil {
		return nil, fmt.Errorf("count facts by day: %w", err)
	}
	defer rows.Close()
	out := []DayStats{}
	for rows.Next() {
		var d DayStats
		var day int64
		if err := rows.Scan(&day, &d.Kind, &d.Facts); err != nil {
			return nil, fmt.Errorf("count facts by day: %w", err)
		}
		d.Day = time.UnixMicro(day * dayUS).UTC()
		out = append(out, d)
	}
	return out, rows.Err()
}
