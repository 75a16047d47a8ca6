package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

func TestAnAnswerThatDidNotChangeIsNotSentAgain(t *testing.T) {
	f := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	f.fired(t, 1)
	for _, op := range operations {
		if op.method != "GET" || op.path == "/export/slos" || op.path == "/ledger/export" { // these are streamed
			continue
		}
		path := strings.TrimPrefix(fill(op.path), "/api/v1")
		_, head, _ := f.do(t, admin, "GET", "/api/v1"+path, "")
		etag := head.Get("ETag")
		if cache := head.Get("Cache-Control"); cache != "private, no-cache" {
			t.Errorf("%s may be kept as %q", path, cache)
		}
		if etag == "" {
			t.Errorf("%s has no ETag", path)
			continue
		}
		code, head, body := f.do(t, admin, "GET", "/api/v1"+path, "", "If-None-Match", etag)
		if code != http.StatusNotModified || body != "" || head.Get("ETag") != etag {
			t.Errorf("%s again: %d %q", path, code, body)
		}
	}
	_, head, _ := f.do(t, admin, "GET", "/api/v1/facts", "")
	f.fired(t, 3)
	if code, _, _ := f.do(t, admin, "GET", "/api/v1/facts", "", "If-None-Match", head.Get("ETag")); code != http.StatusOK {
		t.Errorf("changed facts: %d, want 200", code)
	}
}

type listed[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// walk reads all pages and runs meanwhile between them.
func walk[T any](t *testing.T, f *fixture, path string, meanwhile func()) []T {
	t.Helper()
	var all []T
	cursor := ""
	for range 1000 {
		var p listed[T]
		f.get(t, path+"&cursor="+cursor, &p)
		all = append(all, p.Items...)
		if p.Next == "" {
			return all
		}
		cursor = p.Next
		meanwhile()
	}
	t.Fatalf("%s has no end", path)
	return nil
}

func TestPagesShowEachItemOnceWhileMoreComeIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := open(t, d)
		last := f.fired(t, 25)
		extra := 0
		more := func() {
			extra++
			a := &event.AlertFired{AlertID: fmt.Sprintf("b%04d", extra), GroupKey: "g", Rule: "page-1h", Severity: "page", StartsAt: now, SLO: "checkout-availability"}
			if _, err := f.ledger.Append(t.Context(), ledger.Batch{Events: []event.Event{{Kind: a.Kind(), At: now, By: budget.By, About: "slo:checkout-availability", Key: a.AlertID, Fact: a}}}); err != nil {
				t.Fatal(err)
			}
		}
		facts := walk[api.Fact](t, f, "/api/v1/facts?limit=4", more)
		for i, x := range facts {
			if x.Seq != last-int64(i) {
				t.Fatalf("fact %d of the list is %d, want %d", i, x.Seq, last-int64(i))
			}
		}
		if int64(len(facts)) != last {
			t.Errorf("%d facts, want %d", len(facts), last)
		}
		alerts := walk[api.Alert](t, f, "/api/v1/alerts?limit=4", more)
		seen := map[string]int{}
		for _, a := range alerts {
			seen[a.ID]++
		}
		for i := range 25 {
			if id := fmt.Sprintf("a%04d", i); seen[id] != 1 {
				t.Errorf("alert %s listed %d times", id, seen[id])
			}
		}
	})
}
