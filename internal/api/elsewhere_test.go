package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
)

func TestAPathThatIsNoOperationIsAProblemThatSaysWhereToLook(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	for _, c := range []struct {
		method, path string
		status       int
		allow, word  string
	}{
		{"GET", "/api/v1/objectives", 404, "", "/api/openapi.json"},
		{"GET", "/api/v1/query", 404, "", "use /prometheus/api/v1/query"},
		{"GET", "/api/v1/status/buildinfo", 404, "", "use /prometheus/api/v1/status/buildinfo"},
		{"POST", "/api/v2/slos", 404, "", "/api/v2/slos is no operation"},
		{"PUT", "/api/v1/slos", 405, "GET", "knows GET and not PUT"},
		{"DELETE", "/api/v1/tokens", 405, "GET, POST", "not DELETE"},
		{"POST", "/api/v1/", 405, "GET", "not POST"},
	} {
		code, head, body := f.do(t, admin, c.method, c.path, "")
		if code != c.status || head.Get("Allow") != c.allow || head.Get("Content-Type") != "application/problem+json" || !strings.Contains(body, c.word) {
			t.Errorf("%s %s: %d, Allow %q, %s", c.method, c.path, code, head.Get("Allow"), body)
		}
	}
	for _, path := range []string{"/api", "/api/", "/api/v1", "/api/v1/"} {
		if code, head, _ := f.do(t, admin, "GET", path, ""); code != http.StatusTemporaryRedirect || head.Get("Location") != "/api/openapi.json" {
			t.Errorf("GET %s: %d to %q, want the description", path, code, head.Get("Location"))
		}
	}
}

func TestASenderWhoCannotBeMadeOutGetsAProblem(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
	}{{kit.Errorf(kit.Denied, "this token has expired"), 401}, {kit.Errorf(kit.Unavailable, "the ledger is away"), 503}} {
		w := httptest.NewRecorder()
		api.Refuse(w, c.err)
		var p struct{ Detail string }
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != c.status || p.Detail != c.err.Error() {
			t.Errorf("%v: %d %s", c.err, w.Code, w.Body)
		}
	}
}

func TestSeveralHeldAnswersAreCompared(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	_, head, _ := f.do(t, admin, "GET", "/api/v1/slos", "")
	for _, held := range []string{`"other", ` + head.Get("ETag"), `W/` + head.Get("ETag"), "*"} {
		if code, _, _ := f.do(t, admin, "GET", "/api/v1/slos", "", "If-None-Match", held); code != http.StatusNotModified {
			t.Errorf("If-None-Match %s: %d, want 304", held, code)
		}
	}
	if code, _, _ := f.do(t, admin, "GET", "/api/v1/slos", "", "If-None-Match", `"other"`); code != http.StatusOK {
		t.Errorf("another answer held: %d, want 200", code)
	}
}

func TestBeforeTheFirstRoundObjectivesAreThereWithoutCounts(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	f.src.Snapshot = func() *budget.Snapshot { return &budget.Snapshot{} }
	mux := http.NewServeMux()
	api.New(mux, f.src)
	f.handler = mux
	var list listed[api.SLO]
	f.get(t, "/api/v1/slos", &list)
	if len(list.Items) != 2 || list.Items[0].State != "no-data" || list.Items[0].Target != "0.999" {
		t.Errorf("objectives before the first round: %+v", list.Items)
	}
	if code, _, body := f.do(t, admin, "GET", "/api/v1/slos/checkout-availability/series", ""); code != 409 || !strings.Contains(body, "no samples yet") {
		t.Errorf("its past: %d %s", code, body)
	}
}

func TestTheGroupWithTheLeastBudgetIsMeantWhereNoneIsNamed(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	groups := f.src.Snapshot().Find("checkout-availability")
	worse := groups.Groups[0]
	worse.Key, worse.Budget.Remaining = `route="/pay"`, 0.1
	groups.Groups = append(groups.Groups, worse)
	var s api.SLOSeries
	f.get(t, "/api/v1/slos/checkout-availability/series", &s)
	if s.Group != worse.Key {
		t.Errorf("series of group %q, want that of %q", s.Group, worse.Key)
	}
	for _, c := range []struct{ method, path, body, field string }{
		{"GET", "/api/v1/slos/checkout-availability/series?group=none", "", "query.group"},
		{"POST", "/api/v1/slos/checkout-availability/backtest", `{"group":"none"}`, "body.group"},
	} {
		if code, _, body := f.do(t, admin, c.method, c.path, c.body); code != 422 || !strings.Contains(body, `route=\"/pay\"`) || !strings.Contains(body, `"`+c.field+`"`) {
			t.Errorf("%s %s of a strange group: %d %s", c.method, c.path, code, body)
		}
	}
}
