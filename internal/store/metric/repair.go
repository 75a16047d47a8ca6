package metric

import (
	"fmt"
	"math"
	"time"
)

// reportRepair tells OnRepair when opening had to cut a damaged log. The TSDB shows that only in its counter.
func (s *Store) reportRepair() error {
	families, err := s.reg.Gather()
	if err != nil {
		return fmt.Errorf("gather metric store counters: %w", err)
	}
	for _, f := range families {
		if f.GetName() != "prometheus_tsdb_wal_corruptions_total" || f.GetMetric()[0].GetCounter().GetValue() == 0 {
			continue
		}
		r := Repair{To: s.started.UTC(), Reason: "the write-ahead log was damaged and has been cut at the first unreadable record"}
		if t := s.db.Head().MaxTime(); t != math.MinInt64 {
			r.From = time.UnixMilli(t).UTC()
		}
		if r.From.After(r.To) {
			r.From = r.To
		}
		s.opt.Log.Warn("metric store repaired", "from", r.From, "to", r.To, "reason", r.Reason)
		if s.opt.OnRepair != nil {
			s.opt.OnRepair(r)
		}
	}
	return nil
}
