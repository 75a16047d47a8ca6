package metric

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	promconfig "github.com/prometheus/common/config"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/annotations"

	"evenkeel.dev/evenkeel/internal/kit"
)

// RemoteOptions say which metric store to use and how. Zero values are the defaults that the comments name.
type RemoteOptions struct {
	URL      string // "http://prometheus:9090", "https://mimir/prometheus"; /api/v1/... is added
	WriteURL string // remote write endpoint for telemetry pushed to us; "" = refuse it with a reason
	Auth     Auth

	Timeout  time.Duration // of one request, its body included; 0 = 30 s
	MaxBytes int64         // of one answer, unpacked; 0 = 64 MiB
	Requests int           // at once; 0 = 8
	Log      *slog.Logger
}

// Remote is a Source over the HTTP API of a server that exists already: Prometheus, Mimir, Thanos, VictoriaMetrics.
// Every question is bounded in time and bytes, redirects are not followed, and an answer that makes no sense is
// an error.
type Remote struct {
	opt    RemoteOptions
	base   *url.URL
	client *http.Client
	turns  turnstile
	parsed selectors
	otlp   converters
}

// NewRemote prepares the source; it does not talk to the server yet. A wrong URL or setting is kit.Invalid.
func NewRemote(o RemoteOptions) (*Remote, error) {
	orDefault(&o.Timeout, 30*time.Second)
	orDefault(&o.MaxBytes, 64<<20)
	orDefault(&o.Requests, 8)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	base, err := serverURL("metrics.url", o.URL)
	if err != nil {
		return nil, err
	}
	base.Path = strings.TrimSuffix(strings.TrimSuffix(base.Path, "/"), "/api/v1")
	if o.WriteURL != "" {
		if _, err := serverURL("metrics.write_url", o.WriteURL); err != nil {
			return nil, err
		}
	}
	cfg, err := o.Auth.config()
	if err != nil {
		return nil, kit.Errorf(kit.Invalid, "metrics: %w", err)
	}
	client, err := promconfig.NewClientFromConfig(cfg, "metrics")
	if err != nil {
		return nil, kit.Errorf(kit.Invalid, "metrics: %w", err)
	}
	r := &Remote{opt: o, base: base, client: client, turns: newTurnstile(o.Requests)}
	r.parsed.parser = parser.NewParser(parser.Options{})
	return r, nil
}

func serverURL(setting, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, kit.Errorf(kit.Invalid, "%s: not a URL", setting)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, kit.Errorf(kit.Invalid, "%s: %q must be like http://host:9090", setting, u.Redacted())
	}
	return u, nil
}

// Server is what a metric server says about itself.
type Server struct {
	Version     string `json:"version"`
	Application string `json:"application"` // "Grafana Mimir"; empty for Prometheus
}

// Ping asks the server for its build information: whether it is there, speaks the API and lets us in.
func (r *Remote) Ping(ctx context.Context) (Server, error) {
	var s Server
	_, err := r.get(ctx, "status/buildinfo", nil, &s)
	return s, err
}

// Query implements Source.
func (r *Remote) Query(ctx context.Context, expr string, at time.Time) (parser.Value, annotations.Annotations, error) {
	var res result
	warn, err := r.post(ctx, "query", url.Values{"query": {expr}, "time": {unixText(at.UnixMilli())}}, &res)
	if err != nil {
		return nil, warn, err
	}
	v, err := res.value()
	return v, warn, r.nonsense("query", err)
}

// QueryRange implements Source.
func (r *Remote) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) (promql.Matrix, error) {
	if err := checkRange(from, to, step); err != nil {
		return nil, err
	}
	var res result
	_, err := r.post(ctx, "query_range", url.Values{"query": {expr}, "start": {unixText(from.UnixMilli())},
		"end": {unixText(to.UnixMilli())}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)}}, &res)
	if err != nil {
		return nil, err
	}
	m, err := res.matrix()
	return m, r.nonsense("query_range", err)
}

// Series implements Source.
func (r *Remote) Series(ctx context.Context, sel []string, from, to time.Time) ([]labels.Labels, error) {
	if len(sel) == 0 {
		return nil, nil
	}
	var found []map[string]string
	if _, err := r.post(ctx, "series", between(url.Values{"match[]": sel}, from, to), &found); err != nil {
		return nil, err
	}
	out := make([]labels.Labels, len(found))
	for i, m := range found {
		out[i] = labels.FromMap(m)
	}
	slices.SortFunc(out, labels.Compare)
	return out, nil
}

// LabelNames implements Source.
func (r *Remote) LabelNames(ctx context.Context, sel []string, from, to time.Time) ([]string, error) {
	var out []string
	_, err := r.post(ctx, "labels", between(url.Values{"match[]": sel}, from, to), &out)
	slices.Sort(out)
	return out, err
}

// LabelValues implements Source.
func (r *Remote) LabelValues(ctx context.Context, name string, sel []string, from, to time.Time) ([]string, error) {
	var out []string
	_, err := r.get(ctx, "label/"+url.PathEscape(name)+"/values", between(url.Values{"match[]": sel}, from, to), &out)
	slices.Sort(out)
	return out, err
}

// Metadata implements Source.
func (r *Remote) Metadata(ctx context.Context, metric string) (map[string][]Metadata, error) {
	q := url.Values{}
	if metric != "" {
		q.Set("metric", metric)
	}
	out := map[string][]Metadata{}
	_, err := r.get(ctx, "metadata", q, &out)
	return out, err
}

func between(q url.Values, from, to time.Time) url.Values {
	q.Set("start", unixText(from.UnixMilli()))
	q.Set("end", unixText(to.UnixMilli()))
	return q
}

// unixText writes milliseconds as the API reads times: seconds with a fraction.
func unixText(ms int64) string { return fmt.Sprintf("%.3f", float64(ms)/1000) }
