package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// holders is who has a right, as agreed; the program's own table is checked against it.
var holders = map[auth.Right]string{
	auth.Read: "viewer responder owner operator auditor admin", auth.CorrectBudget: "owner operator admin", auth.VerifyLedger: "operator auditor admin",
	auth.RecordIncident: "responder owner operator admin", auth.ReadEvidence: "auditor admin", auth.ReloadOrg: "operator admin", auth.ManageAccess: "admin",
}

// operations is every operation with a request that works, and the right it needs.
var operations = []struct {
	method, path, body string
	right              auth.Right
	status             int
}{
	{"GET", "/slos", "", auth.Read, 200},
	{"GET", "/slos/{name}", "", auth.Read, 200},
	{"GET", "/slos/{name}/series", "", auth.Read, 200},
	{"POST", "/slos/{name}/backtest", `{"policies":[{"name":"mine","pairs":[{"factor":8,"long":"2h","short":"10m"}]}]}`, auth.Read, 200},
	{"GET", "/slos/{name}/corrections", "", auth.Read, 200},
	{"POST", "/slos/{name}/corrections", `{"from":"2h","to":"1h","effect":"exclude","reason":"planned work"}`, auth.CorrectBudget, 201},
	{"DELETE", "/slos/{name}/corrections/{id}", "", auth.CorrectBudget, 404},
	{"GET", "/export/slos", "", auth.Read, 200},
	{"GET", "/incidents", "", auth.Read, 200},
	{"POST", "/incidents", `{"from":"2h","to":"1h","services":["checkout"],"title":"cards refused"}`, auth.RecordIncident, 201},
	{"DELETE", "/incidents/{id}", "", auth.RecordIncident, 404},
	{"GET", "/services", "", auth.Read, 200},
	{"GET", "/services/{name}", "", auth.Read, 200},
	{"GET", "/services/{name}/history", "", auth.Read, 200},
	{"GET", "/estate", "", auth.Read, 200},
	{"GET", "/estate/single-points", "", auth.Read, 200},
	{"GET", "/estate/ceilings", "", auth.Read, 200},
	{"GET", "/estate/blast-radius", "", auth.Read, 200},
	{"GET", "/alerts", "", auth.Read, 200},
	{"GET", "/alerts/{id}", "", auth.Read, 200},
	{"GET", "/facts", "", auth.Read, 200},
	{"GET", "/facts/{seq}", "", auth.Read, 200},
	{"GET", "/facts/{seq}/chain", "", auth.Read, 200},
	{"GET", "/facts/{seq}/proof", "", auth.Read, 200},
	{"GET", "/ledger", "", auth.Read, 200},
	{"GET", "/ledger/checkpoint", "", auth.Read, 200},
	{"POST", "/ledger/verify", "", auth.VerifyLedger, 200},
	{"GET", "/ledger/export", "", auth.ReadEvidence, 200},
	{"GET", "/org", "", auth.Read, 200},
	{"GET", "/org/versions", "", auth.Read, 200},
	{"POST", "/org/reload", "", auth.ReloadOrg, 200},
	{"GET", "/tokens", "", auth.ManageAccess, 200},
	{"POST", "/tokens", `{"name":"ci","role":"viewer"}`, auth.ManageAccess, 201},
	{"DELETE", "/tokens/{id}", "", auth.ManageAccess, 404},
	{"GET", "/system", "", auth.Read, 200},
}

// fill puts values into a path.
func fill(path string) string {
	name := "checkout-availability"
	if strings.HasPrefix(path, "/services") {
		name = "checkout"
	}
	if path == "/incidents/{id}" {
		path += "?reason=none"
	}
	path = strings.NewReplacer("{name}", name, "{seq}", "1", "{id}", "a0000").Replace(path)
	if strings.HasSuffix(path, "blast-radius") {
		path += "?of=db"
	}
	return "/api/v1" + path
}

func TestEachRoleMayDoWhatItsRightsSayAndRefusalsAreRecorded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := open(t, d)
		f.fired(t, 2)
		for _, role := range auth.Roles {
			c := auth.Caller{Name: string(role), Role: role, Teams: []string{"group:default/team-checkout"}}
			refused := 0
			for _, op := range operations {
				code, _, body := f.do(t, c, op.method, fill(op.path), op.body)
				want := op.status
				if !slices.Contains(strings.Fields(holders[op.right]), string(role)) {
					want = http.StatusForbidden
					refused++
				}
				if code != want {
					t.Errorf("%s: %s %s answered %d, want %d: %s", role, op.method, op.path, code, want, body)
				}
			}
			found, err := f.ledger.Find(t.Context(), ledger.Filter{Kinds: []event.Kind{"access.refused"}, By: c.By(), Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			if len(found.Events) != refused {
				t.Errorf("%s: %d refusals recorded, want %d", role, len(found.Events), refused)
			}
		}
		for _, op := range operations {
			if code, _, body := f.do(t, auth.Caller{}, op.method, fill(op.path), op.body); code != http.StatusUnauthorized {
				t.Errorf("nobody: %s %s answered %d, want 401: %s", op.method, op.path, code, body)
			}
		}
	})
}

func TestTheDescriptionListsEveryOperation(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	var doc struct {
		OpenAPI string                    `json:"openapi"`
		Paths   map[string]map[string]any `json:"paths"`
	}
	f.get(t, "/api/openapi.json", &doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("openapi %q", doc.OpenAPI)
	}
	n := 0
	for path, methods := range doc.Paths {
		for method := range methods {
			n++
			known := false
			for _, op := range operations {
				known = known || "/api/v1"+op.path == path && strings.EqualFold(op.method, method)
			}
			if !known {
				t.Errorf("%s %s has no line in the table of operations", method, path)
			}
		}
	}
	if n != len(operations) {
		t.Errorf("%d operations described, %d in the table", n, len(operations))
	}
	if code, _, body := f.do(t, admin, "GET", "/api/openapi.yaml", ""); code != 200 || !strings.Contains(body, "openapi: ") {
		t.Errorf("YAML: %d %.60s", code, body)
	}
}
func TestFreeTextIsForThoseWhoMayReadItAndReadingIsRecorded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := open(t, d)
		var done struct {
			Seq int64  `json:"seq"`
			ID  string `json:"id"`
		}
		code, _, body := f.do(t, admin, "POST", "/api/v1/slos/checkout-availability/corrections", `{"from":"2h","to":"1h","effect":"good","reason":"a secret matter"}`)
		if err := json.Unmarshal([]byte(body), &done); err != nil || code != 201 {
			t.Fatalf("%d %s", code, body)
		}
		path := fmt.Sprintf("/api/v1/facts/%d", done.Seq)
		viewer := auth.Caller{Name: "vera", Role: auth.Viewer}
		if code, _, body := f.do(t, viewer, "GET", path, ""); code != 200 || strings.Contains(body, "secret") {
			t.Errorf("plain: %d %s", code, body)
		}
		if code, _, body := f.do(t, viewer, "GET", path+"?texts=true", ""); code != 403 || strings.Contains(body, "secret") {
			t.Errorf("a viewer with texts: %d %s", code, body)
		}
		auditor := auth.Caller{Name: "aud", Role: auth.Auditor}
		if code, _, body := f.do(t, auditor, "GET", path+"?texts=true", ""); code != 200 || !strings.Contains(body, "a secret matter") {
			t.Errorf("an auditor with texts: %d %s", code, body)
		}
		if code, _, body := f.do(t, auditor, "GET", "/api/v1/ledger/export?texts=true", ""); code != 200 || !strings.Contains(body, "a secret matter") {
			t.Errorf("export: %d %s", code, body)
		} else if r, err := ledger.VerifyBundle(strings.NewReader(body), f.src.Key.Verifier); err != nil || !r.OK() || r.Facts < done.Seq {
			t.Errorf("exported bundle: %+v %v", r, err)
		}
		found, err := f.ledger.Find(t.Context(), ledger.Filter{Kinds: []event.Kind{"access.read"}})
		if err != nil || len(found.Events) != 2 {
			t.Errorf("%d reads recorded, %v; want 2", len(found.Events), err)
		}
		if code, _, body := f.do(t, admin, "DELETE", "/api/v1/slos/checkout-availability/corrections/"+done.ID+"?reason=mistake", ""); code != 204 {
			t.Errorf("take back: %d %s", code, body)
		}
		var list []api.SLOCorrection
		f.get(t, "/api/v1/slos/checkout-availability/corrections", &list)
		if len(list) != 1 || list[0].Revoked == nil {
			t.Errorf("corrections %+v", list)
		}
	})
}

func TestAnOwnerCorrectsOnlyTheOwnTeamsBudgets(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	owner := auth.Caller{Name: "jonas", Role: auth.Owner, Teams: []string{"group:default/team-checkout"}}
	body := `{"from":"2h","to":"1h","effect":"exclude","reason":"planned work"}`
	if code, _, answer := f.do(t, owner, "POST", "/api/v1/slos/checkout-availability/corrections", body); code != 201 {
		t.Errorf("own team: %d %s", code, answer)
	}
	if code, _, answer := f.do(t, owner, "POST", "/api/v1/slos/payments-availability/corrections", body); code != 403 {
		t.Errorf("another team: %d %s", code, answer)
	}
}
