package assess_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/assess"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// tenDays is how long the history of alerts is, in minutes.
const tenDays = 14_400

// outage makes a counter pair of a service that fails altogether from minute 6000 to 6030, and again from 10000 to 10030.
func outage(service string) []metric.Series {
	good, bad := counterOf(tenDays, 0, "http_requests_total", "job", service, "code", "200"), counterOf(tenDays, 0, "http_requests_total", "job", service, "code", "500")
	g, b := 0.0, 0.0
	for i := range good.Points {
		if i >= 6000 && i < 6030 || i >= 10_000 && i < 10_030 {
			b += 600
		} else {
			g += 600
		}
		good.Points[i].V, bad.Points[i].V = g, b
	}
	return []metric.Series{good, bad}
}

// firing is an ALERTS series that is there in some minutes, [from, to) pairs.
func firing(name string, minutes []int, pairs ...string) metric.Series {
	s := counterOf(tenDays, 0, "ALERTS", append([]string{"alertname", name, "alertstate", "firing"}, pairs...)...)
	all := s.Points
	s.Points = nil
	for i := 0; i < len(minutes); i += 2 {
		for _, p := range all[minutes[i]:minutes[i+1]] {
			p.V = 1
			s.Points = append(s.Points, p)
		}
	}
	return s
}

func rules(rs ...metric.ServingRule) func(context.Context) ([]metric.RuleGroup, error) {
	for i := range rs {
		if rs[i].Type == "" {
			rs[i].Type = "alerting"
		}
	}
	return func(context.Context) ([]metric.RuleGroup, error) {
		return []metric.RuleGroup{{Name: "g", Rules: rs}}, nil
	}
}

func TestAlertsAreSetBesideBurningBudgets(t *testing.T) {
	series := append(outage("basket"), outage("cart")...)
	series = append(series,
		firing("BasketErrors", []int{6005, 6040}, "job", "basket", "severity", "page"),
		firing("Flappy", []int{100, 103, 200, 203, 300, 303, 400, 403, 500, 503}, "job", "basket"),
		firing("Always", []int{0, tenDays}, "job", "cart"))
	s := store(t, series...)
	a, err := assess.Run(context.Background(), assess.Options{Source: s, Days: 10, Now: now, Rules: rules(
		metric.ServingRule{Name: "BasketErrors", Query: `job:errors{job="basket"} > 0.1`, Annotations: map[string]string{"runbook_url": "x", "dashboard": "y"}, Labels: map[string]string{"team": "z"}},
		metric.ServingRule{Name: "Flappy", Query: `rate(http_requests_total{job="basket"}[1m]) > 1`},
		metric.ServingRule{Name: "Always", Query: `up{job="cart"} < 2`},
		metric.ServingRule{Name: "Typo", Query: `http_request_total > 1`},
		metric.ServingRule{Name: "OnlyWhenFailing", Query: `rate(http_requests_total{job="cart",code="599"}[5m]) > 0`},
		metric.ServingRule{Name: "Gone", Query: `absent(http_requests_total{job="other"})`},
		metric.ServingRule{Name: "Broken", Query: `x`, Health: "err", LastError: "many-to-many"},
		metric.ServingRule{Name: "job:errors", Type: "recording", Query: `sum by (job) (http_requests_total)`},
	)})
	if err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]string{}
	for i := range a.Alerts {
		verdicts[a.Alerts[i].Name] = a.Alerts[i].Verdict()
	}
	for name, want := range map[string]string{
		"BasketErrors": "told of a burning budget", "Flappy": "noise: fired 5 times", "Always": "noise: fires nearly all the time",
		"Typo": "cannot fire: nothing matches http_request_total", "OnlyWhenFailing": "never fired", "Gone": "never fired", "Broken": "cannot be evaluated: many-to-many",
	} {
		if !strings.HasPrefix(strings.ReplaceAll(verdicts[name], "\u00a0", " "), want) {
			t.Errorf("%s is judged %q, want %q", name, verdicts[name], want)
		}
	}
	var missed, heard []string
	for _, b := range a.Pages() {
		at := b.Objective + b.From.Sub(now.Add(-tenDays*time.Minute)).Truncate(time.Hour).String()
		if len(b.By) == 0 {
			missed = append(missed, at)
		} else {
			heard = append(heard, at+" "+strings.Join(b.By, ","))
		}
	}
	slices.Sort(missed)
	if want := []string{"basket-availability167h0m0s", "cart-availability100h0m0s", "cart-availability167h0m0s"}; !slices.Equal(missed, want) {
		t.Errorf("missed %v, want %v", missed, want)
	}
	if want := []string{"basket-availability100h0m0s BasketErrors"}; !slices.Equal(heard, want) {
		t.Errorf("heard %v, want %v", heard, want)
	}
	if text := string(a.Markdown()); !strings.Contains(text, "Missing in 7 alerting rules: a runbook in 6, an owner in 6, a dashboard in 6.") {
		t.Errorf("the report says:\n%s", text)
	}
}

func TestHostileTextStaysText(t *testing.T) {
	s := store(t, counter(100, "http_requests_total", "job", `<script>alert(1)</script>|"`, "code", "200"))
	a, err := assess.Run(context.Background(), assess.Options{Source: s, Days: 1, Now: now,
		Rules: rules(metric.ServingRule{Name: "<img src=x>|", Query: "((", Health: "err", LastError: "<b>\n# head"})})
	if err != nil {
		t.Fatal(err)
	}
	html, err := a.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(html), string(a.Markdown())} {
		for _, bad := range []string{"<script", "<img", "<b>\n"} {
			if strings.Contains(text, bad) {
				t.Errorf("%q stands in a report", bad)
			}
		}
	}
	dir := t.TempDir() + "/org"
	if err := a.Write(dir); err != nil {
		t.Fatal(err)
	}
	lints(t, dir, 1, 1)
}
