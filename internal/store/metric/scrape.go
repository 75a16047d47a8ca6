package metric

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	_ "github.com/prometheus/prometheus/discovery/file" // file_sd_configs
	_ "github.com/prometheus/prometheus/discovery/http" // http_sd_configs
	"github.com/prometheus/prometheus/scrape"

	"evenkeel.dev/evenkeel/internal/kit"
)

// scraper is Prometheus' discovery and scrape manager. It starts with the first ApplyScrape.
type scraper struct {
	s         *Store
	manager   *scrape.Manager
	discovery *discovery.Manager
	stop      context.CancelFunc
	wg        sync.WaitGroup

	mu      sync.Mutex
	cfg     config.Config
	running bool
}

func newScraper(s *Store) (*scraper, error) {
	log := s.opt.Log.With("part", "scrape")
	sd, err := discovery.CreateAndRegisterSDMetrics(s.reg)
	if err != nil {
		return nil, fmt.Errorf("register discovery metrics: %w", err)
	}
	m, err := scrape.NewManager(&scrape.Options{AppendMetadata: true, ParseST: true,
		DiscoveryReloadOnStartup: true, DiscoveryReloadInterval: model.Duration(time.Second)}, log, nil, nil, writer{s}, s.reg)
	if err != nil {
		return nil, fmt.Errorf("start scraping: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	return &scraper{s: s, manager: m, stop: stop, cfg: config.DefaultConfig,
		discovery: discovery.NewManager(ctx, log, s.reg, sd, discovery.Name("scrape"), discovery.Updatert(time.Second))}, nil
}

// ApplyScrape puts a new list of jobs in force, each an entry of Prometheus' scrape_configs as JSON or YAML; jobs that
// stay the same go on undisturbed. Targets come from static_configs, file_sd_configs and http_sd_configs. Relative
// file names are looked for below dir. Something wrong is a kit.Invalid error, and the old list stays in force.
func (s *Store) ApplyScrape(jobs []json.RawMessage, dir string) error {
	return s.scraper.apply(jobs, dir)
}

func (x *scraper) apply(jobs []json.RawMessage, dir string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(jobs) == 0 && !x.running {
		return nil
	}
	cfg, err := readScrape(jobs, dir, x.s.opt.Log)
	if err != nil {
		return kit.Errorf(kit.Invalid, "read scrape jobs: %w", err)
	}
	found := map[string]discovery.Configs{}
	for _, sc := range cfg.ScrapeConfigs {
		found[sc.JobName] = sc.ServiceDiscoveryConfigs
	}
	if err := x.manager.ApplyConfig(cfg); err != nil {
		return kit.Errorf(kit.Invalid, "apply scrape jobs: %w", err)
	}
	if err := x.discovery.ApplyConfig(found); err != nil {
		return kit.Errorf(kit.Invalid, "apply target discovery: %w", err)
	}
	x.cfg = *cfg
	if !x.running {
		x.running = true
		x.wg.Go(func() { _ = x.discovery.Run() }) // ends with its context
		x.wg.Go(func() { _ = x.manager.Run(x.discovery.SyncCh()) })
	}
	return nil
}

// CheckScrape reads jobs as ApplyScrape does and says what is wrong with them.
func CheckScrape(jobs []json.RawMessage, dir string) error {
	_, err := readScrape(jobs, dir, slog.New(slog.DiscardHandler))
	return err
}

// readScrape lets Prometheus read the jobs. The bounds hold where a job sets none.
func readScrape(jobs []json.RawMessage, dir string, log *slog.Logger) (*config.Config, error) {
	var b strings.Builder
	b.WriteString("global: {body_size_limit: 64MB, target_limit: 5000, keep_dropped_targets: 100}\nscrape_configs:")
	if len(jobs) == 0 {
		b.WriteString(" []")
	}
	for _, j := range jobs {
		b.WriteString("\n  - ")
		b.WriteString(strings.ReplaceAll(strings.TrimSpace(string(j)), "\n", "\n    "))
	}
	cfg, err := config.Load(b.String(), log)
	if err != nil {
		return nil, err
	}
	cfg.SetDirectory(dir)
	return cfg, nil
}

// config shows the jobs in force to the API.
func (x *scraper) config() config.Config {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.cfg
}

func (x *scraper) close() {
	x.stop()
	x.manager.Stop()
	x.wg.Wait()
}
