package assess

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Service is something that answers requests, as telemetry shows it.
type Service struct {
	Name       string      // in the catalog, a DNS label
	Telemetry  string      // as the labels say
	Convention *Convention // how it was found
	Match      []kit.Label // the labels that select its series
	Code       string      // the label that holds the outcome of a request; "" = none does
	Rate       float64     // requests a second in the last hour; for a gauge, how many series
}

// selector is a PromQL selector of the service's series of a metric; more are further matchers.
func (s Service) selector(name string, more ...string) string {
	var ms []string
	for _, l := range s.Match {
		ms = append(ms, l.Name+"="+strconv.Quote(l.Value))
	}
	if s.Convention.Fixed != "" {
		ms = append(ms, s.Convention.Fixed)
	}
	return name + "{" + strings.Join(append(ms, more...), ",") + "}"
}

// discover finds the services, and how densely the source keeps samples.
func (a *Assessment) discover(ctx context.Context, q *asker, o Options) error {
	o.Say("looking for services")
	have, err := q.names(ctx, a.To.Add(-time.Hour), a.To)
	if err != nil {
		return fmt.Errorf("list metrics: %w", err)
	}
	var all []Service
	for i := range Conventions {
		c := &Conventions[i]
		if !have[c.Total] {
			continue
		}
		found, err := find(ctx, q, c, a.To)
		if err != nil {
			a.leave("services by %s (%s): %s", c.Name, c.Total, err)
			continue
		}
		all = append(all, found...)
	}
	a.Services = named(first(all))
	if over := len(a.Services) - o.MaxServices; over > 0 {
		slices.SortStableFunc(a.Services, func(x, y Service) int {
			return cmp.Or(cmp.Compare(btoi(x.Convention.Gauge), btoi(y.Convention.Gauge)), cmp.Compare(y.Rate, x.Rate))
		})
		a.leave("%s: only the busiest %d were looked at", kit.Plural(over, "service", "services"), o.MaxServices)
		a.Services = a.Services[:o.MaxServices]
	}
	slices.SortFunc(a.Services, func(x, y Service) int { return cmp.Compare(x.Name, y.Name) })
	a.Window = a.density(ctx, q)
	return nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// find lists the services that one convention shows.
func find(ctx context.Context, q *asker, c *Convention, at time.Time) ([]Service, error) {
	by := strings.Join(slices.Concat(c.Service, c.Scope), ", ")
	expr := fmt.Sprintf("sum by (%s) (rate(%s{%s}[1h]))", by, c.Total, c.Fixed)
	if c.Gauge {
		expr = fmt.Sprintf("count by (%s) (%s)", by, c.Total)
	}
	vec, err := q.at(ctx, expr, at)
	if err != nil {
		return nil, err
	}
	codes := map[string]string{}
	for _, code := range c.Codes {
		with, err := q.at(ctx, fmt.Sprintf("count by (%s) (%s{%s})", by, c.Total, joined(c.Fixed, code+`!=""`)), at)
		if err != nil {
			return nil, err
		}
		for _, s := range with {
			if key := s.Metric.String(); codes[key] == "" {
				codes[key] = code
			}
		}
	}
	var out []Service
	for _, s := range vec {
		svc, ok := serviceOf(c, s.Metric)
		if !ok {
			continue
		}
		i := slices.IndexFunc(out, func(o Service) bool { return slices.Equal(o.Match, svc.Match) })
		if i < 0 {
			i, out = len(out), append(out, svc)
		}
		out[i].Rate += s.F
		out[i].Code = cmp.Or(out[i].Code, codes[s.Metric.String()])
	}
	return out, nil
}

func joined(matchers ...string) string {
	return strings.Join(slices.DeleteFunc(matchers, func(m string) bool { return m == "" }), ",")
}

func serviceOf(c *Convention, ls labels.Labels) (Service, bool) {
	s := Service{Convention: c}
	for _, name := range c.Service {
		if v := ls.Get(name); v != "" && s.Telemetry == "" {
			s.Telemetry = v
			s.Match = append(s.Match, kit.Label{Name: name, Value: v})
		}
	}
	for _, name := range c.Scope {
		if v := ls.Get(name); v != "" {
			s.Match = append(s.Match, kit.Label{Name: name, Value: v})
		}
	}
	return s, s.Telemetry != "" && s.Telemetry != "unknown"
}

// first keeps of each service what the most telling convention shows. A job whose requests are seen is not taken again
// as a job that is scraped.
func first(all []Service) []Service {
	by := map[string]*Convention{}
	var out []Service
	for _, s := range all {
		key := slug(s.Telemetry)
		if c, seen := by[key]; seen && c != s.Convention {
			continue
		}
		by[key] = s.Convention
		out = append(out, s)
	}
	return out
}

// named gives each service a name of its own for the catalog.
func named(all []Service) []Service {
	times := map[string]int{}
	for _, s := range all {
		times[slug(s.Telemetry)]++
	}
	taken := map[string]bool{}
	for i := range all {
		s := &all[i]
		name := slug(s.Telemetry)
		if times[name] > 1 && len(s.Match) > 1 {
			name = slug(s.Match[1].Value + "-" + name)
		}
		s.Name = name
		for n := 2; taken[s.Name]; n++ {
			s.Name = fmt.Sprintf("%s-%d", name, n)
		}
		taken[s.Name] = true
	}
	return all
}

// slug makes a DNS label of at most 48 characters: the part behind the last slash of "shop/checkout", without what
// Traefik puts behind an @, a URL without its scheme.
func slug(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	} else if i := strings.LastIndexByte(s, '/'); i >= 0 && i+1 < len(s) {
		s = s[i+1:]
	}
	s, _, _ = strings.Cut(s, "@")
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if n := b.Len(); n > 0 && b.String()[n-1] != '-' {
			b.WriteByte('-')
		}
	}
	out := b.String()
	out = strings.Trim(out[:min(len(out), 48)], "-")
	if out == "" {
		return "service"
	}
	return out
}

// density is the window of rates: four times the usual distance of samples, 1 to 10 minutes.
func (a *Assessment) density(ctx context.Context, q *asker) time.Duration {
	for _, s := range a.Services {
		vec, err := q.at(ctx, fmt.Sprintf("quantile(0.5, count_over_time(%s[10m]))", s.selector(s.Convention.Total)), a.To)
		if err != nil || len(vec) == 0 || vec[0].F < 1 {
			continue
		}
		every := time.Duration(float64(10*time.Minute) / vec[0].F)
		return min(max((4*every).Round(time.Minute), time.Minute), 10*time.Minute)
	}
	return 5 * time.Minute
}
