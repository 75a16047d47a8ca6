package metric

import (
	"sync"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"evenkeel.dev/evenkeel/internal/kit"
)

// selectors remembers parsed selectors: an evaluation asks the same ones every minute.
type selectors struct {
	parser parser.Parser
	mu     sync.RWMutex
	parsed map[string][]*labels.Matcher
}

const maxSelectors = 50_000 // remembered at once

func (c *selectors) get(selector string) ([]*labels.Matcher, error) {
	c.mu.RLock()
	ms := c.parsed[selector]
	c.mu.RUnlock()
	if ms != nil {
		return ms, nil
	}
	ms, err := c.parser.ParseMetricSelector(selector)
	if err != nil {
		return nil, kit.Errorf(kit.Invalid, "read selector %q: %w", shorten(selector), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed == nil || len(c.parsed) >= maxSelectors {
		c.parsed = map[string][]*labels.Matcher{}
	}
	c.parsed[selector] = ms
	return ms, nil
}

// sets parses several selectors.
func (c *selectors) sets(texts []string) ([][]*labels.Matcher, error) {
	out := make([][]*labels.Matcher, 0, len(texts))
	for _, t := range texts {
		ms, err := c.get(t)
		if err != nil {
			return nil, err
		}
		out = append(out, ms)
	}
	return out, nil
}
