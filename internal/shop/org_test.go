package shop_test

import (
	"slices"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/shop"
	"evenkeel.dev/evenkeel/internal/store/org"
)

// now is a Thursday afternoon in Amsterdam.
var now = time.Date(2026, 10, 22, 14, 32, 11, 0, time.UTC)

func past(t testing.TB, seed uint64) *shop.History {
	t.Helper()
	h, err := shop.NewHistory(now, seed, map[string]string{"probe": "front-door"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func directory(t *testing.T) (*org.Directory, []kit.Problem) {
	t.Helper()
	dir := t.TempDir()
	if err := shop.WriteOrg(dir, past(t, 1), "http://127.0.0.1:40001"); err != nil {
		t.Fatal(err)
	}
	return org.Load(dir, org.Options{Strict: true})
}

func TestTheOrgDirectoryHoldsNoErrorAndOnlyKnownFindings(t *testing.T) {
	_, problems := directory(t)
	var known []string
	for _, p := range problems {
		t.Log(p.Rule, p)
		if p.Severity == kit.SeverityError {
			t.Errorf("%s", p)
		}
		if p.Severity == kit.SeverityWarning {
			known = append(known, p.Rule)
		}
	}
	slices.Sort(known)
	if want := []string{"ceiling", "tier-inversion"}; !slices.Equal(slices.Compact(known), want) {
		t.Errorf("the demo warns of %v, should show %v", known, want)
	}
}

func TestTheCatalogDeclaresWhatTheShopDoes(t *testing.T) {
	d, _ := directory(t)
	var calls []estate.Call
	for _, e := range shop.Edges() {
		calls = append(calls, estate.Call{From: e.From, To: e.To})
	}
	ties, strangers := d.Catalog.Compare(calls)
	if want := []string{"gift-wrap"}; !slices.Equal(strangers, want) {
		t.Errorf("names that no file claims: %v, want %v", strangers, want)
	}
	hard := map[string]bool{}
	for _, e := range shop.Edges() {
		hard[e.From+" "+e.To] = e.Hard && e.From != "gateway" // which fails by shares
	}
	for _, tie := range ties {
		if !tie.Declared || !tie.Observed {
			t.Errorf("%s -> %s: declared %v, in the plan %v", tie.From, tie.To, tie.Declared, tie.Observed)
		}
		if want := hard[tie.From.Name()+" "+tie.To.Name()]; tie.Hard != want {
			t.Errorf("%s -> %s is declared hard=%v, in the plan %v", tie.From, tie.To, tie.Hard, want)
		}
	}
}

func TestTheObjectivesShowEveryKindOfIndicatorAndAreCountedExactly(t *testing.T) {
	d, _ := directory(t)
	h := past(t, 1)
	seen := map[string]bool{}
	for _, o := range d.Objectives {
		if !o.Start.Equal(h.From) {
			t.Errorf("%s starts %s, want the begin of the past, %s", o.Name, o.Start, h.From)
		}
		parts := []slo.Objective{o}
		if o.Composite != nil {
			seen["composite"] = true
			parts = parts[:0]
			for _, p := range o.Composite.Parts {
				parts = append(parts, p.Objective)
			}
		}
		for _, p := range parts {
			seen[string(p.Indicator.Kind)] = true
			if !p.Indicator.Total.Exact() {
				t.Errorf("%s is not counted exactly: %s", o.Name, p.Indicator.Total.Text)
			}
		}
		seen["method "+string(o.Method)] = true
		seen["calendar"] = seen["calendar"] || o.Window.Unit != ""
		seen["grouped"] = seen["grouped"] || len(o.GroupBy) > 0
	}
	for _, want := range []string{"bad_total", "good_total", "histogram", "native", "gauge", "composite", "method timeslices", "calendar", "grouped"} {
		if !seen[want] {
			t.Errorf("no objective shows %s; there are %v", want, seen)
		}
	}
	if len(d.Incidents) != len(h.Incidents) || len(d.Incidents) < 8 {
		t.Errorf("%d incidents in the directory, %d in the past", len(d.Incidents), len(h.Incidents))
	}
}
