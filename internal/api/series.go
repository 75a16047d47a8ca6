package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/migrate"
	"evenkeel.dev/evenkeel/internal/projection"
)

// SLOSeries is an objective's past, one point a step.
type SLOSeries struct {
	Name   string     `json:"name"`
	Group  string     `json:"group,omitempty"`
	From   time.Time  `json:"from"`
	To     time.Time  `json:"to"`
	StepS  int64      `json:"stepS"`
	BurnsS []int64    `json:"burnsS" doc:"Windows of the burn rates, seconds"`
	Points []SLOPoint `json:"points"`
}

// SLOPoint is a budget at an instant, and what was counted in the step that ends there.
type SLOPoint struct {
	At        time.Time `json:"at"`
	Remaining float64   `json:"remaining" doc:"Share of the budget left"`
	SLI       *float64  `json:"sli" doc:"Over the budget window; null without events"`
	Bad       float64   `json:"bad"`
	Total     float64   `json:"total"`
	ValidS    float64   `json:"validS"`
	Burn      []float64 `json:"burn"`
}

// SLOCorrection is one correction of a budget.
type SLOCorrection struct {
	ID      string     `json:"id"`
	From    time.Time  `json:"from"`
	To      time.Time  `json:"to"`
	Effect  string     `json:"effect"`
	By      string     `json:"by"`
	Seen    time.Time  `json:"seen"`
	Seq     int64      `json:"seq" doc:"Of its fact, which has the reason"`
	Revoked *time.Time `json:"revoked" doc:"null while it holds"`
}

const (
	maxPoints = 2000
	maxBurns  = 8
)

type seriesIn struct {
	Conditional
	Name  string   `path:"name"`
	Group string   `query:"group" doc:"Key of a group; the one with the least budget when left out"`
	From  string   `query:"from" doc:"RFC 3339, a day, or an age; default 7 days before to"`
	To    string   `query:"to" doc:"Default now"`
	Step  string   `query:"step" doc:"Such as 5m; default makes about 200 points"`
	Burn  []string `query:"burn" doc:"Windows whose burn rates are wanted, such as 1h,6h; at most 8"`
}

func (s *server) series(ctx context.Context, in *seriesIn) (*one[SLOSeries], error) {
	snap := s.snapshot()
	o := snap.Find(in.Name)
	if o == nil {
		return nil, noSLO(in.Name)
	}
	group, err := groupOf(o, "query.group", in.Group)
	if err != nil {
		return nil, err
	}
	now := snap.At
	if now.IsZero() {
		now = s.Now().Truncate(time.Minute)
	}
	r, err := span(in.From, in.To, 7*24*time.Hour, now)
	if err != nil {
		return nil, err
	}
	step := max(time.Minute, (r.Len() / 200).Truncate(time.Minute))
	if in.Step != "" {
		if step, err = kit.ParseSpan(in.Step); err != nil || step < time.Minute || step%time.Minute != 0 {
			return nil, queryError("step", fmt.Errorf("write whole minutes, such as 5m"))
		}
	}
	if n := int(r.Len() / step); n > maxPoints {
		return nil, queryError("step", fmt.Errorf("makes %d points; at most %d, so use %s or more", n, maxPoints, kit.Duration((r.Len()/maxPoints).Truncate(time.Minute)+time.Minute)))
	}
	burns, err := burnWindows(in.Burn)
	if err != nil {
		return nil, err
	}
	got, err := s.Budget.Series(ctx, in.Name, group, r.From, r.To, step, burns...)
	if err != nil {
		return nil, err
	}
	out := SLOSeries{Name: in.Name, Group: group, From: r.From, To: r.To, StepS: int64(got.Step.Seconds()), BurnsS: []int64{}, Points: []SLOPoint{}}
	for _, b := range got.Burns {
		out.BurnsS = append(out.BurnsS, int64(b.Seconds()))
	}
	for _, p := range got.Points {
		out.Points = append(out.Points, SLOPoint{At: p.At, Remaining: p.Remaining, SLI: p.SLI, Bad: p.Bad, Total: p.Total, ValidS: p.ValidS, Burn: append([]float64{}, p.Burn...)})
	}
	return tagged(in.Conditional, out)
}

// groupOf is the key of the group that is meant: the one named in a field, else the one with the least budget.
func groupOf(o *budget.Status, field, asked string) (string, error) {
	worst := o.Worst()
	if worst == nil {
		return "", &kit.Error{Code: kit.Conflict, Msg: "objective " + o.Objective.Name + " has no samples yet, so nothing was counted", Hint: "check its queries and that its source sends"}
	}
	if asked == "" {
		return worst.Key, nil
	}
	var keys []string
	for _, g := range o.Groups {
		if g.Key == asked {
			return asked, nil
		}
		keys = append(keys, g.Key)
	}
	return "", fieldError(field, fmt.Errorf("%s is no group of %s; it has %s", asked, o.Objective.Name, strings.Join(keys[:min(len(keys), 10)], ", ")))
}

func burnWindows(texts []string) ([]time.Duration, error) {
	if len(texts) > maxBurns {
		return nil, queryError("burn", fmt.Errorf("names %d windows; at most %d", len(texts), maxBurns))
	}
	var out []time.Duration
	for _, t := range texts {
		d, err := kit.ParseSpan(t)
		if err != nil || d < time.Minute || d > 90*24*time.Hour {
			return nil, queryError("burn", fmt.Errorf("%q is no window; write lengths of 1m to 90d, such as 1h,6h", t))
		}
		out = append(out, d)
	}
	return out, nil
}

func (s *server) corrections(ctx context.Context, in *oneSLOIn) (*one[[]SLOCorrection], error) {
	if s.snapshot().Find(in.Name) == nil {
		return nil, noSLO(in.Name)
	}
	list, err := projection.CorrectionsOf(ctx, s.Ledger.DB().Read(), in.Name)
	if err != nil {
		return nil, err
	}
	out := []SLOCorrection{}
	for _, c := range list {
		out = append(out, SLOCorrection{ID: c.ID, From: c.From, To: c.To, Effect: c.Effect, By: c.By, Seen: c.Seen, Seq: c.Seq, Revoked: moment(c.Revoked)})
	}
	return tagged(in.Conditional, out)
}

func noSLO(name string) error {
	return &kit.Error{Code: kit.NotFound, Msg: "objective " + name + " does not exist", Hint: "GET /api/v1/slos lists those that do"}
}

type exportSLOIn struct {
	As   string   `query:"as" enum:"openslo,rules" default:"openslo" doc:"openslo: OpenSLO v1, without loss; rules: a Prometheus rule file"`
	Name []string `query:"name" maxItems:"1000" doc:"Only these; all when left out"`
}

func (s *server) exportSLOs(_ context.Context, in *exportSLOIn) (*huma.StreamResponse, error) {
	var chosen []slo.Objective
	all := s.Directory().Objectives
	for _, name := range in.Name {
		i := slices.IndexFunc(all, func(o slo.Objective) bool { return o.Name == name })
		if i < 0 {
			return nil, noSLO(name)
		}
		chosen = append(chosen, all[i])
	}
	if len(in.Name) == 0 {
		chosen = all
	}
	var body []byte
	var err error
	if in.As == "rules" {
		body, _ = migrate.WriteRules(chosen)
	} else {
		body, err = migrate.WriteOpenSLO(chosen)
	}
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/yaml")
		_, _ = hc.BodyWriter().Write(body) // a reader that went away is no failure of ours
	}}, nil
}
