package shop_test

import (
	"fmt"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/shop"
)

func TestExplore(t *testing.T) {
	now := time.Date(2026, 10, 22, 14, 32, 0, 0, time.UTC)
	from := time.Now()
	h, err := shop.NewHistory(now, 1, map[string]string{"probe": "front-door"})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	series := map[string]bool{}
	type sum struct{ bad, total, first float64 }
	count := map[string]*[2]float64{}
	last := map[string]float64{}
	cut := now.Add(-28 * 24 * time.Hour).UnixMilli()
	for s := range h.Series() {
		n += len(s.Points)
		key := s.Labels.String()
		series[key] = true
		name := s.Labels.Get("__name__")
		code := s.Labels.Get("http_response_status_code")
		le := s.Labels.Get("le")
		job := s.Labels.Get("job") + " " + s.Labels.Get("http_route")
		add := func(k string, i int, d float64) {
			if count[k] == nil {
				count[k] = new([2]float64)
			}
			count[k][i] += d
		}
		for _, p := range s.Points {
			d := p.V - last[key]
			if d < 0 {
				d = p.V
			}
			last[key] = p.V
			if p.T < cut {
				continue
			}
			switch {
			case name == "http_server_request_duration_seconds_count":
				add("avail "+job, 1, d)
				if code >= "5" {
					add("avail "+job, 0, d)
				}
				add("lat "+job, 1, d)
				add("lat "+job, 0, d)
			case name == "http_server_request_duration_seconds_bucket" && le == "0.25":
				add("lat "+job, 0, -d)
			case name == "notifications_sent_total":
				add("sent", 1, d)
				if s.Labels.Get("outcome") == "failed" {
					add("sent", 0, d)
				}
			}
		}
	}
	fmt.Println(n, len(series), time.Since(from))
	for k, v := range count {
		fmt.Printf("%-50s bad %8.0f total %9.0f  ratio %.5f\n", k, v[0], v[1], v[0]/v[1])
	}
}
