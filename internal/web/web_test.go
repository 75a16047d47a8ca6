package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/jba/templatecheck"
)

func newWeb(t testing.TB, s Sources) *Web {
	t.Helper()
	w, err := New(Options{Sources: s, Live: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func get(t testing.TB, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
	return rec
}

func TestEveryTemplateFitsItsView(t *testing.T) {
	for _, p := range append(All, errorPage) {
		tm, err := parse(p.Tmpl)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"main", "title"} {
			if err := templatecheck.CheckHTML(tm.Lookup(name), p.View); err != nil {
				t.Errorf("%s: %v", p.Tmpl, err)
			}
		}
	}
	layout, err := parse("layout.html")
	if err != nil {
		t.Fatal(err)
	}
	if err := templatecheck.CheckHTML(layout, layoutView{}); err != nil {
		t.Error(err)
	}
}

// addresses are pages of the fixture, one for each template and its main forms.
var addresses = []string{"/", "/objectives", "/objectives?state=paging&q=check", "/objectives/checkout-availability", "/objectives/checkout-availability?backtest=1&correct=1", "/services", "/services/checkout", "/services/checkout?range=7d",
	"/explore", "/explore?expr=up&range=1d", "/explore?expr=sum(((", "/estate", "/estate?focus=payments", "/ledger", "/ledger?kind=alert.*&fact=1047978", "/organisation",
	"/organisation/file?path=catalog/payments.yaml&line=41", "/system", "/system?token=1", "/find?q=check", "/help", "/sign-in", "/nowhere"}

func TestEveryPageRendersWithDataAndWithout(t *testing.T) {
	for name, s := range map[string]Sources{"full": fixture(), "empty": emptySources()} {
		w := newWeb(t, s)
		for _, path := range addresses {
			rec := get(t, w, path)
			body := rec.Body.String()
			want := http.StatusOK
			if path == "/nowhere" || name == "empty" && (strings.Contains(path, "/objectives/") || strings.Contains(path, "/services/") || strings.Contains(path, "/file")) {
				want = http.StatusNotFound
			}
			if rec.Code != want {
				t.Errorf("%s %s: status %d, want %d: %s", name, path, rec.Code, want, short(400, body))
			}
			if !strings.HasSuffix(strings.TrimSpace(body), "</html>") || strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "%!") {
				t.Errorf("%s %s: the page is cut off or a value did not print", name, path)
			}
		}
	}
}
