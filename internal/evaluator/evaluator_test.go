package evaluator_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/evaluator"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// script is a clock that moves as a test says: at each wait to the next of its instants.
type script struct {
	now  time.Time
	then []time.Time
	end  context.CancelFunc
}

func (s *script) Now() time.Time { return s.now }

func (s *script) Until(ctx context.Context, at time.Time) error {
	if len(s.then) == 0 {
		s.end()
		return ctx.Err()
	}
	s.now, s.then = s.then[0], s.then[1:]
	return nil
}

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func at(seconds ...int) []time.Time {
	var out []time.Time
	for _, s := range seconds {
		out = append(out, noon.Add(time.Duration(s)*time.Second))
	}
	return out
}

func run(t *testing.T, leases evaluator.Leases, holder string, seconds []int, do func(minute time.Time) error) (minutes []int) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	times := at(seconds...)
	c := &script{now: times[0], then: times[1:], end: cancel}
	err := evaluator.Loop(ctx, evaluator.Evaluator{Name: "slo", Run: func(_ context.Context, now time.Time, f *ledger.Fence) error {
		minutes = append(minutes, int(now.Sub(noon).Minutes()))
		if f == nil || f.Token == 0 {
			t.Error("a round without a fence")
		}
		return do(now)
	}}, evaluator.Options{Leases: leases, Holder: holder, Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	return minutes
}

func fine(time.Time) error { return nil }

func TestEachMinuteIsEvaluatedOnceWhateverTheClockDoes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		// woken early, on time, after a stall of five minutes, after a step back, and on again
		got := run(t, d, "a", []int{0, 59, 60, 61, 400, 200, 390, 420, 480}, fine)
		if want := []int{0, 1, 6, 7, 8}; !slices.Equal(got, want) {
			t.Fatalf("evaluated minutes %v, want %v", got, want)
		}
	})
}

func TestAFailedRoundIsTriedAgainInTheNextMinute(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		failed := false
		got := run(t, d, "a", []int{0, 60, 120}, func(m time.Time) error {
			if !failed && m.After(noon) {
				failed = true
				return errors.New("disk full")
			}
			return nil
		})
		if want := []int{0, 1, 2}; !slices.Equal(got, want) {
			t.Fatalf("evaluated minutes %v, want %v", got, want)
		}
	})
}

func TestOnlyTheHolderOfTheLeaseEvaluates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if _, ok, err := d.Lease(t.Context(), "evaluator:slo", "other", 3*time.Minute, noon); err != nil || !ok {
			t.Fatal(ok, err)
		}
		got := run(t, d, "a", []int{0, 60, 120, 180, 240}, fine)
		if want := []int{3, 4}; !slices.Equal(got, want) {
			t.Fatalf("evaluated minutes %v, want %v", got, want)
		}
		// A clean stop gives the lease back: the next process goes on at once.
		if got := run(t, d, "b", []int{241}, fine); !slices.Equal(got, []int{4}) {
			t.Fatalf("evaluated minutes %v", got)
		}
	})
}

func TestALeaderThatLostItsLeaseStepsBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		got := run(t, d, "a", []int{0, 60}, func(m time.Time) error {
			if m.Equal(noon) {
				return kit.Errorf(kit.Conflict, "lease was taken over")
			}
			return nil
		})
		if want := []int{0, 1}; !slices.Equal(got, want) {
			t.Fatalf("evaluated minutes %v, want %v", got, want)
		}
	})
}

func TestAProcessThatDoesNotLeadWatchesUntilItDoes(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite(t))
	if _, ok, err := d.Lease(t.Context(), "evaluator:slo", "other", 70*time.Second, noon); err != nil || !ok {
		t.Fatal(ok, err)
	}
	var seen []string
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	times := at(0, 5, 65, 75, 120)
	c := &script{now: times[0], then: times[1:], end: cancel}
	err := evaluator.Loop(ctx, evaluator.Evaluator{Name: "slo",
		Run: func(_ context.Context, now time.Time, _ *ledger.Fence) error {
			seen = append(seen, now.Format("run 04"))
			return nil
		},
		Watch: func(context.Context) error { seen = append(seen, "watch"); return errors.New("only logged") },
	}, evaluator.Options{Leases: d, Holder: "a", Clock: c})
	if want := []string{"watch", "watch", "watch", "run 01", "run 02"}; err != nil || !slices.Equal(seen, want) {
		t.Errorf("saw %v, %v; want %v", seen, err, want)
	}
}
