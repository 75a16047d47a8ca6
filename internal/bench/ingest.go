package main

import (
	"context"
	"fmt"

	"evenkeel.dev/evenkeel/internal/store/metric/ingestbench"
)

func remoteWrite(ctx context.Context, dir string) (figure, error) {
	r, err := ingestbench.RemoteWrite(ctx, dir)
	fmt.Println("20,000 series of ten labels, 2,000 samples a request; the client's processor time counts on both sides")
	return figure{ours: r.Ours, peer: r.Raw, unit: "samples/CPU-s", higher: true}, err
}

func otlp(ctx context.Context, dir string) (figure, error) {
	r, err := ingestbench.OTLP(ctx, dir)
	fmt.Println("20,000 cumulative sums of 100 resources, 2,000 points a request; the client's processor time counts on both sides")
	return figure{ours: r.Ours, peer: r.Raw, unit: "points/CPU-s", higher: true}, err
}
