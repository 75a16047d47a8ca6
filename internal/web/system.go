package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/live"
)

var systemPage = Page{
	Route: "GET /system", Group: "Set up", Nav: "System", Key: "y", Tmpl: "system.html", View: systemView{}, Needs: Read,
	Has:  func(s Sources) bool { return s.System != nil },
	Live: []event.Kind{live.Round, "source.gap"},
	Load: loadSystem,
}

type systemView struct {
	Base
	System
	Host      string // as this page was asked for
	Silent    int
	CanToken  bool
	CanRevoke bool
	Adding    bool
	Secret    string // of a token just made, shown once
}

func loadSystem(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := systemView{Base: base(ctx, s, r), Host: r.Host}
	var err error
	if v.System, err = s.System(ctx); err != nil {
		return nil, err
	}
	v.Sources = slices.Clone(v.Sources)
	slices.SortStableFunc(v.Sources, func(a, b SourceState) int {
		return cmp.Or(silentRank(a)-silentRank(b), strings.Compare(a.Name, b.Name))
	})
	for _, src := range v.Sources {
		if src.Silent {
			v.Silent++
		}
	}
	may := v.Me.Can(ManageToken)
	v.CanToken, v.CanRevoke = may && s.NewToken != nil, may && s.RevokeToken != nil
	v.Secret, _ = ctx.Value(secretKey).(string)
	v.Adding = v.CanToken && v.Secret == "" && (v.Query("token") != "" || v.Failed != nil)
	return v, nil
}

func silentRank(s SourceState) int {
	if s.Silent {
		return 0
	}
	return 1
}

// newToken makes a token and shows its secret, this once.
func newToken(ctx context.Context, s Sources, r *http.Request) (outcome, error) {
	ask := TokenAsk{Name: strings.TrimSpace(r.PostForm.Get("name")), Role: r.PostForm.Get("role")}
	bad := &kit.Error{Code: kit.Invalid, Msg: "the token is not complete"}
	if ask.Name == "" || len(ask.Name) > 80 {
		bad.Fields = append(bad.Fields, kit.Field{Path: "name", Msg: "Say what will use it, such as grafana; at most 80 characters."})
	}
	if !slices.Contains(Roles, ask.Role) {
		bad.Fields = append(bad.Fields, kit.Field{Path: "role", Msg: "Choose a role."})
	}
	var err error
	if ask.Days, err = strconv.Atoi(r.PostForm.Get("days")); err != nil || ask.Days < 1 || ask.Days > 400 {
		bad.Fields = append(bad.Fields, kit.Field{Path: "days", Msg: "A whole number of days from 1 to 400, such as 90."})
	}
	if len(bad.Fields) > 0 {
		return outcome{}, bad
	}
	secret, err := s.NewToken(ctx, s.Who(r), ask)
	return outcome{Secret: secret}, err
}

func revokeToken(ctx context.Context, s Sources, r *http.Request) (outcome, error) {
	return outcome{Next: "/system#tokens"}, s.RevokeToken(ctx, s.Who(r), r.PathValue("id"))
}

// Roles are what a token may have.
var Roles = []string{"viewer", "responder", "owner", "operator", "auditor", "admin"}

// RoleOptions lists them for the form.
func (v systemView) RoleOptions() []option {
	chosen := v.Typed("/system/tokens", "role", "viewer")
	out := make([]option, len(Roles))
	for i, r := range Roles {
		out[i] = option{r, r, r == chosen}
	}
	return out
}

// Path is where a token is revoked.
func (t Token) Path() string { return "/system/tokens/" + url.PathEscape(t.ID) + "/revocations" }

// LagText is how far the newest sample is behind its arrival.
func (s SourceState) LagText() string {
	if s.Lag < 0 {
		return "–"
	}
	return kit.Duration(s.Lag.Round(10 * time.Millisecond))
}

// Full is how much of the store's disk is used with it, 0..1; NaN is not known.
func (s Stored) Full() float64 { return s.Bytes / (s.Bytes + s.Free) }

// FreshCount is how many sources are heard.
func (v systemView) FreshCount() int { return len(v.Sources) - v.Silent }
