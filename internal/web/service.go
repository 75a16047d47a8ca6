package web

import (
	"context"
	"html/template"
	"math"
	"net/http"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/chart"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/live"
)

var servicePage = Page{
	Route: "GET /services/{name}", Tmpl: "service.html", View: serviceView{}, Needs: Read,
	Has:  func(s Sources) bool { return s.Service != nil },
	Live: []event.Kind{live.Round, "alert.fired", "alert.ended", "catalog.applied", "dependency.observed"},
	Load: loadService,
}

type serviceView struct {
	Base
	ServiceDetail
	Rows     []objectiveRow
	Ranges   []rangeLink
	Charts   signalCharts
	Drawing  template.HTML
	FileHref string
	Log      []logLine
	Explore  string
}

type signalCharts struct {
	Rate, Errors, Latency template.HTML
}

func loadService(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := serviceView{Base: base(ctx, s, r)}
	rng, err := v.rangeOf(6 * time.Hour)
	if err != nil {
		return nil, err
	}
	if v.ServiceDetail, err = s.Service(ctx, ServiceAsk{Name: r.PathValue("name"), Range: rng}); err != nil {
		return nil, err
	}
	d := v.ServiceDetail
	if d.Range.From.IsZero() {
		d.Range = rng
	}
	objectives := append([]Objective(nil), d.Objectives...)
	sortObjectives(objectives, "state", false)
	for _, o := range objectives {
		v.Rows = append(v.Rows, rowOf(v.When, o))
	}
	v.Ranges = v.rangeLinks(d.Range, "1h", "6h", "1d", "7d", "28d")
	v.Charts = drawSignals(v.When, d)
	v.Drawing = drawGraph(d.Graph, neighbourhood(d.Graph, d.Name), d.Name, "Callers and dependencies of "+d.Name)
	v.FileHref = fileHref(d.File, d.Line)
	for _, e := range d.Facts {
		v.Log = append(v.Log, logLine{At: e.At, Words: sayFact(v.When, e), Seq: e.Seq})
	}
	return v, nil
}

// drawSignals are the golden signals that requests show.
func drawSignals(w kit.When, d ServiceDetail) signalCharts {
	over := days(w, d.Range)
	plot := func(id, what, unit string, label func(float64) string, log bool, lines ...chart.Series) template.HTML {
		p := chart.Plot{ID: id, What: what, Unit: unit, Over: over, Title: what + " of " + d.Name, From: d.Range.From, To: d.Range.To, When: w, Height: 96, Slim: true,
			Y: chart.Axis{Zero: true, Log: log, Label: label, Cap: 1}, Series: lines}
		p.Finding = finding(label, lines)
		heads := make([]string, len(lines))
		for i, l := range lines {
			heads[i] = l.Name
		}
		if len(lines) > 0 {
			p.Table = trackTable(w, "Time", Track{lines[0].From, lines[0].Step, lines[0].V}, heads, func(i int) []string {
				row := make([]string, len(lines))
				for j, l := range lines {
					if row[j] = "no data"; i < len(l.V) && !math.IsNaN(l.V[i]) {
						row[j] = label(l.V[i])
					}
				}
				return row
			})
		}
		return decorate(p, w, ObjectiveDetail{Incidents: d.Incidents, Changes: d.Changes}).HTML()
	}
	rate, errors := series("Requests", d.Rate), series("Errors", d.Errors)
	rate.Keep, errors.Keep = chart.KeepMean, chart.KeepMax
	var latency []chart.Series
	for i, q := range d.Latency {
		l := series("p"+strings.TrimPrefix(kit.Number(q.Q*100), ""), q.Track)
		l.End, l.Dash, l.Keep = l.Name, i > 0, chart.KeepMax
		latency = append(latency, l)
	}
	return signalCharts{
		Rate:    plot("c-rate", "Rate", "requests a second", kit.Number, false, rate),
		Errors:  plot("c-errors", "Errors", "% of requests, log scale", kit.Share, true, errors),
		Latency: plot("c-latency", "Latency", "by quantile", seconds, false, latency...),
	}
}

// finding says the first line's last value and its highest.
func finding(label func(float64) string, lines []chart.Series) string {
	if len(lines) == 0 {
		return "No data in this range."
	}
	last, high := math.NaN(), math.NaN()
	for _, v := range lines[0].V {
		if math.IsNaN(v) {
			continue
		}
		last = v
		if math.IsNaN(high) || v > high {
			high = v
		}
	}
	if math.IsNaN(last) {
		return "No data in this range."
	}
	return label(last) + " at the end, at most " + label(high) + "."
}

// seconds prints a latency.
func seconds(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	if v == 0 {
		return "0"
	}
	switch v = digits(v, 3); {
	case v < 0.001:
		return kit.Number(v*1e6) + "\u00a0µs"
	case v < 1:
		return kit.Number(v*1e3) + "\u00a0ms"
	}
	return kit.Number(v) + "\u00a0s"
}

// digits rounds to n significant digits.
func digits(v float64, n int) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return v
	}
	scale := math.Pow10(n - 1 - int(math.Floor(math.Log10(math.Abs(v)))))
	return math.Round(v*scale) / scale
}
