package assess

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"math"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

//go:embed report.html
var reportText string

var reportPage = template.Must(template.New("report").Parse(reportText))

// htmlTable is one table of the report.
type htmlTable struct {
	ID, Title, Note string
	Head            []string
	Rows            [][]string
	Right           int // columns from the second on that hold numbers
	More            int // rows left out
}

// strip is the budget that each day of an objective spent.
type strip struct {
	Name, Target, Attained, Spent, Pages, Why string
	Hot                                       bool
	Days                                      []dayBar
	Width                                     int
}

type dayBar struct {
	X, Y, H float64
	Class   string
	Text    string
}

// HTML is the report as one page that needs nothing else.
func (a *Assessment) HTML() ([]byte, error) {
	tables := []htmlTable{
		{ID: "paged", Title: "What would have paged", Head: []string{"Objective", "From (UTC)", "For", "Bad events", "Budget", "Alerts that fired"}, Rows: a.burnRows(slo.Page), Right: 4,
			Note: "Each row is a stretch in which the drafted objective burned fast enough to wake somebody. Budget is the share of 28 days that it cost."},
		{ID: "tickets", Title: "What would have opened a ticket", Head: []string{"Objective", "From (UTC)", "For", "Bad events", "Budget", "Alerts that fired"}, Rows: a.burnRows(slo.Ticket), Right: 4},
		{ID: "alerts", Title: "The alerts that are there", Head: []string{"Alert", "Fired", "With a burning budget", "Half within", "Lacks", "Judgement"}, Rows: a.alertRows(), Right: 3},
		{ID: "policies", Title: "Alert policies compared", Head: []string{"Policy", "Pages a week"}, Rows: a.policyRows(), Right: 1, Note: "All drafted objectives together, over the same history."},
		{ID: "services", Title: "Services", Head: []string{"Service", "Found by", "Requests a second"}, Rows: a.serviceRows()},
	}
	for i := range tables {
		t := &tables[i]
		t.More = max(0, len(t.Rows)-maxRows)
		t.Rows = t.Rows[:len(t.Rows)-t.More]
	}
	var b bytes.Buffer
	err := reportPage.Execute(&b, map[string]any{
		"Address": a.Address, "Period": a.period(), "Summary": a.Summary(),
		"Findings": a.Findings, "Strips": a.strips(), "Tables": tables, "Method": a.method(), "LeftOut": a.LeftOut,
	})
	if err != nil {
		return nil, fmt.Errorf("write report: %w", err)
	}
	return b.Bytes(), nil
}

func (a *Assessment) strips() []strip {
	var out []strip
	for _, d := range a.Drafts {
		s := strip{Name: d.Objective.Name, Target: percent(d.Objective.Target), Attained: kit.Percent(d.Attained, 3), Spent: kit.Share(d.Consumed),
			Pages: kit.Number(round1(d.pagesAWeek())), Why: d.Why, Hot: d.Consumed >= 1, Width: 6 * len(d.Days)}
		for i, share := range d.Days {
			s.Days = append(s.Days, bar(i, share, a.when().Day(a.From.AddDate(0, 0, i))))
		}
		out = append(out, s)
	}
	return out
}

// bar is a day, 30 high when it spent a fifth of the budget or more; a day at the sustainable pace is 1/28.
func bar(i int, share float64, day string) dayBar {
	b := dayBar{X: float64(i) * 6, H: 1, Y: 29, Class: "ok"}
	switch {
	case math.IsNaN(share):
		b.Class, b.Text = "none", day+": no data"
		return b
	case share > 0.1:
		b.Class = "bad"
	case share > 1.0/28:
		b.Class = "warn"
	}
	b.H = math.Round(max(1, min(30, 30*share/0.2))*10) / 10
	b.Y = 30 - b.H
	b.Text = day + ": " + kit.Share(share) + " of the budget"
	return b
}
