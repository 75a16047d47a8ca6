package web

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/chart"
	"evenkeel.dev/evenkeel/internal/kit"
)

var explorePage = Page{
	Route: "GET /explore", Group: "Watch", Nav: "Explore", Key: "e", Tmpl: "explore.html", View: exploreView{}, Needs: QueryMetrics,
	Has:  func(s Sources) bool { return s.Query != nil },
	Load: loadExplore,
}

type exploreView struct {
	Base
	Expr     string
	Range    kit.Range
	Step     time.Duration
	Ranges   []rangeLink
	Text     string // of ?range=
	Chart    template.HTML
	Rows     []exploreRow
	More     int // series left out of the table
	Drawn    int
	Answer   QueryAnswer
	Wrong    string
	Asked    bool
	Examples []option
	Metrics  int
}

// exploreRow is one series with its figures.
type exploreRow struct {
	Color                string
	Name                 string
	Last, Low, High, Avg float64
	Points               int
}

// What Explore shows at most.
const (
	drawnSeries  = 6
	listedSeries = 200
	exprLimit    = 8 << 10
)

func loadExplore(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := exploreView{Base: base(ctx, s, r)}
	v.Expr, v.Text = strings.TrimSpace(v.Query("expr")), cmp.Or(v.Query("range"), "6h")
	var err error
	if v.Range, err = v.rangeOf(6 * time.Hour); err != nil {
		v.Wrong = sentenceOf(err)
		v.Range = kit.Range{From: v.When.Now.Add(-6 * time.Hour), To: v.When.Now}
	}
	v.Ranges = v.rangeLinks(v.Range, "1h", "6h", "1d", "7d", "28d")
	v.Step = stepFor(v.Range.Len())
	v.Asked = v.Expr != ""
	if !v.Asked {
		return v, v.examples(ctx, s)
	}
	if len(v.Expr) > exprLimit {
		v.Wrong = fmt.Sprintf("The expression has %s characters; at most %s are read.", kit.Count(float64(len(v.Expr))), kit.Count(exprLimit))
		return v, nil
	}
	if v.Wrong != "" {
		return v, nil
	}
	v.Answer, err = s.Query(ctx, QueryAsk{Expr: v.Expr, Range: v.Range, Step: v.Step})
	switch {
	case err != nil && kit.CodeOf(err) == kit.Internal:
		return nil, err
	case err != nil:
		v.Wrong = sentenceOf(err)
		return v, nil
	}
	v.list()
	v.Chart = v.draw()
	return v, nil
}

// stepFor gives at most about 340 points, on a round step, at least 15 seconds.
func stepFor(d time.Duration) time.Duration {
	for _, s := range []time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 12 * time.Hour} {
		if d/s <= 340 {
			return s
		}
	}
	return 24 * time.Hour
}

// examples offers something to begin with.
func (v *exploreView) examples(ctx context.Context, s Sources) error {
	if s.Names == nil {
		return nil
	}
	names, err := s.Names(ctx, "", 200)
	if err != nil {
		return nil // the page is of use without them
	}
	v.Metrics = len(names)
	for _, n := range names {
		expr := n.Name
		if n.Type == "counter" || strings.HasSuffix(n.Name, "_total") || strings.HasSuffix(n.Name, "_count") {
			expr = "sum(rate(" + n.Name + "[5m]))"
		} else if strings.HasSuffix(n.Name, "_bucket") {
			expr = "histogram_quantile(0.95, sum by (le) (rate(" + n.Name + "[5m])))"
		}
		if len(v.Examples) < 12 {
			v.Examples = append(v.Examples, option{Value: "/explore?expr=" + url.QueryEscape(expr), Label: expr})
		}
	}
	return nil
}

// list fills the table: the series with the highest last value first.
func (v *exploreView) list() {
	slices.SortStableFunc(v.Answer.Series, func(a, b QuerySeries) int { return -nanLast(a.Last(), b.Last(), true) })
	for i, q := range v.Answer.Series {
		if i == listedSeries {
			v.More = len(v.Answer.Series) - listedSeries
			break
		}
		row := exploreRow{Name: seriesName(q.Labels), Last: q.Last(), Low: math.NaN(), High: math.NaN()}
		if i < drawnSeries {
			row.Color = "s" + string(rune('1'+i))
		}
		sum := 0.0
		for _, x := range q.V {
			if math.IsNaN(x) {
				continue
			}
			row.Points++
			sum += x
			if row.Points == 1 || x < row.Low {
				row.Low = x
			}
			if row.Points == 1 || x > row.High {
				row.High = x
			}
		}
		row.Avg = sum / float64(row.Points)
		v.Rows = append(v.Rows, row)
	}
	v.More += v.Answer.Cut
	v.Drawn = min(len(v.Answer.Series), drawnSeries)
}

// seriesName prints a series the way PromQL writes it.
func seriesName(ls []kit.Label) string {
	name, parts := "", []string{}
	for _, l := range ls {
		if l.Name == "__name__" {
			name = l.Value
			continue
		}
		parts = append(parts, fmt.Sprintf("%s=%q", l.Name, l.Value))
	}
	if len(parts) == 0 {
		return cmp.Or(name, "{}")
	}
	return name + "{" + strings.Join(parts, ", ") + "}"
}

func (v *exploreView) draw() template.HTML {
	if v.Drawn == 0 {
		return ""
	}
	p := chart.Plot{ID: "c-explore", What: "Result", Unit: "every " + kit.Duration(v.Step), Over: days(v.When, v.Range), Title: short(120, v.Expr), From: v.Range.From, To: v.Range.To, When: v.When, Height: 220}
	for i := range v.Drawn {
		q := v.Answer.Series[i]
		s := series(short(60, seriesName(q.Labels)), q.Track)
		s.Dash, s.Lead, s.Keep = i == 1 || i == 2, v.Drawn == 1, chart.KeepLast
		p.Series = append(p.Series, s)
	}
	p.Finding = fmt.Sprintf("%s; the highest ends at %s.", kit.Plural(len(v.Answer.Series)+v.Answer.Cut, "series", "series"), kit.Number(v.Answer.Series[0].Last()))
	heads := make([]string, v.Drawn)
	for i, s := range p.Series {
		heads[i] = s.Name
	}
	p.Table = trackTable(v.When, "Time", v.Answer.Series[0].Track, heads, func(i int) []string {
		row := make([]string, v.Drawn)
		for j := range row {
			if row[j] = "no data"; i < len(p.Series[j].V) && !math.IsNaN(p.Series[j].V[i]) {
				row[j] = kit.Number(p.Series[j].V[i])
			}
		}
		return row
	})
	return p.HTML()
}
