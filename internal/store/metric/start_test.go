package metric

import (
	"context"
	"log/slog"
	"testing"
	"time"
)

func BenchmarkOpenAndHandler(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		t0 := time.Now()
		s, err := Open(context.Background(), Options{Dir: dir, Log: slog.New(slog.DiscardHandler), MinFree: 1})
		if err != nil {
			b.Fatal(err)
		}
		t1 := time.Now()
		_ = s.Handler()
		b.ReportMetric(float64(t1.Sub(t0).Milliseconds()), "open-ms")
		b.ReportMetric(float64(time.Since(t1).Milliseconds()), "handler-ms")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
