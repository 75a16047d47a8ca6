package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"evenkeel.dev/evenkeel/internal/app/pages"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/shop"
	"evenkeel.dev/evenkeel/internal/store/metric"
	"evenkeel.dev/evenkeel/internal/store/metric/probe"
	"evenkeel.dev/evenkeel/internal/web"
)

// Demo is the fictional shop that `evenkeel demo` runs beside the server: its past, its org directory, its services.
type Demo struct {
	shop    *shop.Shop
	history *shop.History
	otlp    net.Listener // where the shop sends its telemetry: open before the server is, so that its address is known
}

// demoSeed makes every demo the same shop.
const demoSeed = 1

// NewDemo prepares the shop in dir: its gateway's address is taken, its org directory written to dir/org. The stores of an
// earlier demo in dir are removed, since its past is reckoned from now; anything else in dir is refused.
func NewDemo(dir string, now func() time.Time, log *slog.Logger) (*Demo, error) {
	if err := clearDemo(dir); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start the demo shop: %w", err)
	}
	d := &Demo{otlp: l}
	if d.shop, err = shop.New(shop.Options{OTLP: "http://" + l.Addr().String(), Seed: demoSeed, Now: now, Log: log}); err != nil {
		return nil, fmt.Errorf("start the demo shop: %w", err)
	}
	gateway := d.shop.URL("gateway")
	if d.history, err = shop.NewHistory(now(), demoSeed, frontDoor(gateway)); err != nil {
		return nil, fmt.Errorf("reckon the demo's past: %w", err)
	}
	return d, shop.WriteOrg(filepath.Join(dir, "org"), d.history, gateway)
}

// demoMark is a file that says that a directory belongs to a demo and may be emptied.
const demoMark = "evenkeel-demo"

func clearDemo(dir string) error {
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(dir, demoMark)); err != nil {
			return &kit.Error{Code: kit.Invalid, Msg: dir + " holds files that are not a demo's", Hint: "name an empty directory: the demo begins afresh at each start"}
		}
		free, err := lockDir(dir)
		if err != nil {
			return err // of a demo that runs
		}
		if err := free(); err != nil {
			return err
		}
		for _, e := range entries {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("empty the demo's directory: %w", err)
			}
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the demo's directory: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, demoMark), []byte("This directory is emptied at each start of evenkeel demo.\n"), 0o600)
}

// frontDoor are the labels that the probe of the gateway leaves, as the demo's evenkeel.yaml declares it.
func frontDoor(gateway string) map[string]string {
	return probe.Probe{Name: "front-door", Kind: "http", Target: gateway + "/healthz", Service: "gateway", Labels: map[string]string{"demo": "true"}}.SampleLabels()
}

// fill writes the shop's past as blocks, before the metric store is opened.
func (d *Demo) fill(ctx context.Context, dir string) error {
	if _, err := metric.BackfillBlocks(ctx, dir, d.history.Series()); err != nil {
		return fmt.Errorf("write the demo's past: %w", err)
	}
	return nil
}

// kindsOfMoment are the shop's moments that stand on charts as changes.
var kindsOfMoment = map[string]string{"deployed": "deploy", "rolled-back": "rollback"}

// changes are the shop's deploys and rollbacks, of its past and since it runs.
func (d *Demo) changes() []pages.Change {
	var out []pages.Change
	for _, list := range [][]shop.Moment{d.history.Deploys, d.shop.Moments()} {
		for _, m := range list {
			if kind, ok := kindsOfMoment[m.Kind]; ok {
				out = append(out, pages.Change{Service: m.Service, Change: web.Change{At: m.At, Kind: kind, Title: m.Version}})
			}
		}
	}
	return out
}
