package intake

import "sync/atomic"

// counts are kept without a lock, one set a signal.
type counts struct{ metrics, traces, logs signalCounts }

type signalCounts struct{ messages, refused, items, rejected atomic.Uint64 }

// Counts is what came in of one signal since the start.
type Counts struct {
	Messages uint64 // taken
	Refused  uint64 // whole messages answered with an error
	Items    uint64 // points, spans or records taken
	Rejected uint64 // points, spans or records declined inside messages that were taken
}

// Counts is what came in, by signal: metrics, traces, logs. Messages that could not be read are not in it.
func (r *Receiver) Counts() (metrics, traces, logs Counts) {
	return r.counts.metrics.load(), r.counts.traces.load(), r.counts.logs.load()
}

func (c *signalCounts) load() Counts {
	return Counts{c.messages.Load(), c.refused.Load(), c.items.Load(), c.rejected.Load()}
}

// count files a message under its outcome and hands the error on.
func (r *Receiver) count(c *signalCounts, items int64, err error) error {
	if err != nil {
		c.refused.Add(1)
		return err
	}
	c.messages.Add(1)
	c.items.Add(uint64(max(items, 0)))
	return nil
}
