package metric

import (
	"context"
	"fmt"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// BenchmarkRawNewest is what an evaluation reads each minute: the newest samples of 10 series for each of 1,000 selectors.
func BenchmarkRawNewest(b *testing.B) {
	s := openStore(b)
	for minute := range 5 {
		var all []kit.Sample
		for i := range 1000 {
			for pod := range 10 {
				all = append(all, sample(fmt.Sprintf("http_requests_total{job=svc%04d,pod=p%d}", i, pod), time.Duration(minute)*time.Minute, float64(minute)))
			}
		}
		appendAll(b, s, all...)
	}
	from, to := base.Add(4*time.Minute-30*time.Second), base.Add(4*time.Minute+time.Second)
	ctx := context.Background()
	for b.Loop() {
		n := 0
		for i := range 1000 {
			err := s.Raw(ctx, fmt.Sprintf(`http_requests_total{job="svc%04d"}`, i), from, to, func(x Series) error { n += len(x.Points); return nil })
			if err != nil {
				b.Fatal(err)
			}
		}
		if n != 10_000 {
			b.Fatal(n)
		}
	}
}
