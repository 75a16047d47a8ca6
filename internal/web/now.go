package web

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/live"
)

var nowPage = Page{
	Route: "GET /{$}", Nav: "Now", Key: "n", Icon: "now", Tmpl: "now.html", View: nowView{}, Needs: Read, Load: loadNow,
	Live: []event.Kind{"alert.fired", "alert.ended", "budget.crossed", "budget.corrected", "source.gap", "catalog.applied", "catalog.refused", live.Round},
}

type nowView struct {
	Base
	Sentence string
	Todo     []Todo
	MoreTodo int // that are not shown
	Burning  []objectiveRow
	Burns    int    // how many burn, shown or not
	All      string // objectives in words; "" = none
	Log      []logLine
	Tiers    []tierView
	Services int
	From, To time.Time
	Steps    *firstSteps // nil once there is something to watch
}

// firstSteps says how to begin.
type firstSteps struct {
	Dir   string // the org directory
	Doors []Door
	Host  string // as this page was asked for
}

// tierView is one tier of the fleet: its worst services, and how many more are steady.
type tierView struct {
	Tier  int
	Label string
	Count int
	Cells []Service
	More  int
	Rest  string // what is true of the others
}

type logLine struct {
	At    time.Time
	Words string
	Seq   int64
}

const (
	cellsPerTier = 60 // services that a tier shows
	todoShown    = 30 // of what needs a person: more than a person can do before the page is asked again
	burningShown = 20
)

func loadNow(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := nowView{Base: base(ctx, s, r)}
	g := gather(ctx, s)
	v.Todo = todos(v.When, g)
	if len(g.objectives) > 0 {
		v.All = budgetWords(g.objectives)
	}
	v.To = v.When.Now
	v.From = v.To.AddDate(0, 0, -27)
	for _, o := range g.objectives {
		if o.Burn > 1 || o.State == Spent {
			v.Burning = append(v.Burning, rowOf(v.When, o))
		}
	}
	slices.SortStableFunc(v.Burning, func(a, b objectiveRow) int {
		return cmp.Or(cmp.Compare(tierRank(a.Tier), tierRank(b.Tier)), -cmp.Compare(a.Burn, b.Burn))
	})
	v.Burns = len(v.Burning)
	v.Burning = v.Burning[:min(v.Burns, burningShown)]
	services, err := serviceList(ctx, s)
	if err != nil {
		return nil, err
	}
	v.Services = len(services)
	v.Tiers = fleet(services)
	v.Sentence = sentence(len(v.Todo), services)
	if len(services) == 0 && v.All == "" && len(v.Todo) == 0 {
		v.Sentence, v.Steps = "Nothing is watched yet.", begin(ctx, s, r.Host)
	}
	v.MoreTodo = max(len(v.Todo)-todoShown, 0)
	v.Todo = v.Todo[:len(v.Todo)-v.MoreTodo]
	v.Log, err = recent(ctx, s, v.When)
	return v, err
}

// begin gathers what a new installation needs to know.
func begin(ctx context.Context, s Sources, host string) *firstSteps {
	out := &firstSteps{Host: host}
	if s.Org != nil {
		o, _ := s.Org(ctx)
		out.Dir = o.Source
	}
	if s.System != nil {
		sys, _ := s.System(ctx)
		out.Doors = sys.Doors
	}
	return out
}

func serviceList(ctx context.Context, s Sources) ([]Service, error) {
	if s.Services == nil {
		return nil, nil
	}
	services, err := s.Services(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(services), nil
}

func sentence(todo int, services []Service) string {
	steady, unset := 0, 0
	for _, s := range services {
		switch s.State {
		case Steady, Young:
			steady++
		case Unset:
			unset++
		}
	}
	out := "Nothing needs a person."
	switch {
	case todo == 1:
		out = "1 thing needs a person."
	case todo > 1:
		out = fmt.Sprintf("%d things need a person, worst first.", todo)
	}
	if len(services) == 0 {
		return out
	}
	out += fmt.Sprintf(" %s of %s steady", kit.Count(float64(steady)), kit.Plural(len(services), "service is", "services are"))
	if unset > 0 {
		out += fmt.Sprintf(", %s no objective", kit.Plural(unset, "has", "have"))
	}
	return out + "."
}

// tierRank puts services without a tier last.
func tierRank(t int) int {
	if t < 0 {
		return 9
	}
	return t
}

// fleet groups services by tier, lowest budget first, no objective last.
func fleet(services []Service) []tierView {
	slices.SortStableFunc(services, func(a, b Service) int {
		return cmp.Or(cmp.Compare(tierRank(a.Tier), tierRank(b.Tier)), cmp.Compare(leftRank(a), leftRank(b)), strings.Compare(a.Name, b.Name))
	})
	var out []tierView
	for _, s := range services {
		if len(out) == 0 || tierRank(out[len(out)-1].Tier) != tierRank(s.Tier) {
			label := fmt.Sprintf("Tier %d", s.Tier)
			if s.Tier < 0 {
				label = "No tier"
			}
			out = append(out, tierView{Tier: s.Tier, Label: label, Rest: "all steady"})
		}
		t := &out[len(out)-1]
		t.Count++
		if len(t.Cells) < cellsPerTier {
			t.Cells = append(t.Cells, s)
			continue
		}
		t.More++
		if s.State.Needs() || s.State == NoData {
			t.Rest = "not all steady"
		} else if s.State == Unset && t.Rest == "all steady" {
			t.Rest = "none burning"
		}
	}
	return out
}

func leftRank(s Service) float64 {
	if math.IsNaN(s.Left) || s.State == Unset {
		return math.Inf(1)
	}
	return s.Left
}

// told are the kinds of facts that a person would tell another.
var told = []event.Kind{"alert.fired", "alert.ended", "budget.corrected", "budget.crossed", "catalog.applied", "catalog.refused", "incident.detected", "incident.resolved", "source.gap", "service.observed"}

// recent is the last facts that a person would tell another: alerts, corrections, versions, gaps.
func recent(ctx context.Context, s Sources, w kit.When) ([]logLine, error) {
	if s.Facts == nil {
		return nil, nil
	}
	var out []logLine
	page, err := s.Facts(ctx, FactFilter{Kinds: told, Limit: 8, Range: kit.Range{From: w.Now.Add(-7 * 24 * time.Hour)}})
	if err != nil {
		return nil, err
	}
	for _, e := range page.Facts {
		out = append(out, logLine{At: e.At, Words: sayFact(w, e), Seq: e.Seq})
	}
	return out, nil
}

// kinds joins event kinds for data-kinds.
func kinds(k []event.Kind) string {
	parts := make([]string, len(k))
	for i := range k {
		parts[i] = string(k[i])
	}
	return strings.Join(parts, " ")
}
