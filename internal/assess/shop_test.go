package assess_test

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/assess"
	"evenkeel.dev/evenkeel/internal/shop"
	"evenkeel.dev/evenkeel/internal/store/metric"
	"evenkeel.dev/evenkeel/internal/store/org"
)

func TestTheShopsPastIsAssessedOverHTTP(t *testing.T) {
	ctx, now := context.Background(), time.Now().UTC().Truncate(time.Minute)
	h, err := shop.NewHistory(now, 1, map[string]string{"probe": "front-door"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := metric.BackfillBlocks(ctx, dir, h.Series()); err != nil {
		t.Fatal(err)
	}
	s, err := metric.Open(ctx, metric.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	r, err := metric.NewRemote(metric.RemoteOptions{URL: srv.URL})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	a, err := assess.Run(ctx, assess.Options{Source: r, Address: srv.URL, Rules: r.Rules, Now: now, Say: func(l string) { t.Log(l) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s in %s; %d queries, %d points", a.Summary(), time.Since(began).Round(time.Millisecond), a.Queries, a.Points)
	to := filepath.Join(t.TempDir(), "org")
	if err := a.Write(to); err != nil {
		t.Fatal(err)
	}
	lints(t, to, len(a.Services), len(a.Drafts))
	if keep := os.Getenv("EVENKEEL_ASSESS_KEEP"); keep != "" {
		if err := os.CopyFS(keep, os.DirFS(to)); err != nil {
			t.Fatal(err)
		}
	}
	for _, in := range h.Incidents {
		t.Log(in.Kind, in.Services, in.From, in.To)
	}
	seen := map[string]bool{}
	for _, b := range a.Missed() {
		for _, in := range h.Incidents {
			if b.From.Before(in.To.Add(30*time.Minute)) && in.From.Before(b.To) {
				seen[in.ID] = true
			}
		}
	}
	if len(a.Services) < 10 || len(a.Missed()) == 0 || len(seen) < len(h.Incidents)/2 {
		t.Errorf("%d services, %d missed burns, %d of %d incidents among them", len(a.Services), len(a.Missed()), len(seen), len(h.Incidents))
	}
}

// lints reads a written directory as the server would.
func lints(t *testing.T, dir string, services, objectives int) {
	t.Helper()
	d, problems := org.Load(dir, org.Options{Strict: true})
	for _, p := range problems {
		t.Error(p)
	}
	if len(d.Catalog.OfKind("Component")) != services || len(d.Objectives) != objectives {
		t.Errorf("%d components and %d objectives are read, want %d and %d", len(d.Catalog.OfKind("Component")), len(d.Objectives), services, objectives)
	}
	for _, o := range d.Objectives {
		if !o.Indicator.Total.Exact() {
			t.Errorf("%s is not counted exactly: %s", o.Name, o.Indicator.Total.Text)
		}
	}
	for _, f := range []string{assess.ReportHTML, assess.ReportMD} {
		body, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil || !strings.Contains(string(body), "What the alerts miss") {
			t.Errorf("%s: %v", f, err)
		}
	}
}
