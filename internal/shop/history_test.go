package shop_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"net/http/httptest"

	"evenkeel.dev/evenkeel/internal/intake"
	"evenkeel.dev/evenkeel/internal/shop"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

func TestThePastIsTheSameForTheSameSeedAndInOrder(t *testing.T) {
	h := past(t, 7)
	type last struct {
		t     int64
		v     float64
		count int
	}
	first := map[string]last{}
	for s := range h.Series() {
		l := first[s.Labels.String()]
		for _, p := range s.Points {
			if p.T <= l.t || p.T < h.From.UnixMilli() || p.T >= h.To.UnixMilli() {
				t.Fatalf("%s: sample at %d after %d, past is [%d, %d)", s.Labels, p.T, l.t, h.From.UnixMilli(), h.To.UnixMilli())
			}
			l.t, l.v = p.T, p.V
			l.count++
		}
		first[s.Labels.String()] = l
	}
	again := map[string]last{}
	for s := range past(t, 7).Series() {
		l := again[s.Labels.String()]
		p := s.Points[len(s.Points)-1]
		again[s.Labels.String()] = last{p.T, p.V, l.count + len(s.Points)}
	}
	if !maps.Equal(first, again) {
		t.Fatal("two pasts of one seed differ")
	}
	if len(first) < 150 || len(first) > 250 {
		t.Fatalf("%d series; the demo is meant to stay small", len(first))
	}
}

func TestBucketsNeverExceedTheirCount(t *testing.T) {
	bySeries := map[string]map[string]float64{} // labels without le -> le -> last value
	for s := range past(t, 3).Series() {
		if s.Labels.Get(model.MetricNameLabel) != "http_server_request_duration_seconds_bucket" {
			continue
		}
		key := s.Labels.MatchLabels(false, "le").String()
		if bySeries[key] == nil {
			bySeries[key] = map[string]float64{}
		}
		bySeries[key][s.Labels.Get("le")] = s.Points[len(s.Points)-1].V
	}
	order := []string{"0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf"}
	for key, les := range bySeries {
		for i := 1; i < len(order); i++ {
			if les[order[i-1]] > les[order[i]] {
				t.Errorf("%s: le=%s holds %g, le=%s only %g", key, order[i-1], les[order[i-1]], order[i], les[order[i]])
			}
		}
	}
}

func TestEachDeclaredIncidentShowsInTheSeriesOfAServiceItHurt(t *testing.T) {
	h := past(t, 1)
	worst := map[string]float64{} // incident -> largest share of failed or slow requests in its time
	type window struct{ bad, total float64 }
	sums := map[string]*window{} // incident and service
	previous := map[string]float64{}
	for s := range h.Series() {
		name, job := s.Labels.Get(model.MetricNameLabel), s.Labels.Get("job")
		bad := 0.0
		switch {
		case name == "http_server_request_duration_seconds_count" && strings.HasPrefix(s.Labels.Get("http_response_status_code"), "5"):
			bad = 2 // counts in total and, as no bucket takes it off again, in bad
		case name == "http_server_request_duration_seconds_count":
			bad = 1
		case name == "http_server_request_duration_seconds_bucket" && s.Labels.Get("le") == "0.5" && s.Labels.Get("http_response_status_code") == "200":
			bad = -1
		default:
			continue
		}
		key := s.Labels.String()
		for _, p := range s.Points {
			d := p.V - previous[key]
			if d < 0 {
				d = p.V
			}
			previous[key] = p.V
			at := time.UnixMilli(p.T)
			for _, in := range h.Incidents {
				if at.Before(in.From) || !at.Before(in.To) || !slices.Contains(in.Services, job) {
					continue
				}
				w := sums[in.ID+job]
				if w == nil {
					w = &window{}
					sums[in.ID+job] = w
				}
				w.bad += min(bad, 1) * d
				if bad > 0 {
					w.total += d
				}
				worst[in.ID] = max(worst[in.ID], w.bad/max(w.total, 1))
			}
		}
	}
	for _, in := range h.Incidents {
		if in.Declared && worst[in.ID] < 0.02 {
			t.Errorf("%s %q: at most %.4f of requests failed or were slow", in.ID, in.Title, worst[in.ID])
		}
	}
}

// TestLiveTelemetryContinuesThePast runs the shop into a real metric store and compares the series.
func TestLiveTelemetryContinuesThePast(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	store, err := metric.Open(ctx, metric.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	changed := make(chan struct{}, 1)
	in := intake.New(intake.Options{Now: time.Now, Metrics: func(ctx context.Context, md pmetric.Metrics) (int64, string, error) {
		st, err := store.WriteOTLP(ctx, md)
		select {
		case changed <- struct{}{}:
		default:
		}
		return st.Rejected, st.Reason, err
	}})
	srv := httptest.NewServer(in.Handler())
	defer srv.Close()
	s, err := shop.New(shop.Options{OTLP: srv.URL, Seed: 1, Load: 8, Every: 500 * time.Millisecond, Now: time.Now, Show: []shop.Fault{
		{Kind: shop.ErrorBurst, On: "payments", For: time.Minute, Errors: 0.5}}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()

	h := past(t, 1)
	old := map[string]bool{}
	native := false
	for s := range h.Series() {
		old[s.Labels.String()] = true
		native = native || s.Labels.Get(model.MetricNameLabel) == "search_query_duration_seconds" && s.Points[0].H != nil
	}
	if !native {
		t.Fatal("the past holds no native histogram")
	}
	limit := time.After(30 * time.Second)
	for {
		fresh := 0
		live, err := store.Series(ctx, []string{`{demo="true"}`}, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range live {
			name := l.Get(model.MetricNameLabel)
			if name == "target_info" || name == "notifications_waiting" {
				continue // of the present only
			}
			if code := l.Get("http_response_status_code"); code != "" && code != "200" && !strings.HasSuffix(name, "_count") {
				continue // of failures the past keeps the count only
			}
			if !old[l.String()] {
				t.Fatalf("the running shop sends %s, which its past does not know", l)
			}
			fresh++
		}
		if fresh > 130 {
			break
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("only %d series after 30 s", fresh)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
