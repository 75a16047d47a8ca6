package pages

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/incident"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/trace"
	"evenkeel.dev/evenkeel/internal/web"
)

// serviceState is how a service stands by its objectives: the worst speaks for it.
type serviceState struct {
	objectives int
	state      web.State
	worst      *web.Objective
	left       float64
	burn       float64
}

// order puts the worst state first.
var order = []web.State{web.Paging, web.Spent, web.Ticketed, web.Burning, web.NoData, web.Young, web.Steady, web.Paused, web.Unset}

func worse(a, b web.State) bool { return slices.Index(order, a) < slices.Index(order, b) }

func (d *Desk) services(context.Context) ([]web.Service, error) {
	states, traffic := d.stands().services, d.traffic()
	var out []web.Service
	for _, e := range d.directory().Catalog.OfKind("Component") {
		out = append(out, d.serviceOf(e, states[e.Ref], traffic))
	}
	return out, nil
}

// traffic is what the traces of the last five minutes showed, by component.
func (d *Desk) traffic() map[estate.Ref]trace.Service {
	cat := d.directory().Catalog
	out := map[estate.Ref]trace.Service{}
	for _, s := range d.Traces.Services(d.Now(), 5*time.Minute) {
		if e, ok := cat.Service(s.Name); ok && s.Calls > out[e.Ref].Calls {
			out[e.Ref] = s
		}
	}
	return out
}

func (d *Desk) serviceOf(e estate.Entity, s serviceState, traffic map[estate.Ref]trace.Service) web.Service {
	dir := d.directory()
	out := web.Service{Name: e.Ref.Short(), Title: e.Title, Owner: handle(e.Owner), System: e.System.Name(), Lifecycle: e.Lifecycle,
		Tier: dir.Catalog.Tier(e.Ref, dir.Config.DefaultTier()), State: web.Unset, Objectives: s.objectives, Left: nan, Burn: nan, Rate: nan, Errors: nan, P95: nan}
	if s.objectives > 0 {
		out.State, out.Worst, out.Left, out.Burn, out.Days = s.state, s.worst.Name, s.left, s.burn, s.worst.Days
	}
	if t, ok := traffic[e.Ref]; ok {
		out.Rate, out.Errors, out.P95 = t.Rate, t.ErrorRatio(), t.P95.Seconds()
	}
	return out
}

func (d *Desk) service(ctx context.Context, ask web.ServiceAsk) (web.ServiceDetail, error) {
	dir := d.directory()
	e, ok := dir.Catalog.Service(ask.Name)
	if !ok {
		return web.ServiceDetail{}, kit.Errorf(kit.NotFound, "service %s is not in the catalog", ask.Name)
	}
	traffic := d.traffic()
	out := web.ServiceDetail{Service: d.serviceOf(e, d.stands().services[e.Ref], traffic), Description: e.Description, Kind: e.Kind, Type: e.Type,
		OnCall: onCall(dir.Catalog.OnCallFor(e.Ref)), File: e.File, Line: e.Line, Range: ask.Range,
		Ceiling: ceilingOf(dir.Catalog, e.Ref, dir.Targets())}
	if out.Range.From.IsZero() {
		to := d.Now().Truncate(time.Minute)
		out.Range = kit.Range{From: to.Add(-6 * time.Hour), To: to}
	}
	if t, ok := traffic[e.Ref]; ok {
		out.Version = t.Version
	}
	for _, l := range e.Links {
		out.Links = append(out.Links, web.Link{Title: l.Title, Href: l.URL})
	}
	var names []string
	for _, o := range d.stands().of[e.Ref] {
		out.Objectives = append(out.Objectives, *o)
		names = append(names, o.Name)
	}
	out.Changes = d.changesIn(e.Ref, out.Range)
	var err error
	if out.Incidents, err = d.incidentsIn(ctx, e.Ref.Short(), names, out.Range); err != nil {
		return web.ServiceDetail{}, err
	}
	out.Graph = d.around(e.Ref)
	d.red(ctx, &out, e)
	found, err := d.Ledger.Find(ctx, ledger.Filter{About: event.NewRef("service", e.Name), Limit: 10})
	if err != nil {
		return web.ServiceDetail{}, err
	}
	out.Facts = found.Events
	return out, nil
}

// signal is one way in which telemetry shows requests: a counter, the same of failed ones, a classic histogram of seconds.
type signal struct{ calls, failed, buckets string }

// signals are the ways that are looked for; %s stands for the matcher of the service. What a service says of itself goes
// back further than what its traces were reduced to since they were sent here.
var signals = []signal{
	{`http_server_request_duration_seconds_count{%s}`, `http_server_request_duration_seconds_count{%s,http_response_status_code=~"5.."}`, `http_server_request_duration_seconds_bucket{%s}`},
	{`traces_span_metrics_calls_total{%s,span_kind=~"SPAN_KIND_(SERVER|CONSUMER)"}`, `traces_span_metrics_calls_total{%s,span_kind=~"SPAN_KIND_(SERVER|CONSUMER)",status_code="STATUS_CODE_ERROR"}`,
		`traces_span_metrics_duration_seconds_bucket{%s,span_kind=~"SPAN_KIND_(SERVER|CONSUMER)"}`},
}

// red fills rate, errors and latency from the way that shows most of the range. A source that does not answer leaves them
// empty.
func (d *Desk) red(ctx context.Context, out *web.ServiceDetail, e estate.Entity) {
	if d.Metrics == nil {
		return
	}
	step := max(15*time.Second, out.Range.Len()/240).Round(15 * time.Second)
	job := fmt.Sprintf(`job=~"(.+/)?(%s)"`, strings.Join(telemetryNames(e), "|"))
	w := fmt.Sprintf("%ds", max(int(step.Seconds()), 120))
	ask := func(expr string) web.Track {
		a, err := d.query(ctx, web.QueryAsk{Expr: expr, Range: out.Range, Step: step})
		if err != nil || len(a.Series) == 0 {
			return web.Track{}
		}
		return a.Series[0].Track
	}
	var best signal
	for _, s := range signals {
		rate := ask(fmt.Sprintf(`sum(rate(%s[%s]))`, fmt.Sprintf(s.calls, job), w))
		if known(rate) > known(out.Rate) {
			best, out.Rate = s, rate
		}
	}
	if best.calls == "" {
		return
	}
	calls, failed, buckets := fmt.Sprintf(best.calls, job), fmt.Sprintf(best.failed, job), fmt.Sprintf(best.buckets, job)
	out.Errors = ask(fmt.Sprintf(`(sum(rate(%s[%s])) or 0 * sum(rate(%s[%s]))) / sum(rate(%s[%s]))`, failed, w, calls, w, calls, w))
	for _, q := range []float64{0.5, 0.95, 0.99} {
		t := ask(fmt.Sprintf(`histogram_quantile(%v, sum by (le) (rate(%s[%s])))`, q, buckets, w))
		if len(t.V) > 0 {
			out.Latency = append(out.Latency, web.Quantile{Q: q, Track: t})
		}
	}
}

// known is how many values of a track there are.
func known(t web.Track) (n int) {
	for _, v := range t.V {
		if !math.IsNaN(v) {
			n++
		}
	}
	return n
}

// telemetryNames are the names under which telemetry shows an entity, ready for a regular expression.
func telemetryNames(e estate.Entity) []string {
	names := e.ServiceNames
	if len(names) == 0 {
		names = []string{e.Name}
	}
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ReplaceAll(quoteMeta(n), `\`, `\\`)
	}
	return out
}

// changesIn are the deploys of one service in a range, newest last.
func (d *Desk) changesIn(ref estate.Ref, r kit.Range) []web.Change {
	if d.Changes == nil {
		return nil
	}
	var out []web.Change
	for _, c := range d.Changes() {
		if e, ok := d.directory().Catalog.Service(c.Service); ok && e.Ref == ref && r.Contains(c.At) {
			out = append(out, c.Change)
		}
	}
	return out
}

// label is an incident's id as people know it; one that was made here says nothing.
func label(id string) string {
	if len(id) > 20 {
		return "incident"
	}
	return id
}

// incidentsIn are the incidents that hurt a service, or should have paged one of some objectives, and touch a range.
func (d *Desk) incidentsIn(ctx context.Context, service string, objectives []string, r kit.Range) ([]web.Incident, error) {
	known, err := incident.Known(ctx, d.Ledger, d.directory())
	var out []web.Incident
	for _, i := range known {
		named := slices.ContainsFunc(i.SLOs, func(slo string) bool { return slices.Contains(objectives, slo) })
		to := i.End(d.Now())
		if (named || i.Hurts(service)) && i.From.Before(r.To) && to.After(r.From) {
			out = append(out, web.Incident{Range: kit.Range{From: i.From, To: to}, Label: label(i.ID)})
		}
	}
	return out, err
}
