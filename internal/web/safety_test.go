package web

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

var inline = regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)

func TestPagesHoldTheirContentSecurityPolicy(t *testing.T) {
	w := newWeb(t, fixture())
	for _, path := range addresses {
		rec := get(t, w, path)
		if csp := rec.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'self'") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if m := inline.FindString(rec.Body.String()); m != "" {
			t.Errorf("%s: inline script or style: %q", path, m)
		}
		for _, m := range regexp.MustCompile(`(?:src|action)="([^"]+)"`).FindAllStringSubmatch(rec.Body.String(), -1) {
			if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "#") {
				t.Errorf("%s: leads outside: %s", path, m[1])
			}
		}
	}
}

const hostile = `"><script>alert('x')</script><img src=x onerror=alert(1)>`

func TestHostileNamesAreShownAsText(t *testing.T) {
	s := fixture()
	rename := func(o Objective) Objective {
		o.Title, o.Owner, o.Group, o.Service = hostile, hostile, hostile, hostile
		return o
	}
	s.Shell = func(context.Context) (Shell, error) {
		return Shell{Org: hostile, Zone: time.UTC, Broken: hostile, Refused: &Refused{Errors: 1, InForce: hostile, First: kit.Problem{File: hostile, Line: 1, Msg: hostile, Remedy: hostile}}}, nil
	}
	s.Objectives = func(context.Context) ([]Objective, error) {
		all := objectives()
		for i := range all {
			all[i] = rename(all[i])
		}
		return all, nil
	}
	s.Objective = func(ctx context.Context, ask ObjectiveAsk) (ObjectiveDetail, error) {
		d, err := objectiveFixture(ctx, ask)
		d.Objective = rename(d.Objective)
		d.Spec.Description, d.Definition.Text, d.Definition.File = hostile, "a: "+hostile+"\n"+hostile, hostile
		d.Rules[0].Name, d.Gaps[0].Reason, d.Corrections[0].Reason, d.Changes[0].Title, d.Proof.Problem, d.Groups = hostile, hostile, hostile, hostile, hostile, []string{hostile}
		d.Ceiling.From = []string{hostile}
		return d, err
	}
	s.Estate = func(context.Context, string) (Estate, error) {
		e := estateFixture("")
		for i := range e.Graph.Nodes {
			e.Graph.Nodes[i].Name += hostile
		}
		for i := range e.Graph.Edges {
			e.Graph.Edges[i].From += hostile
			e.Graph.Edges[i].To += hostile
		}
		e.Cycles = [][]string{{hostile}}
		return e, nil
	}
	w := newWeb(t, s)
	q := url.QueryEscape(hostile)
	for _, path := range []string{"/", "/objectives?q=" + q, "/objectives/checkout-availability?backtest=1&correct=1", "/estate", "/estate?focus=" + q, "/explore?expr=" + q, "/ledger?about=" + q, "/find?q=" + q, "/nowhere/" + url.PathEscape(hostile), "/organisation"} {
		body := get(t, w, path).Body.String()
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img src=x") {
			i := max(strings.Index(body, "<script>alert"), strings.Index(body, "<img src=x"))
			t.Errorf("%s: not escaped: %s", path, body[max(i-120, 0):i+60])
		}
	}
}

func TestAPageWithAThousandServicesIsFastAndSmall(t *testing.T) {
	s := fixture()
	all := make([]Objective, 0, 1000)
	small := objectives()
	for i := range 1000 {
		o := small[i%len(small)]
		o.Service = fmt.Sprintf("%s-%03d", o.Service, i)
		o.Name = o.Service + "-availability"
		all = append(all, o)
	}
	services := servicesOf(all, "lonely", 3)
	s.Objectives = func(context.Context) ([]Objective, error) { return all, nil }
	s.Services = func(context.Context) ([]Service, error) { return services, nil }
	g := Graph{}
	for i, v := range services {
		g.Nodes = append(g.Nodes, Node{Name: v.Name, Tier: v.Tier, Left: v.Left, State: v.State})
		for k := 1; k < 4 && i+k*7 < len(services); k++ {
			g.Edges = append(g.Edges, Edge{From: v.Name, To: services[i+k*7].Name, Hard: k == 1, Rate: math.NaN(), Errors: math.NaN()})
		}
	}
	s.Estate = func(context.Context, string) (Estate, error) { return Estate{Graph: g}, nil }
	w := newWeb(t, s)
	for _, path := range []string{"/", "/objectives", "/services", "/services?sort=-p95", "/estate", "/objectives/checkout-availability"} {
		best := time.Hour
		var rec *httptest.ResponseRecorder
		for range 5 {
			rec = httptest.NewRecorder()
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Accept-Encoding", "gzip")
			at := time.Now()
			w.ServeHTTP(rec, r)
			best = min(best, time.Since(at))
		}
		if rec.Code != 200 || rec.Header().Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: status %d, encoding %q", path, rec.Code, rec.Header().Get("Content-Encoding"))
		}
		t.Logf("%-36s %6d bytes gzipped, %v", path, rec.Body.Len(), best.Round(time.Microsecond))
		if rec.Body.Len() > 100_000 {
			t.Errorf("%s: %d bytes gzipped, at most 100,000 allowed", path, rec.Body.Len())
		}
		z, err := gzip.NewReader(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, z); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func BenchmarkNowWithAThousandServices(b *testing.B) {
	s := fixture()
	small, all := objectives(), []Objective{}
	for i := range 1000 {
		o := small[i%len(small)]
		o.Service = fmt.Sprintf("%s-%03d", o.Service, i)
		all = append(all, o)
	}
	services := servicesOf(all, "", 0)
	s.Objectives = func(context.Context) ([]Objective, error) { return all, nil }
	s.Services = func(context.Context) ([]Service, error) { return services, nil }
	w := newWeb(b, s)
	for b.Loop() {
		get(b, w, "/")
	}
}

func post(h http.Handler, path, origin string, form url.Values) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", origin)
	h.ServeHTTP(rec, r)
	return rec
}

func TestPostsFromOtherSitesAreRefused(t *testing.T) {
	w := newWeb(t, fixture())
	for _, path := range []string{"/preferences", "/objectives/checkout-availability/corrections", "/ledger/verify", "/system/tokens"} {
		if rec := post(w, path, "cross-site", url.Values{"theme": {"dark"}}); rec.Code != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", path, rec.Code)
		}
	}
}

func TestACorrectionIsReadInTheOrganisationsZone(t *testing.T) {
	s := fixture()
	var got Correction
	s.Correct = func(_ context.Context, by Person, c Correction) error { got = c; return nil }
	form := url.Values{"from": {"2026-10-11T02:00"}, "to": {"2026-10-11T02:40"}, "effect": {"exclude"}, "reason": {"planned maintenance"}}
	rec := post(newWeb(t, s), "/objectives/checkout-availability/corrections", "same-origin", form)
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/objectives/checkout-availability#corrections" {
		t.Errorf("status %d, to %q", rec.Code, rec.Header().Get("Location"))
	}
	if want := time.Date(2026, 10, 11, 0, 0, 0, 0, time.UTC); !got.From.Equal(want) || got.To.Sub(got.From) != 40*time.Minute || got.SLO != "checkout-availability" {
		t.Errorf("got %+v", got)
	}
}

func TestARefusedFormKeepsWhatWasTypedAndNamesEachField(t *testing.T) {
	w := newWeb(t, fixture())
	rec := post(w, "/objectives/checkout-availability/corrections", "same-origin", url.Values{"from": {"2026-10-11T02:40"}, "to": {"2026-10-11T02:00"}, "effect": {"exclude"}, "reason": {"short"}})
	body := rec.Body.String()
	if rec.Code != http.StatusUnprocessableEntity {
		t.Fatalf("status %d", rec.Code)
	}
	for _, want := range []string{"It must lie after the start.", "Say in a sentence why", `value="2026-10-11T02:40"`, ">short</textarea>", "data-failed", "checkout availability"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	rec = post(w, "/objectives/checkout-availability/reversals", "same-origin", url.Values{"id": {"c1"}, "reason": {""}})
	if rec.Code != http.StatusUnprocessableEntity || !strings.Contains(rec.Body.String(), "Reverse correction") {
		t.Errorf("reversal: status %d", rec.Code)
	}
}

func TestATokensSecretIsShownOnceAndNotKept(t *testing.T) {
	w := newWeb(t, fixture())
	rec := post(w, "/system/tokens", "same-origin", url.Values{"name": {"grafana"}, "role": {"viewer"}, "days": {"90"}})
	if rec.Code != http.StatusCreated || !strings.Contains(rec.Body.String(), "evk_7fq2") || rec.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, cache %q", rec.Code, rec.Header().Get("Cache-Control"))
	}
	if strings.Contains(get(t, w, "/system").Body.String(), "evk_7fq2") {
		t.Error("the secret is shown again")
	}
	if rec := post(w, "/system/tokens", "same-origin", url.Values{"name": {""}, "role": {"king"}, "days": {"x"}}); rec.Code != http.StatusUnprocessableEntity || strings.Count(rec.Body.String(), `class="err"`) < 3 {
		t.Errorf("a wrong form: status %d", rec.Code)
	}
}

func TestWhoMayNotIsSentToSignInOrToldWhy(t *testing.T) {
	s := fixture()
	s.SignIn = func(http.ResponseWriter, *http.Request, string) error {
		return kit.Errorf(kit.Denied, "this token is not known")
	}
	s.Who = func(*http.Request) Person { return Person{} }
	w := newWeb(t, s)
	rec := get(t, w, "/objectives?state=paging")
	if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != "/sign-in?to=%2Fobjectives%3Fstate%3Dpaging" {
		t.Errorf("status %d, to %q", rec.Code, rec.Header().Get("Location"))
	}
	if rec := get(t, w, "/search?q=x"); rec.Code != http.StatusUnauthorized {
		t.Errorf("search: status %d", rec.Code)
	}
	if rec := post(w, "/sign-in/session", "same-origin", url.Values{"token": {"secret-of-mine"}, "to": {"/"}}); rec.Code != http.StatusForbidden || strings.Contains(rec.Body.String(), "secret-of-mine") || !strings.Contains(rec.Body.String(), "This token is not known.") {
		t.Errorf("sign-in: status %d", rec.Code)
	}
	s.Who = func(*http.Request) Person {
		return Person{Name: "vera", Role: "viewer", May: func(r Right) bool { return r == Read }}
	}
	w = newWeb(t, s)
	if rec := post(w, "/objectives/checkout-availability/corrections", "same-origin", nil); rec.Code != http.StatusForbidden || !strings.Contains(rec.Body.String(), "slo.correct") {
		t.Errorf("a viewer's correction: status %d", rec.Code)
	}
	if body := get(t, w, "/objectives/checkout-availability?correct=1").Body.String(); strings.Contains(body, "Add correction") {
		t.Error("a viewer is shown the form")
	}
	if body := get(t, w, "/").Body.String(); strings.Contains(body, `href="/explore"`) {
		t.Error("the section list shows what the person may not see")
	}
}

func TestSignInNeverLeadsToAnotherSite(t *testing.T) {
	for to, want := range map[string]bool{"/": true, "/x?y": true, "//evil.example": false, `/\evil.example`: false, "http://here/x": true, "http://here.evil.example/": false, "https://evil.example": false, "javascript:alert(1)": false} {
		if got := sameSite(to, "here"); got != want {
			t.Errorf("sameSite(%q) = %v", to, got)
		}
	}
}

func TestAnUnchangedFragmentIsNotSentTwice(t *testing.T) {
	w := newWeb(t, fixture())
	first := get(t, w, "/?frag=fleet")
	if first.Code != 200 || !strings.HasPrefix(first.Body.String(), "<section") {
		t.Fatalf("status %d: %s", first.Code, short(200, first.Body.String()))
	}
	r := httptest.NewRequest("GET", "/?frag=fleet", nil)
	r.Header.Set("If-None-Match", first.Header().Get("ETag"))
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	if rec.Code != http.StatusNotModified || rec.Body.Len() != 0 {
		t.Errorf("status %d, %d bytes", rec.Code, rec.Body.Len())
	}
	if rec := get(t, w, "/?frag=layout"); rec.Code != http.StatusNotFound {
		t.Errorf("an unknown fragment: status %d", rec.Code)
	}
}

// Each fragment address on a page answers with that fragment, so that it can be put in place of the old one.
func TestEveryFragmentAnswersForItself(t *testing.T) {
	w := newWeb(t, fixture())
	frag := regexp.MustCompile(`data-frag="([^"]+)"`)
	n := 0
	for _, path := range addresses {
		for _, m := range frag.FindAllStringSubmatch(get(t, w, path).Body.String(), -1) {
			n++
			rec := get(t, w, strings.ReplaceAll(m[1], "&amp;", "&"))
			if rec.Code != 200 || !strings.Contains(rec.Body.String(), `data-frag="`+m[1]+`"`) {
				t.Errorf("%s: fragment %s: status %d", path, m[1], rec.Code)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d fragments found", n)
	}
}

func TestThePreferenceIsKeptAndRendered(t *testing.T) {
	w := newWeb(t, fixture())
	rec := post(w, "/preferences", "same-origin", url.Values{"theme": {"dark"}})
	cookie := rec.Result().Cookies()[0]
	r := httptest.NewRequest("GET", "/help", nil)
	r.AddCookie(cookie)
	out := httptest.NewRecorder()
	w.ServeHTTP(out, r)
	if !strings.Contains(out.Body.String(), `<html lang="en" data-theme="dark">`) || !cookie.HttpOnly {
		t.Error("the theme is not rendered")
	}
}

func TestTheSectionListShowsOnlyWhatIsThere(t *testing.T) {
	s := fixture()
	s.Query, s.Estate = nil, nil
	w := newWeb(t, s)
	body := get(t, w, "/").Body.String()
	if strings.Contains(body, ">Explore<") || strings.Contains(body, ">Estate<") || !strings.Contains(body, ">Ledger<") {
		t.Error("the section list does not follow the sources")
	}
	if rec := get(t, w, "/explore"); rec.Code != http.StatusNotFound {
		t.Errorf("explore without metrics: status %d", rec.Code)
	}
}

func TestTheHelpPageNamesTheKeysOfAllSections(t *testing.T) {
	for _, p := range All {
		if p.Nav == "" {
			continue
		}
		if !slices.Contains(sectionKeys, [2]string{p.Key, p.Nav}) {
			t.Errorf("%s (g %s) is missing in sectionKeys", p.Nav, p.Key)
		}
	}
}

func TestTheLedgerIsVerifiedBeforeTheReadersEyes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := fixture()
		s.Verify = func(ctx context.Context, progress func(done, total int64)) (Verdict, error) {
			progress(500_000, 1_000_000)
			time.Sleep(time.Minute)
			return Verdict{At: fixedNow, Facts: 1_000_000, Took: time.Minute, Break: "fact 17 was changed", Seq: 17}, nil
		}
		w := newWeb(t, s)
		if rec := post(w, "/ledger/verify", "same-origin", nil); rec.Code != http.StatusSeeOther {
			t.Fatalf("status %d", rec.Code)
		}
		synctest.Wait()
		if body := get(t, w, "/ledger?frag=trust").Body.String(); !strings.Contains(body, "500,000 of 1,000,000") || !strings.Contains(body, "data-poll") {
			t.Error("progress is not shown")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if body := get(t, w, "/ledger?frag=trust").Body.String(); !strings.Contains(body, "fact 17 was changed") || strings.Contains(body, "data-poll") {
			t.Error("the break is not named")
		}
		w.Close()
	})
}

func TestTargetsKeepTheDigitsTheyWereWrittenWith(t *testing.T) {
	for text, want := range map[string]string{"0.9995": "99.95%", "0.99": "99%", "0.9": "90%", "0.05": "5%", "0.99999": "99.999%", "0.005": "0.5%"} {
		if got := targetText(slo.MustDecimal(text)); got != want {
			t.Errorf("%s prints as %s, want %s", text, got, want)
		}
	}
}

func TestErrorsOfOursAreNotShown(t *testing.T) {
	s := fixture()
	s.Services = func(context.Context) ([]Service, error) { return nil, fmt.Errorf("read /secret/path: disk on fire") }
	rec := get(t, newWeb(t, s), "/services")
	if rec.Code != 500 || strings.Contains(rec.Body.String(), "disk on fire") || !strings.Contains(rec.Body.String(), "what was recorded is safe") {
		t.Errorf("status %d: %s", rec.Code, short(300, rec.Body.String()))
	}
}

func TestListsFilterSortAndPage(t *testing.T) {
	w := newWeb(t, fixture())
	body := get(t, w, "/objectives?tier=0&sort=-burn").Body.String()
	if !strings.Contains(body, "5 of 20 objectives") || strings.Index(body, ">payments<") > strings.LastIndex(body, ">gateway<") || !strings.Contains(body, `aria-sort="descending"`) {
		t.Error("the list is not filtered and sorted")
	}
	if body := get(t, w, "/objectives?q=nothing-like-it").Body.String(); !strings.Contains(body, "No objective matches") || !strings.Contains(body, "Clear the filter") {
		t.Error("an empty result does not offer to clear the filter")
	}
	if rec := get(t, w, "/objectives/checkout-availability?range=9y"); rec.Code != http.StatusUnprocessableEntity {
		t.Errorf("a wrong range: status %d", rec.Code)
	}
}
