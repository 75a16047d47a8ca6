package ingestbench

import (
	"context"
	"testing"
)

func TestBothSidesTakeTheRequests(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for some seconds")
	}
	for name, f := range map[string]func(context.Context, string) (Rates, error){"remote write": RemoteWrite, "OTLP": OTLP} {
		r, err := f(context.Background(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: ours %.0f, raw %.0f a CPU-second", name, r.Ours, r.Raw)
		if r.Ours <= 0 || r.Raw <= 0 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
