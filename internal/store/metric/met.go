package metric

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// metSeries remembers series by the bytes their labels had in a remote write request. It holds the labels that the TSDB
// holds anyway, and no bytes of requests.
type metSeries struct {
	once   sync.Once
	seed   maphash.Seed
	shards [64]metShard
}

type metShard struct {
	mu sync.RWMutex
	by map[uint64]*metOne
}

// metOne is one series. Its reference may grow stale; the TSDB then looks the labels up and gives another.
type metOne struct {
	labels labels.Labels
	atomic atomic.Uint64
}

func (m *metOne) ref() storage.SeriesRef { return storage.SeriesRef(m.atomic.Load()) }

const maxMetPerShard = 1 << 14 // about a million series; a shard that is full starts anew

func (c *metSeries) shard(wire []byte) (*metShard, uint64) {
	c.once.Do(func() { c.seed = maphash.MakeSeed() })
	h := maphash.Bytes(c.seed, wire)
	return &c.shards[h%uint64(len(c.shards))], h
}

// find gives the series of labels as they came: with met where it is remembered, decoded otherwise. The error says why
// the labels are wrong.
func (c *metSeries) find(wire []byte) (met *metOne, ls labels.Labels, err error) {
	s, h := c.shard(wire)
	s.mu.RLock()
	met = s.by[h]
	s.mu.RUnlock()
	if met != nil && same(met.labels, wire) {
		return met, met.labels, nil
	}
	ls, err = labelsOf(wire)
	return nil, ls, err
}

// same compares labels with how they came. Labels that came unsorted or empty are never the same, and never remembered.
func same(ls labels.Labels, wire []byte) bool {
	ok, rest := true, wire
	ls.Range(func(l labels.Label) {
		if !ok {
			return
		}
		var label, name, value []byte
		if label, rest, ok = field(rest, tagLabel); !ok {
			return
		}
		if name, label, ok = field(label, tagName); !ok {
			return
		}
		if value, _, ok = field(label, tagValue); !ok {
			return
		}
		ok = string(name) == l.Name && string(value) == l.Value
	})
	return ok && len(rest) == 0
}

// learn remembers a series under the labels that the TSDB keeps for it, or its new reference.
func (c *metSeries) learn(wire []byte, met *metOne, ref storage.SeriesRef, stored labels.Labels) {
	if met != nil {
		met.atomic.Store(uint64(ref))
		return
	}
	if stored.IsEmpty() || !same(stored, wire) {
		return
	}
	met = &metOne{labels: stored}
	met.atomic.Store(uint64(ref))
	s, h := c.shard(wire)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil || len(s.by) >= maxMetPerShard {
		s.by = map[uint64]*metOne{}
	}
	s.by[h] = met
}

// stored are the labels of a series as the TSDB holds them; empty where it does not know the series.
func (a *appender) stored(ls labels.Labels) labels.Labels {
	g, ok := a.ExemplarAppenderV2.(storage.GetRef)
	if !ok {
		return labels.EmptyLabels()
	}
	_, out := g.GetRef(ls, ls.Hash())
	return out
}
