// Command bench measures what docs/performance.md states: ours and a peer in the same run. It prints one closing line a
// benchmark: NAME ours=… peer=… ratio=… unit=…, where ratio is how many times better ours is, and peer=- says that no peer
// was measured. What was measured how is printed before it.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// figure is the outcome of one benchmark.
type figure struct {
	ours   float64
	peer   float64 // NaN = not measured in this run
	unit   string
	higher bool // rates: more is better; costs otherwise
}

func (f figure) line(name string) string {
	peer, ratio := "-", "-"
	if !math.IsNaN(f.peer) {
		peer = number(f.peer)
		if r := f.peer / f.ours; f.higher {
			ratio = number(1 / r)
		} else {
			ratio = number(r)
		}
	}
	return fmt.Sprintf("%s ours=%s peer=%s ratio=%s unit=%s", name, number(f.ours), peer, ratio, f.unit)
}

func number(x float64) string { return fmt.Sprintf("%.4g", x) }

// benchmark is one line of all.
type benchmark struct {
	name  string
	about string // what is measured, and what the peer is
	run   func(ctx context.Context, dir string) (figure, error)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	only := flag.String("only", "", "names of benchmarks, comma separated; empty = all")
	list := flag.Bool("list", false, "list the benchmarks")
	keep := flag.String("keep", "", "work in this directory and leave the large data there, to be measured again; empty = a temporary one")
	flag.Parse()
	if *list {
		for _, b := range all {
			fmt.Printf("%-14s %s\n", b.name, b.about)
		}
		return
	}
	if err := run(ctx, *only, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only, keep string) error {
	wanted := strings.FieldsFunc(only, func(r rune) bool { return r == ',' || r == ' ' })
	for _, w := range wanted {
		if !slices.ContainsFunc(all, func(b benchmark) bool { return b.name == w }) {
			return fmt.Errorf("benchmark %q does not exist; see -list", w)
		}
	}
	base := keep
	if keep == "" {
		var err error
		if base, err = os.MkdirTemp("", "evenkeel-bench-"); err != nil {
			return err
		}
		defer os.RemoveAll(base)
	}
	for _, b := range all {
		if len(wanted) > 0 && !slices.Contains(wanted, b.name) {
			continue
		}
		if err := one(ctx, b, filepath.Join(base, b.name)); err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
	}
	return nil
}

// one runs a benchmark in a directory of its own, which is gone afterwards.
func one(ctx context.Context, b benchmark, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("# %s: %s\n", b.name, b.about)
	f, err := b.run(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Println(f.line(b.name))
	return nil
}

// cpu is the processor time of this process so far, in seconds.
func cpu() float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return math.NaN()
	}
	return float64(r.Utime.Sec+r.Stime.Sec) + float64(r.Utime.Usec+r.Stime.Usec)/1e6
}
