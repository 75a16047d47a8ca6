package metric

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/file"
	discoveryhttp "github.com/prometheus/prometheus/discovery/http"
	"github.com/prometheus/prometheus/discovery/targetgroup"
	"github.com/prometheus/prometheus/scrape"

	"evenkeel.dev/evenkeel/internal/kit"
)

// ScrapeJob is one group of targets to read metrics from.
type ScrapeJob struct {
	Name        string          // the job label, unique
	Static      []StaticTargets // targets named here
	Files       []string        // files with targets in Prometheus' file_sd form; the last part may be a pattern
	HTTP        []string        // URLs that answer targets in Prometheus' http_sd form
	Every       time.Duration   // 0 = 1 min
	Timeout     time.Duration   // 0 = 10 s, at most Every
	Path        string          // "" = /metrics
	Scheme      string          // "" = http
	Params      map[string][]string
	Auth        Auth
	HonorLabels bool
}

// StaticTargets are host:port addresses and the labels their series get.
type StaticTargets struct {
	Targets []string
	Labels  map[string]string
}

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

// ApplyScrape puts a new list of jobs in force; jobs that stay the same go on undisturbed. A wrong job is a kit.Invalid
// error that names it, and the old list stays in force.
func (s *Store) ApplyScrape(jobs []ScrapeJob) error { return s.scraper.apply(jobs) }

func (x *scraper) apply(jobs []ScrapeJob) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	cfg, err := config.Load("", x.s.opt.Log) // the only way to a config that the manager takes
	if err != nil {
		return fmt.Errorf("prepare scrape configuration: %w", err)
	}
	cfg.GlobalConfig.BodySizeLimit = 64 << 20
	cfg.GlobalConfig.TargetLimit = 5000
	found := map[string]discovery.Configs{}
	for _, j := range jobs {
		if _, twice := found[j.Name]; twice || j.Name == "" {
			return kit.Errorf(kit.Invalid, "scrape job %q: the name is missing or used twice", j.Name)
		}
		sc, err := j.config(cfg.GlobalConfig)
		if err != nil {
			return kit.Errorf(kit.Invalid, "scrape job %q: %w", j.Name, err)
		}
		cfg.ScrapeConfigs = append(cfg.ScrapeConfigs, sc)
		found[j.Name] = sc.ServiceDiscoveryConfigs
	}
	if len(jobs) == 0 && !x.running {
		return nil
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

func (j ScrapeJob) config(g config.GlobalConfig) (*config.ScrapeConfig, error) {
	sc := config.DefaultScrapeConfig
	sc.JobName = j.Name
	sc.HonorLabels = j.HonorLabels
	sc.ScrapeInterval = model.Duration(j.Every)
	sc.ScrapeTimeout = model.Duration(j.Timeout)
	sc.Params = url.Values(j.Params)
	if j.Path != "" {
		sc.MetricsPath = j.Path
	}
	if j.Scheme != "" {
		sc.Scheme = j.Scheme
	}
	client, err := j.Auth.config()
	if err != nil {
		return nil, err
	}
	sc.HTTPClientConfig = client
	var groups discovery.StaticConfig
	for i, st := range j.Static {
		groups = append(groups, st.group(fmt.Sprint(i)))
	}
	if len(groups) > 0 {
		sc.ServiceDiscoveryConfigs = append(sc.ServiceDiscoveryConfigs, groups)
	}
	if len(j.Files) > 0 {
		fc := file.DefaultSDConfig
		fc.Files = j.Files
		sc.ServiceDiscoveryConfigs = append(sc.ServiceDiscoveryConfigs, &fc)
	}
	for _, u := range j.HTTP {
		hc := discoveryhttp.DefaultSDConfig
		hc.URL = u
		hc.HTTPClientConfig = client
		sc.ServiceDiscoveryConfigs = append(sc.ServiceDiscoveryConfigs, &hc)
	}
	return &sc, sc.Validate(g)
}

func (t StaticTargets) group(source string) *targetgroup.Group {
	g := &targetgroup.Group{Source: source, Labels: model.LabelSet{}}
	for k, v := range t.Labels {
		g.Labels[model.LabelName(k)] = model.LabelValue(v)
	}
	for _, a := range t.Targets {
		g.Targets = append(g.Targets, model.LabelSet{model.AddressLabel: model.LabelValue(a)})
	}
	return g
}
