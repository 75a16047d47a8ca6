package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

var now = time.Date(2026, 10, 22, 14, 32, 0, 0, time.UTC)

func open(t *testing.T, d *db.DB) (*auth.Keeper, *ledger.Ledger) {
	t.Helper()
	l, err := ledger.Open(t.Context(), d, ledger.Options{Now: func() time.Time { return now }, MinFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	k, err := auth.Open(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	return k, l
}

var admin = auth.Caller{Name: "ines", Role: auth.Admin}

func TestATokenWorksUntilItExpiresOrIsRevoked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k, l := open(t, d)
		secret, token, err := k.Issue(t.Context(), auth.Token{Name: "ci", Role: auth.Operator, Scopes: []auth.Right{auth.WriteMetrics}}, time.Hour, admin, now)
		if err != nil {
			t.Fatal(err)
		}
		c, err := k.ByToken(t.Context(), secret, now)
		if err != nil || c.Name != "ci" || !c.Has(auth.WriteMetrics) || c.Has(auth.Read) {
			t.Fatalf("caller %+v, %v; want ci with metrics.write only", c, err)
		}
		for what, try := range map[string]string{"altered": secret + "x", "empty": "", "other form": "Bearer abc", "unknown id": "ek_000000000000_" + strings.Repeat("a", 43)} {
			if _, err := k.ByToken(t.Context(), try, now); kit.CodeOf(err) != kit.Denied {
				t.Errorf("%s token: %v, want denied", what, err)
			}
		}
		if _, err := k.ByToken(t.Context(), secret, now.Add(time.Hour)); kit.CodeOf(err) != kit.Denied {
			t.Errorf("expired token: %v, want denied", err)
		}
		if err := k.Revoke(t.Context(), token.ID, admin, now); err != nil {
			t.Fatal(err)
		}
		if _, err := k.ByToken(t.Context(), secret, now); kit.CodeOf(err) != kit.Denied {
			t.Errorf("revoked token: %v, want denied", err)
		}
		var kinds strings.Builder
		for e, err := range l.Read(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			kinds.WriteString(string(e.Kind) + " ")
		}
		if kinds.String() != "access.granted access.revoked " {
			t.Errorf("facts %q", kinds.String())
		}
	})
}

func TestASessionEndsWithItsToken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k, _ := open(t, d)
		secret, token, err := k.Issue(t.Context(), auth.Token{Name: "ines", Role: auth.Viewer}, 24*time.Hour, admin, now)
		if err != nil {
			t.Fatal(err)
		}
		cookie, _, _, err := k.SignIn(t.Context(), secret, now)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := k.BySession(t.Context(), cookie, now); err != nil || c.Role != auth.Viewer {
			t.Fatalf("session: %+v, %v", c, err)
		}
		if _, err := k.BySession(t.Context(), cookie, now.Add(auth.SessionLength)); kit.CodeOf(err) != kit.Denied {
			t.Errorf("old session: %v, want denied", err)
		}
		if err := k.Revoke(t.Context(), token.ID, admin, now); err != nil {
			t.Fatal(err)
		}
		if _, err := k.BySession(t.Context(), cookie, now); kit.CodeOf(err) != kit.Denied {
			t.Errorf("session of a revoked token: %v, want denied", err)
		}
	})
}

func TestANewTokenNamesEveryWrongField(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k, _ := open(t, d)
		_, _, err := k.Issue(t.Context(), auth.Token{Role: "root", Scopes: []auth.Right{"fly"}}, 0, admin, now)
		for _, field := range []string{"/name", "/role", "/expires", "/scopes"} {
			if err == nil || !strings.Contains(err.Error(), field) {
				t.Errorf("%v does not name %s", err, field)
			}
		}
	})
}

func TestLocalTrustNeedsALocalNameAndNoProxy(t *testing.T) {
	g := &auth.Guard{Loopback: true, Now: func() time.Time { return now }}
	for name, c := range map[string]struct {
		host, peer, forwarded string
		trusted               bool
	}{
		"own browser":       {"127.0.0.1:8080", "127.0.0.1:50000", "", true},
		"by name":           {"localhost:8080", "[::1]:50000", "", true},
		"DNS rebinding":     {"evil.example:8080", "127.0.0.1:50000", "", false},
		"behind a proxy":    {"localhost", "127.0.0.1:50000", "203.0.113.9", false},
		"from another host": {"127.0.0.1:8080", "192.0.2.7:50000", "", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://"+c.host+"/", nil)
		r.RemoteAddr = c.peer
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		got, err := g.Caller(r)
		if (err == nil && got.Role == auth.Admin) != c.trusted {
			t.Errorf("%s: caller %+v, %v; want trusted %v", name, got, err, c.trusted)
		}
	}
}

func TestRightsFollowTheRoleTheScopeAndTheTeam(t *testing.T) {
	owner := auth.Caller{Name: "jonas", Role: auth.Owner, Teams: []string{"group:default/checkout"}}
	if err := owner.May(auth.CorrectBudget, "group:default/checkout"); err != nil {
		t.Error(err)
	}
	if err := owner.May(auth.CorrectBudget, "group:default/payments"); kit.CodeOf(err) != kit.Denied {
		t.Errorf("an owner may correct another team's budget: %v", err)
	}
	if err := (auth.Caller{}).May(auth.Read, ""); kit.CodeOf(err) != kit.Denied {
		t.Errorf("nobody may read: %v", err)
	}
	for _, role := range auth.Roles {
		c := auth.Caller{Name: "x", Role: role}
		if !c.Has(auth.Read) || c.Has(auth.ManageAccess) != (role == auth.Admin) {
			t.Errorf("role %s: read %v, access %v", role, c.Has(auth.Read), c.Has(auth.ManageAccess))
		}
	}
}
