package metric

import (
	"cmp"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/scrape"
)

// Target is one address that is scraped.
type Target struct {
	Job, Instance string
	Last          time.Time     // of the last scrape; zero before the first
	Every         time.Duration // between scrapes
	Error         string        // of the last scrape, "" = it went well
}

// Targets lists what is scraped now, by job and instance; empty where nothing is.
func (s *Store) Targets() []Target {
	var out []Target
	for job, targets := range s.scraper.manager.TargetsActive() {
		for _, t := range targets {
			target := Target{Job: job, Instance: t.Labels(labels.NewBuilder(labels.EmptyLabels())).Get("instance"), Last: t.LastScrape(), Every: interval(t)}
			if err := t.LastError(); err != nil {
				target.Error = err.Error()
			}
			out = append(out, target)
		}
	}
	slices.SortFunc(out, func(a, b Target) int { return cmp.Or(cmp.Compare(a.Job, b.Job), cmp.Compare(a.Instance, b.Instance)) })
	return out
}

func interval(t *scrape.Target) time.Duration {
	d, err := model.ParseDuration(t.GetValue(model.ScrapeIntervalLabel))
	if err != nil {
		return time.Minute
	}
	return time.Duration(d)
}

// Usage is how many bytes the store takes on disk, and how many are free there (0 where the system cannot tell). It walks
// the store's directory: ask now and then, not all the time.
func (s *Store) Usage() (bytes, free int64) {
	_ = filepath.WalkDir(s.opt.Dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil { // files come and go with compaction
			return nil
		}
		if info, err := d.Info(); err == nil && !d.IsDir() {
			bytes += info.Size()
		}
		return nil
	})
	if now, _, err := diskSpace(s.opt.Dir); err == nil {
		free = now
	}
	return bytes, free
}
