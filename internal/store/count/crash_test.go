package count_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"evenkeel.dev/evenkeel/internal/store/count"
	"evenkeel.dev/evenkeel/internal/store/db"
)

const crashFile = "EVENKEEL_COUNT_CRASH_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		if err := writeForEver(context.Background(), path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForEver puts a row a round from where the file ends and prints each slot that is durable.
func writeForEver(ctx context.Context, path string) error {
	d, err := db.Open(ctx, "sqlite:"+path)
	if err != nil {
		return err
	}
	s, err := count.Open(ctx, d)
	if err != nil {
		return err
	}
	ids, err := s.Subjects(ctx, []count.Key{{SLO: "a", Version: 1}, {SLO: "b", Version: 1}})
	if err != nil {
		return err
	}
	_, next, ok, err := s.Extent(ctx, ids[1])
	if err != nil {
		return err
	}
	if !ok {
		next = origin
	}
	for ; ; next++ {
		row := count.Row{Slot: next, Len: 1, Total: float64(next)}
		if err := s.Put(ctx, []count.Entry{{ID: ids[0], Row: row}, {ID: ids[1], Row: row}}, nil); err != nil {
			return err
		}
		fmt.Println(next)
		if next%15 == 0 {
			if err := s.Fold(ctx); err != nil {
				return err
			}
		}
	}
}

func TestKilledWritersLoseNothingTheyAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counts.db")
	acknowledged := int64(origin - 1)
	for round := range 6 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashFile+"="+path)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if acknowledged, err = strconv.ParseInt(lines.Text(), 10, 64); err != nil {
				t.Fatal(err)
			}
			if n == 37+13*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the writer ended by itself")
		}
	}
	d, err := db.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	s := open(t, d)
	ids, err := s.Subjects(t.Context(), []count.Key{{SLO: "a", Version: 1}, {SLO: "b", Version: 1}})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		next := int64(origin)
		err := s.Rows(t.Context(), id, origin, 1<<40, func(r count.Row) error {
			if r.Slot != next || r.Total != float64(r.Slot) {
				return fmt.Errorf("row %+v where slot %d was expected", r, next)
			}
			next++
			return nil
		})
		if err != nil || next <= acknowledged {
			t.Fatalf("%d rows, acknowledged up to %d: %v", next-origin, acknowledged-origin, err)
		}
	}
	if acknowledged < origin+200 {
		t.Fatalf("only %d rounds were written", acknowledged-origin)
	}
}
