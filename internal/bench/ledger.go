package main

import (
	"context"
	"fmt"

	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/ledger/ledgerbench"
)

func ledgerAppend(ctx context.Context, dir string) (figure, error) {
	ours, peer, err := ledgerbench.Append(ctx, dir, 60_000, projection.All)
	if err != nil {
		return figure{}, err
	}
	singles, err := ledgerbench.Singles(ctx, dir, 20_000, 64, projection.All)
	if err != nil {
		return figure{}, err
	}
	fmt.Printf("batches of 200: ours %.0f facts/s, peer %.0f rows/s of wall time\n", ours.Rate, peer.Rate)
	fmt.Printf("64 callers of single facts: %.0f facts/s, %.1f us of CPU a fact\n", singles.Rate, micros(singles))
	return figure{ours: micros(ours), peer: micros(peer), unit: "CPU-us/fact"}, nil
}

func micros(c ledgerbench.Cost) float64 { return float64(c.CPU.Nanoseconds()) / 1000 }
