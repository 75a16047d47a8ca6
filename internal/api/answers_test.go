package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
)

func TestWrongInputNamesEachField(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	for _, c := range []struct {
		method, path, body string
		status             int
		fields             []string
	}{
		{"GET", "/slos?limit=0", "", 422, []string{"query.limit"}},
		{"GET", "/slos?state=sad&limit=9999", "", 422, []string{"query.state", "query.limit"}},
		{"GET", "/slos?servce=checkout&stat=paging", "", 422, []string{"query.servce", "query.stat"}},
		{"GET", "/slos?tier=7", "", 422, []string{"query.tier"}},
		{"GET", "/facts?kind=alert.fird,alert.fired", "", 422, []string{"query.kind"}},
		{"GET", "/ledger/export?kind=alert.fird", "", 422, []string{"query.kind"}},
		{"GET", "/slos?cursor=%25", "", 422, []string{"query.cursor"}},
		{"GET", "/slos/nope", "", 404, nil},
		{"GET", "/slos/checkout-availability/series?step=7s", "", 422, []string{"query.step"}},
		{"GET", "/slos/checkout-availability/series?from=90d&step=1m", "", 422, []string{"query.step"}},
		{"GET", "/slos/checkout-availability/series?from=now&to=2h", "", 422, []string{"query.from"}},
		{"GET", "/slos/checkout-availability/series?burn=fast", "", 422, []string{"query.burn"}},
		{"POST", "/slos/checkout-availability/corrections", `{"from":"1h","to":"2h","effect":"exclude","reason":"x"}`, 422, []string{"body.to"}},
		{"POST", "/slos/checkout-availability/corrections", `{"from":"soon","to":"1h","effect":"hide","reason":""}`, 422, []string{"body.effect", "body.reason"}},
		{"POST", "/slos/checkout-availability/backtest", `{"policies":[{"name":"x","pairs":[{"factor":2,"long":"long","short":"5 moons"}]}]}`, 422, []string{"body.policies.0.pairs.0.long", "body.policies.0.pairs.0.short"}},
		{"GET", "/facts?from=then&knownAt=never", "", 422, []string{"query.from", "query.knownAt"}},
		{"GET", "/facts?cursor=abc", "", 422, []string{"query.cursor"}},
		{"GET", "/facts/0", "", 422, []string{"path.seq"}},
		{"GET", "/facts/999999", "", 404, nil},
		{"GET", "/services?at=once", "", 422, []string{"query.at"}},
		{"GET", "/services/nobody", "", 404, nil},
		{"GET", "/estate/blast-radius", "", 422, []string{"query.of"}},
		{"GET", "/org/versions?cursor=x", "", 422, []string{"query.cursor"}},
		{"POST", "/tokens", `{"name":"","role":"root","scopes":["fly"],"life":"400d"}`, 422, []string{"body.name", "body.role", "body.scopes", "body.expires"}},
		{"POST", "/tokens", `{"name":"a","role":"viewer","life":"long"}`, 422, []string{"body.life"}},
		{"POST", "/tokens", `{"nam":"a"}`, 422, []string{"body.nam", "body"}},
		{"POST", "/tokens", `{`, 400, nil},
	} {
		code, head, body := f.do(t, admin, c.method, "/api/v1"+c.path, c.body)
		if code != c.status || head.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d %s %s, want %d as a problem", c.method, c.path, code, head.Get("Content-Type"), body, c.status)
		}
		if len(c.fields) > 0 && strings.Contains(body, "validation failed") {
			t.Errorf("%s %s says that something failed, and not what: %s", c.method, c.path, body)
		}
		for _, field := range c.fields {
			if !strings.Contains(body, `"location":"`+field+`"`) {
				t.Errorf("%s %s: no word about %s in %s", c.method, c.path, field, body)
			}
		}
	}
}
func TestServicesAreShownAsOfAMoment(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := open(t, d)
		var s api.ServiceDetail
		f.get(t, "/api/v1/services/checkout", &s)
		if s.Tier != 0 || s.Owner != "group:default/team-checkout" || s.State != "healthy" || len(s.Needs) != 2 || s.Ceiling == nil || s.Ceiling.Serial > 0.9995 {
			t.Errorf("checkout %+v", s)
		}
		f.get(t, "/api/v1/services/checkout?at=now", &s)
		if s.Seq == 0 {
			t.Errorf("as of now: no fact named in %+v", s)
		}
		if code, _, body := f.do(t, admin, "GET", "/api/v1/services/checkout?at=30d", ""); code != 404 {
			t.Errorf("before the first version: %d %s", code, body)
		}
		var r api.Radius
		f.get(t, "/api/v1/estate/blast-radius?of=resource:db", &r)
		if len(r.Fails) != 2 {
			t.Errorf("blast radius %+v", r)
		}
	})
}

func TestAVersionWithErrorsIsRefusedWithThem(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	f.write(t, "broken.yaml", "kind: [\n")
	code, _, body := f.do(t, admin, "POST", "/api/v1/org/reload", "")
	if code != 422 || !strings.Contains(body, "broken.yaml:") {
		t.Errorf("reload: %d %s", code, body)
	}
	var o api.Org
	f.get(t, "/api/v1/org", &o)
	if o.Refused == nil || o.Entities["Component"] != 2 {
		t.Errorf("org %+v", o)
	}
}

func TestVerifyingFindsARewriteByAnOlderCheckpoint(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := open(t, d)
		f.fired(t, 3)
		var c api.Checkpoint
		f.get(t, "/api/v1/ledger/checkpoint", &c)
		f.fired(t, 5)
		ask, _ := json.Marshal(map[string][]string{"checkpoints": {c.Note}})
		code, _, body := f.do(t, admin, "POST", "/api/v1/ledger/verify", string(ask))
		var v api.Verdict
		if err := json.Unmarshal([]byte(body), &v); err != nil || code != 200 || !v.OK || v.Checkpoints == 0 {
			t.Errorf("verify: %d %s", code, body)
		}
		if err := d.Write(t.Context(), func(ctx context.Context, q db.Q) error {
			_, err := q.ExecContext(ctx, "UPDATE fact SET actor = 'user:mallory' WHERE seq = 2")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, _, body := f.do(t, admin, "POST", "/api/v1/ledger/verify", ""); !strings.Contains(body, `"ok":false`) || !strings.Contains(body, "altered") {
			t.Errorf("an altered fact: %s", body)
		}
	})
}

func TestBackTestsAreJudgedByRecordedIncidents(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := open(t, d)
		judged := func(body string) int {
			t.Helper()
			code, _, out := f.do(t, admin, http.MethodPost, "/api/v1/slos/checkout-availability/backtest", body)
			var b api.Backtest
			if err := json.Unmarshal([]byte(out), &b); err != nil || code != http.StatusOK {
				t.Fatalf("%d %s: %v", code, out, err)
			}
			return b.Incidents
		}
		record := func(body string, want int) string {
			t.Helper()
			code, _, out := f.do(t, admin, http.MethodPost, "/api/v1/incidents", body)
			if code != want {
				t.Fatalf("%s answered %d: %s", body, code, out)
			}
			return out
		}
		first := record(`{"id":"INC-1","from":"3h","to":"2h","services":["checkout"],"title":"cards refused"}`, http.StatusCreated)
		record(`{"id":"INC-2","from":"3h","to":"2h","services":["payments"]}`, http.StatusCreated)
		record(`{"id":"INC-3","from":"5h","to":"4h","drill":true}`, http.StatusCreated)
		if n := judged(`{}`); n != 1 {
			t.Errorf("judged by %d incidents, want INC-1 alone", n)
		}
		if n := judged(`{"incidents":[]}`); n != 0 {
			t.Errorf("a caller who gives none is judged by %d", n)
		}
		again := record(`{"id":"INC-1","from":"3h","to":"2h","services":["checkout"]}`, http.StatusCreated)
		if again != first {
			t.Errorf("the same incident recorded twice: %s, then %s", first, again)
		}
		var listed struct{ Items []api.Incident }
		f.get(t, "/api/v1/incidents?service=checkout&limit=1", &listed)
		if len(listed.Items) != 1 || listed.Items[0].ID != "INC-1" || listed.Items[0].By != "user:ines" {
			t.Errorf("listed %+v", listed.Items)
		}
		wrong := record(`{"id":"a b","from":"1h","to":"2h","services":["nope"],"slos":["nope"]}`, http.StatusUnprocessableEntity)
		for _, field := range []string{"body.id", "body.to", "body.services.0", "body.slos.0"} {
			if !strings.Contains(wrong, `"location":"`+field+`"`) {
				t.Errorf("%s is not named in %s", field, wrong)
			}
		}
		if code, _, out := f.do(t, admin, http.MethodDelete, "/api/v1/incidents/INC-1?reason=wrong+service", ""); code != http.StatusNoContent {
			t.Fatalf("withdrawn: %d %s", code, out)
		}
		if n := judged(`{}`); n != 0 {
			t.Errorf("a withdrawn incident still counts")
		}
	})
}
