package pages

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/web"
)

const (
	maxSeries  = 200            // shown of one answer
	lookBehind = 24 * time.Hour // for names and labels to complete
)

func (d *Desk) query(ctx context.Context, ask web.QueryAsk) (web.QueryAnswer, error) {
	began := d.Now()
	var out web.QueryAnswer
	var err error
	if ask.Range.From.Equal(ask.Range.To) {
		out, err = d.instant(ctx, ask)
	} else {
		out, err = d.overTime(ctx, ask)
	}
	if err != nil {
		return web.QueryAnswer{}, err
	}
	if len(out.Series) > maxSeries {
		out.Cut = len(out.Series) - maxSeries
		out.Series = out.Series[:maxSeries]
	}
	out.Took = d.Now().Sub(began)
	return out, nil
}

func (d *Desk) instant(ctx context.Context, ask web.QueryAsk) (web.QueryAnswer, error) {
	v, notes, err := d.Metrics.Query(ctx, ask.Expr, ask.Range.To)
	if err != nil {
		return web.QueryAnswer{}, err
	}
	var out web.QueryAnswer
	for _, w := range notes {
		out.Warnings = append(out.Warnings, w.Error())
	}
	switch v := v.(type) {
	case promql.Vector:
		for _, s := range v {
			out.Series = append(out.Series, one(s.Metric, ask.Range.To, s.F))
		}
	case promql.Scalar:
		out.Scalar = true
		out.Series = []web.QuerySeries{one(labels.EmptyLabels(), ask.Range.To, v.V)}
	case promql.Matrix:
		for _, s := range v {
			if n := len(s.Floats); n > 0 {
				out.Series = append(out.Series, one(s.Metric, time.UnixMilli(s.Floats[n-1].T), s.Floats[n-1].F))
			}
		}
	default:
		return out, kit.Errorf(kit.Invalid, "the expression gives a %s, which has no chart", v.Type())
	}
	out.Samples = int64(len(out.Series))
	return out, nil
}

func one(m labels.Labels, at time.Time, v float64) web.QuerySeries {
	return web.QuerySeries{Labels: pairs(m), Track: web.Track{From: at, V: []float64{v}}}
}

func (d *Desk) overTime(ctx context.Context, ask web.QueryAsk) (web.QueryAnswer, error) {
	m, err := d.Metrics.QueryRange(ctx, ask.Expr, ask.Range.From, ask.Range.To, ask.Step)
	if err != nil {
		return web.QueryAnswer{}, err
	}
	n := int(ask.Range.Len()/ask.Step) + 1
	var out web.QueryAnswer
	for _, s := range m {
		q := web.QuerySeries{Labels: pairs(s.Metric), Track: web.Track{From: ask.Range.From, Step: ask.Step, V: make([]float64, n)}}
		for i := range q.V {
			q.V[i] = math.NaN()
		}
		for _, p := range s.Floats {
			if i := int((p.T - ask.Range.From.UnixMilli()) / ask.Step.Milliseconds()); i >= 0 && i < n {
				q.V[i] = p.F
			}
		}
		for _, p := range s.Histograms { // a histogram is drawn as its count
			if i := int((p.T - ask.Range.From.UnixMilli()) / ask.Step.Milliseconds()); i >= 0 && i < n {
				q.V[i] = p.H.Count
			}
		}
		out.Samples += int64(len(s.Floats) + len(s.Histograms))
		out.Series = append(out.Series, q)
	}
	return out, nil
}

func pairs(m labels.Labels) []kit.Label {
	var out []kit.Label
	m.Range(func(l labels.Label) { out = append(out, kit.Label{Name: l.Name, Value: l.Value}) })
	return out
}

func (d *Desk) names(ctx context.Context, prefix string, limit int) ([]web.MetricName, error) {
	now := d.Now()
	all, err := d.Metrics.LabelValues(ctx, "__name__", nil, now.Add(-lookBehind), now)
	if err != nil {
		return nil, err
	}
	meta, err := d.Metrics.Metadata(ctx, "")
	if err != nil {
		meta = nil // names alone serve as well
	}
	var out []web.MetricName
	for _, name := range all {
		if !strings.Contains(name, prefix) {
			continue
		}
		m := web.MetricName{Name: name}
		if about := meta[family(name, meta)]; len(about) > 0 {
			m.Type, m.Help = about[0].Type, about[0].Help
		}
		if out = append(out, m); len(out) == limit {
			break
		}
	}
	return out, nil
}

// family is the metric family that a series name belongs to.
func family[V any](name string, meta map[string][]V) string {
	for _, suffix := range []string{"", "_total", "_bucket", "_count", "_sum"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			if _, known := meta[base]; known {
				return base
			}
		}
	}
	return name
}

func (d *Desk) labels(ctx context.Context, metric, label string, limit int) ([]string, error) {
	now := d.Now()
	var sel []string
	if metric != "" {
		sel = []string{fmt.Sprintf("{__name__=%q}", metric)}
	}
	var out []string
	var err error
	if label == "" {
		out, err = d.Metrics.LabelNames(ctx, sel, now.Add(-lookBehind), now)
	} else {
		out, err = d.Metrics.LabelValues(ctx, label, sel, now.Add(-lookBehind), now)
	}
	if err != nil {
		return nil, err
	}
	return slices.Clip(out[:min(limit, len(out))]), nil
}
