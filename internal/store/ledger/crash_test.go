package ledger_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/ledger/ledgertest"
)

// soakVar, set by "make soak", makes the crash test kill its child a hundred times.
const soakVar = "EVENKEEL_SOAK"

// crashVar holds the database address in the child, which is this test binary again.
const crashVar = "EVENKEEL_CRASH_CHILD"

func TestMain(m *testing.M) {
	if address := os.Getenv(crashVar); address != "" {
		if err := crashChild(address, os.Getenv("EVENKEEL_CRASH_RUN")); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// crashChild appends from many callers until it is killed, and prints the key of each fact that was acknowledged.
func crashChild(address, run string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, address)
	if err != nil {
		return err
	}
	l, err := ledger.Open(ctx, d, ledger.Options{Projections: []ledger.Projection{tally(2)}, Now: time.Now, MinFree: -1})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	var n atomic.Int64
	var wg sync.WaitGroup
	errs := make(chan error, 16)
	for w := range 16 {
		wg.Go(func() {
			for {
				size := 1 + (w%4)*20
				var b ledger.Batch
				var keys strings.Builder
				for range size {
					key := fmt.Sprintf("%s-%d", run, n.Add(1))
					b.Events = append(b.Events, gap(key))
					fmt.Fprintf(&keys, "%s ", key)
				}
				if _, err := l.Append(ctx, b); err != nil {
					errs <- err
					return
				}
				fmt.Println(strings.TrimSpace(keys.String())) // one write a line: a pipe keeps it whole
			}
		})
	}
	return <-errs
}

func kills() int {
	if os.Getenv(soakVar) == "" {
		return 4
	}
	return 100
}

func TestWhatWasAcknowledgedSurvivesKill9(t *testing.T) {
	for engine, address := range map[string]func(testing.TB) string{db.SQLite: dbtest.SQLite, db.Postgres: dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			address := address(t)
			acked := map[string]bool{}
			for run := range kills() {
				for _, key := range killOnce(t, address, fmt.Sprint(run)) {
					acked[key] = true
				}
			}
			d := dbtest.Open(t, address)
			l := open(t, d, ledger.Options{Projections: []ledger.Projection{tally(2)}, MinFree: -1, Now: time.Now})
			there := map[string]int64{}
			for e, err := range l.Read(t.Context(), 0) {
				if err != nil {
					t.Fatal(err)
				}
				if there[e.Key] != 0 || e.Seq != int64(len(there)+1) {
					t.Fatalf("fact %d (%s) after %d others, recorded before as %d", e.Seq, e.Key, len(there), there[e.Key])
				}
				there[e.Key] = e.Seq
			}
			lost := 0
			for key := range acked {
				if there[key] == 0 {
					lost++
				}
			}
			t.Logf("%d kills, %d facts acknowledged, %d there, %d lost", kills(), len(acked), len(there), lost)
			if lost > 0 || len(acked) == 0 {
				t.Fatalf("%d of %d acknowledged facts are lost", lost, len(acked))
			}
			if r := verify(t, d, key(t)); !r.OK() {
				t.Fatal(findings(r))
			}
			ledgertest.LiveEqualsRebuilt(t, l, tally(2))
			if _, err := l.Append(t.Context(), ledger.Batch{Events: []event.Event{gap("after")}}); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// killOnce starts a child, kills it at a random moment under load and returns the keys it had acknowledged.
func killOnce(t *testing.T, address, run string) (keys []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), crashVar+"="+address, "EVENKEEL_CRASH_RUN="+run)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	if !lines.Scan() || lines.Text() != "ready" {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		t.Fatalf("the child did not start: %s", stderr.String())
	}
	// From its first acknowledgement on, however slow the machine, the child is killed at a random moment: that is the subject.
	for lines.Scan() {
		if keys == nil {
			kill := time.AfterFunc(time.Duration(1+rand.IntN(400))*time.Millisecond, func() { _ = cmd.Process.Kill() })
			defer kill.Stop()
		}
		keys = append(keys, strings.Fields(lines.Text())...)
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child ended by itself: %v: %s", err, stderr.String())
	}
	return keys
}
