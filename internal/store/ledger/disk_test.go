//go:build linux

package ledger_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// smallDisk mounts a file system of some megabytes.
func smallDisk(t *testing.T, mb int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", mb)); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("mounting a small disk is required where CI=true: %v", err)
		}
		t.Skipf("cannot mount a small disk (run as root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fill appends facts of about 4 kB until they are refused, and returns how many were taken and the refusal.
func fill(t *testing.T, l *ledger.Ledger, lane ledger.Lane, prefix string) (taken int, refusal error) {
	t.Helper()
	for i := range 100_000 {
		e := gap(fmt.Sprint(prefix, i))
		e.Fact.(*event.SourceGap).Reason = strings.Repeat("x", 4000)
		if _, err := l.Append(t.Context(), ledger.Batch{Events: []event.Event{e}, Lane: lane}); err != nil {
			return taken, err
		}
		taken++
	}
	t.Fatal("never refused")
	return 0, nil
}

func TestAcceptingStopsBeforeTheDiskIsFullAndGoesOnWhenSpaceReturns(t *testing.T) {
	dir := smallDisk(t, 48)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 16<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	d := dbtest.Open(t, "sqlite:"+filepath.Join(dir, "x.db"))
	l := open(t, d, ledger.Options{MinFree: 12 << 20})
	bulk, err := fill(t, l, ledger.Bulk, "bulk")
	if kit.CodeOf(err) != kit.Unavailable || !strings.Contains(err.Error(), "almost full") {
		t.Fatalf("after %d facts: %v", bulk, err)
	}
	pages, err := fill(t, l, ledger.Pages, "page") // pages have the reserve
	if kit.CodeOf(err) != kit.Unavailable || pages == 0 {
		t.Fatalf("after %d pages: %v", pages, err)
	}
	if n := len(all(t, l)); n != bulk+pages {
		t.Fatalf("%d facts of %d are read while the disk is full", n, bulk+pages)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	add(t, l, gap("after"))
	if r := verify(t, d, key(t)); !r.OK() || r.Facts != int64(bulk+pages+1) {
		t.Fatal(findings(r))
	}
}

func TestADiskThatIsFullAllTheSameLosesNothing(t *testing.T) {
	dir := smallDisk(t, 16)
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 4<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	address := "sqlite:" + filepath.Join(dir, "x.db")
	d, err := db.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	l := open(t, d, ledger.Options{MinFree: -1}) // nobody watches the space
	taken, err := fill(t, l, ledger.Commands, "a")
	if kit.CodeOf(err) != kit.Unavailable || !strings.Contains(err.Error(), "is full") {
		t.Fatalf("after %d facts: %v", taken, err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	more, err := fill(t, l, ledger.Commands, "b") // the same ledger goes on by itself
	if kit.CodeOf(err) != kit.Unavailable || more == 0 {
		t.Fatalf("after %d more facts: %v", more, err)
	}
	if r := verify(t, d, key(t)); !r.OK() || r.Facts != int64(taken+more) {
		t.Fatalf("%d facts of %d\n%s", r.Facts, taken+more, findings(r))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_ = d.Close() // the full disk may refuse the last checkpoint of SQLite's log
	again := dbtest.Open(t, address)
	if r := verify(t, again, key(t)); !r.OK() || r.Facts != int64(taken+more) {
		t.Fatalf("after a restart: %d facts of %d\n%s", r.Facts, taken+more, findings(r))
	}
}
