package ledgerbench_test

import (
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/store/ledger/ledgerbench"
)

func BenchmarkAppendInBatchesOf200(b *testing.B) {
	n := max(b.N/200*200, 200)
	ours, peer, err := ledgerbench.Append(b.Context(), b.TempDir(), n, nil)
	if err != nil {
		b.Fatal(err)
	}
	report(b, "ours", ours)
	report(b, "peer", peer)
}

func BenchmarkAppendBy64Callers(b *testing.B) {
	c, err := ledgerbench.Singles(b.Context(), b.TempDir(), max(b.N, 64), 64, nil)
	if err != nil {
		b.Fatal(err)
	}
	report(b, "ours", c)
}

func BenchmarkAppendByOneCaller(b *testing.B) {
	c, err := ledgerbench.Singles(b.Context(), b.TempDir(), b.N, 1, nil)
	if err != nil {
		b.Fatal(err)
	}
	report(b, "ours", c)
}

func report(b *testing.B, who string, c ledgerbench.Cost) {
	b.ReportMetric(float64(c.CPU)/float64(time.Microsecond), who+"-cpu-us/fact")
	b.ReportMetric(c.Rate, who+"-facts/s")
}

func BenchmarkOpenWith200kFacts(b *testing.B) {
	took, err := ledgerbench.Reopen(b.Context(), b.TempDir(), 200_000, max(b.N, 3), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(took)/float64(time.Millisecond), "ms/open")
}
