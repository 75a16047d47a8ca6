package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/trace"
)

// Service is a component of the catalog.
type Service struct {
	Name       string   `json:"name" doc:"Short reference: without the default namespace"`
	Ref        string   `json:"ref"`
	Title      string   `json:"title,omitempty"`
	Type       string   `json:"type,omitempty"`
	Lifecycle  string   `json:"lifecycle,omitempty"`
	Owner      string   `json:"owner,omitempty"`
	System     string   `json:"system,omitempty"`
	Tier       int      `json:"tier" doc:"0 (the organisation stops without it) to 3"`
	OnCall     string   `json:"onCall,omitempty" doc:"Who is woken"`
	File       string   `json:"file,omitempty"`
	Line       int      `json:"line,omitempty"`
	State      string   `json:"state,omitempty" doc:"The worst of its objectives, now; absent without objectives"`
	Objectives []string `json:"objectives" doc:"Names, now"`
	Traffic    *Traffic `json:"traffic,omitempty" doc:"Last five minutes, from traces; absent where it sends none"`
}

// Traffic is what a service did.
type Traffic struct {
	Rate   float64 `json:"rate" doc:"Calls a second"`
	Errors float64 `json:"errors" doc:"Share, 0 to 1"`
	P50S   float64 `json:"p50S"`
	P95S   float64 `json:"p95S"`
}

// ServiceDetail is one service with what it stands on.
type ServiceDetail struct {
	Service
	Description string   `json:"description,omitempty"`
	Needs       []Need   `json:"needs"`
	Dependents  []string `json:"dependents" doc:"Who depends on it directly"`
	Ceiling     *Ceiling `json:"ceiling" doc:"null where nothing is known about what it needs"`
	Seq         int64    `json:"seq,omitempty" doc:"Of the fact that brought this version of it; with at only"`
}

// Need is one thing that a service depends on.
type Need struct {
	Of      []string `json:"of"`
	AtLeast int      `json:"atLeast" doc:"How many of them must be up"`
	Hard    bool     `json:"hard"`
	Impact  float64  `json:"impact,omitempty" doc:"Of a soft one: share of requests that fail without it"`
	Via     string   `json:"via,omitempty" doc:"The API through which it is needed"`
}

// EntityVersion is one version of a service and when it held.
type EntityVersion struct {
	Seq     int64      `json:"seq"`
	From    time.Time  `json:"from"`
	To      *time.Time `json:"to" doc:"null while it holds"`
	Ref     string     `json:"ref"`
	Was     string     `json:"was,omitempty"`
	Removed bool       `json:"removed,omitempty"`
	Owner   string     `json:"owner,omitempty"`
	Tier    *int       `json:"tier"`
	File    string     `json:"file,omitempty"`
	Line    int        `json:"line,omitempty"`
}

const recently = 5 * time.Minute // traffic of a service

func (s *server) services() {
	const tag = "Services"
	handle(s, operation{id: "list-services", method: http.MethodGet, path: "/services", tag: tag, needs: auth.Read, summary: "List services",
		about: "With at: the catalog as it stood then, tiers and owners included."}, s.listServices)
	handle(s, operation{id: "get-service", method: http.MethodGet, path: "/services/{name}", tag: tag, needs: auth.Read, summary: "One service",
		about: "By name, reference (with / written as %2F), or the name it has in telemetry. With at: as it stood then; a service renamed since is found by its new name."}, s.getService)
	handle(s, operation{id: "get-service-history", method: http.MethodGet, path: "/services/{name}/history", tag: tag, needs: auth.Read, summary: "Versions of a service, newest first"}, s.history)
}

type listServicesIn struct {
	Paging
	Conditional
	At    string `query:"at" doc:"RFC 3339, a day, or an age such as 7d"`
	Owner string `query:"owner" doc:"Only this group's or user's, such as group:default/payments"`
	Tier  string `query:"tier" enum:"0,1,2,3,none" doc:"Only this tier; none = of no tier"`
}

func (s *server) listServices(ctx context.Context, in *listServicesIn) (*page[Service], error) {
	cat, err := s.catalogAt(ctx, in.At)
	if err != nil {
		return nil, err
	}
	states, traffic := s.standings(cat), s.traffic(cat, in.At)
	var all []Service
	for _, e := range cat.OfKind("Component") {
		one := s.serviceOf(cat, e, states[e.Ref], traffic[e.Ref])
		if (in.Owner == "" || one.Owner == in.Owner || e.Owner.Short() == in.Owner) && (in.Tier == "" || tierName(one.Tier) == in.Tier) {
			all = append(all, one)
		}
	}
	return cut(in.Paging, in.Conditional, all, func(o Service) string { return o.Ref })
}

// tierName is a tier as a query names it.
func tierName(tier int) string {
	if tier < 0 {
		return "none"
	}
	return strconv.Itoa(tier)
}

// catalogAt is the catalog in force, or as it stood at a moment.
func (s *server) catalogAt(ctx context.Context, at string) (*estate.Catalog, error) {
	if at == "" {
		return s.Directory().Catalog, nil
	}
	t, err := kit.ParseTime(at, s.Now())
	if err != nil {
		return nil, queryError("at", err)
	}
	return projection.CatalogAt(ctx, s.Ledger.DB().Read(), t)
}

type oneServiceIn struct {
	Conditional
	Name string `path:"name" maxLength:"300"`
	At   string `query:"at" doc:"RFC 3339, a day, or an age such as 7d"`
}

func (s *server) getService(ctx context.Context, in *oneServiceIn) (*one[ServiceDetail], error) {
	cat, err := s.catalogAt(ctx, in.At)
	if err != nil {
		return nil, err
	}
	e, ok := cat.Service(in.Name)
	var seq int64
	if in.At != "" {
		t, _ := kit.ParseTime(in.At, s.Now()) // read already
		entry, found, err := projection.ServiceAt(ctx, s.Ledger.DB().Read(), in.Name, t)
		if err != nil {
			return nil, err
		}
		if found {
			seq = entry.Seq
			e, ok = cat.Get(estate.Ref(entry.Ref))
		}
	}
	if !ok {
		return nil, s.noService(in.Name, in.At)
	}
	out := ServiceDetail{Service: s.serviceOf(cat, e, s.standings(cat)[e.Ref], s.traffic(cat, in.At)[e.Ref]), Description: e.Description, Needs: []Need{},
		Dependents: shorts(cat.Dependents(e.Ref)), Seq: seq}
	for _, n := range cat.Needs(e.Ref) {
		out.Needs = append(out.Needs, needOf(n))
	}
	if c, ok := s.ceilingOf(cat, e.Ref); ok {
		out.Ceiling = &c
	}
	return tagged(in.Conditional, out)
}

func (s *server) noService(name, at string) error {
	e := &kit.Error{Code: kit.NotFound, Msg: "service " + name + " is not in the catalog", Hint: "GET /api/v1/services lists those that are"}
	if at != "" {
		e.Msg += " as it stood at " + at
		e.Hint += "; with at, those that were"
	}
	return e
}

type historyIn struct {
	Conditional
	Name string `path:"name" maxLength:"300"`
}

func (s *server) history(ctx context.Context, in *historyIn) (*one[[]EntityVersion], error) {
	ref, err := estate.ParseRef(in.Name, "component", estate.DefaultNamespace)
	if err != nil {
		return nil, &kit.Error{Code: kit.Invalid, Msg: wrongValues, Fields: []kit.Field{{Path: "path.name", Msg: err.Error()}}}
	}
	entries, err := projection.EntityHistory(ctx, s.Ledger.DB().Read(), ref)
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, kit.Errorf(kit.NotFound, "service %s was never in the catalog", in.Name)
	}
	var out []EntityVersion
	for _, e := range entries {
		out = append(out, EntityVersion{Seq: e.Seq, From: e.From, To: moment(e.To), Ref: e.Ref, Was: e.Was, Removed: e.Removed, Owner: e.Owner, Tier: e.Tier, File: e.File, Line: e.Line})
	}
	return tagged(in.Conditional, out)
}

// standing is how a service stands by its objectives.
type standing struct {
	state string
	names []string
}

// severities puts the worst state first.
var severities = []string{"paging", "ticketing", "exhausted", "burning", "no-data", "healthy"}

func (s *server) standings(cat *estate.Catalog) map[estate.Ref]standing {
	out := map[estate.Ref]standing{}
	for _, o := range s.snapshot().Objectives {
		e, ok := cat.Service(o.Objective.Service)
		if !ok {
			continue
		}
		was := out[e.Ref]
		state := string(o.State())
		if was.state == "" || rank(state) < rank(was.state) {
			was.state = state
		}
		was.names = append(was.names, o.Objective.Name)
		out[e.Ref] = was
	}
	return out
}

func rank(state string) int {
	for i, s := range severities {
		if s == state {
			return i
		}
	}
	return len(severities)
}

// traffic is what traces showed just now, by component; none for a moment in the past.
func (s *server) traffic(cat *estate.Catalog, at string) map[estate.Ref]trace.Service {
	out := map[estate.Ref]trace.Service{}
	if at != "" {
		return out
	}
	for _, t := range s.Traces.Services(s.Now(), recently) {
		if e, ok := cat.Service(t.Name); ok && t.Calls > out[e.Ref].Calls {
			out[e.Ref] = t
		}
	}
	return out
}

func (s *server) serviceOf(cat *estate.Catalog, e estate.Entity, st standing, t trace.Service) Service {
	out := Service{Name: e.Ref.Short(), Ref: string(e.Ref), Title: e.Title, Type: e.Type, Lifecycle: e.Lifecycle, Owner: string(e.Owner), System: string(e.System),
		Tier: cat.Tier(e.Ref, s.Directory().Config.DefaultTier()), OnCall: cat.OnCallFor(e.Ref), File: e.File, Line: e.Line, State: st.state, Objectives: append([]string{}, st.names...)}
	if t.Calls > 0 {
		out.Traffic = &Traffic{Rate: t.Rate, Errors: t.ErrorRatio(), P50S: t.P50.Seconds(), P95S: t.P95.Seconds()}
	}
	return out
}

func needOf(n estate.Need) Need {
	return Need{Of: shorts(n.Of), AtLeast: n.AtLeast, Hard: n.Hard, Impact: n.Impact, Via: string(n.Via)}
}

// queryError names one wrong parameter of a query.
func queryError(name string, err error) error {
	return &kit.Error{Code: kit.Invalid, Msg: wrongValues, Fields: []kit.Field{{Path: "query." + name, Msg: err.Error()}}}
}

var errCursor = queryError("cursor", errors.New("is none of ours; begin without one"))
