package metric

import (
	"context"
	"maps"
	"strings"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/storage"
)

// families is what senders said about their metric families. Scraped ones come through here too.
type families struct {
	mu    sync.RWMutex
	known map[string]Metadata
}

const (
	maxFamilies  = 50_000 // more are stored without a description
	maxHelpBytes = 1024
)

// familyMemo is what one transaction learnt last: samples of a family come together.
type familyMemo struct {
	name string // of the family or, where the sender names none, of the series
	meta metadata.Metadata
}

// learn notes the metadata that comes with a sample. It costs two comparisons when nothing changed.
func (f *families) learn(memo *familyMemo, ls labels.Labels, o storage.AOptions) {
	if o.Metadata.IsEmpty() {
		return
	}
	name := o.MetricFamilyName
	if name == "" {
		name = ls.Get(model.MetricNameLabel)
	}
	if name == memo.name && o.Metadata == memo.meta {
		return
	}
	name = strings.Clone(name) // lives only as long as the request
	memo.name, memo.meta = name, o.Metadata
	if o.MetricFamilyName == "" {
		name = familyOf(name, o.Metadata.Type)
	}
	f.set(name, Metadata{Type: string(o.Metadata.Type), Help: o.Metadata.Help, Unit: o.Metadata.Unit})
}

func (f *families) set(name string, m Metadata) {
	if m.Type == "" {
		m.Type = string(model.MetricTypeUnknown)
	}
	if len(m.Help) > maxHelpBytes {
		m.Help = m.Help[:maxHelpBytes]
	}
	f.mu.RLock()
	old, ok := f.known[name]
	full := len(f.known) >= maxFamilies
	f.mu.RUnlock()
	if old == m || !ok && full {
		return
	}
	m.Help, m.Unit = strings.Clone(m.Help), strings.Clone(m.Unit)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known == nil {
		f.known = map[string]Metadata{}
	}
	f.known[name] = m
}

// familyOf takes the suffix off that a histogram or summary adds to its series.
func familyOf(name string, t model.MetricType) string {
	switch t {
	case model.MetricTypeHistogram, model.MetricTypeGaugeHistogram, model.MetricTypeSummary:
		for _, suffix := range []string{"_bucket", "_count", "_sum"} {
			if cut, ok := strings.CutSuffix(name, suffix); ok {
				return cut
			}
		}
	}
	return name
}

func (f *families) get(name string) map[string][]Metadata {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if name != "" {
		if m, ok := f.known[name]; ok {
			return map[string][]Metadata{name: {m}}
		}
		return map[string][]Metadata{}
	}
	out := make(map[string][]Metadata, len(f.known))
	for n, m := range maps.All(f.known) {
		out[n] = []Metadata{m}
	}
	return out
}

// Metadata implements Source: what scraped targets, remote write 2.0 and OTLP senders said since the store was opened.
func (s *Store) Metadata(_ context.Context, metric string) (map[string][]Metadata, error) {
	return s.known.get(metric), nil
}
