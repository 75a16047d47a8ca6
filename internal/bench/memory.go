package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"time"
)

// settled is how long the demo runs before it is weighed, and how long it is watched then.
const settled = 60 * time.Second

// memory weighs the demo a minute after it was ready, and the evaluation's share for one objective.
func memory(ctx context.Context, dir string) (_ figure, err error) {
	_, perSLO, err := evaluate(ctx, dir, 200, 31)
	if err != nil {
		return figure{}, err
	}
	fmt.Printf("the evaluation holds %.1f kB of heap for an objective of ten series, its 30 days full: what is freed after it is dropped, the metric store kept\n", perSLO/1000)
	s, err := startServer(ctx, 2*time.Minute, "demo", "--data", filepath.Join(dir, "demo"))
	if err != nil {
		return figure{}, err
	}
	fmt.Printf("demo: ready after %.1f s\n", s.ready.Seconds())
	f, err := weigh(ctx, s)
	if stopErr := s.stop(); err == nil {
		err = stopErr
	}
	return f, err
}

func weigh(ctx context.Context, s *server) (figure, error) {
	if err := pause(ctx, settled); err != nil {
		return figure{}, err
	}
	before, err := s.spent()
	if err != nil {
		return figure{}, err
	}
	if err := pause(ctx, settled); err != nil {
		return figure{}, err
	}
	after, err := s.spent()
	if err != nil {
		return figure{}, err
	}
	all, own, err := s.resident()
	if err != nil {
		return figure{}, err
	}
	fmt.Printf("demo: %.1f %% of one core in its second minute, shop and load included; %.0f MB resident, %.0f MB of them its own, the rest pages of files\n",
		(after-before)/settled.Seconds()*100, all/1e6, own/1e6)
	return figure{ours: all / 1e6, peer: math.NaN(), unit: "MB-resident"}, nil
}
