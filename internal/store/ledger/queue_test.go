package ledger

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
)

func waitingRequest(t *testing.T, lane Lane, n int) *request {
	t.Helper()
	b := Batch{Lane: lane}
	for i := range n {
		b.Events = append(b.Events, event.Event{By: "test:", Key: fmt.Sprint(lane, i), Fact: &event.EvaluatorBeat{Evaluator: "x"}})
	}
	r, err := newRequest(b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBulkIsRefusedFirstAndPagesLast(t *testing.T) {
	q := newQueue()
	var got []string
	for _, lane := range []Lane{Bulk, Alerts, Commands, Pages} {
		for {
			err := q.put(waitingRequest(t, lane, 10_000))
			if err == nil {
				continue
			}
			var after interface{ RetryAfter() time.Duration }
			if kit.CodeOf(err) != kit.Unavailable || !errors.As(err, &after) || after.RetryAfter() < time.Second || after.RetryAfter() > time.Minute {
				t.Fatalf("%v", err)
			}
			_, facts := q.waiting()
			got = append(got, fmt.Sprintf("%s at %d", lane, facts))
			break
		}
	}
	if diff := cmp.Diff([]string{"bulk at 20000", "alerts at 50000", "commands at 100000", "pages at 200000"}, got); diff != "" {
		t.Fatal(diff)
	}
}

func TestPagesAreTakenFirstAndEachLaneInOrder(t *testing.T) {
	q := newQueue()
	for i, lane := range []Lane{Bulk, Commands, Pages, Alerts, Bulk, Pages} {
		r := waitingRequest(t, lane, 1)
		r.size = int64(i)
		if err := q.put(r); err != nil {
			t.Fatal(err)
		}
	}
	var got []int64
	for _, r := range q.take() {
		got = append(got, r.size)
	}
	if diff := cmp.Diff([]int64{2, 5, 1, 3, 0, 4}, got); diff != "" {
		t.Fatal(diff)
	}
	if calls, facts := q.waiting(); calls != 0 || facts != 0 || q.bytes != 0 {
		t.Fatalf("%d calls, %d facts, %d bytes stay", calls, facts, q.bytes)
	}
}

func TestACommitTakesNoMoreThanItsBounds(t *testing.T) {
	q := newQueue()
	for range 3 {
		if err := q.put(waitingRequest(t, Commands, 1500)); err != nil {
			t.Fatal(err)
		}
	}
	for want := 2; want >= 0; want-- {
		if n := len(q.take()); n != 1 {
			t.Fatalf("took %d", n)
		}
		if calls, _ := q.waiting(); calls != want {
			t.Fatalf("%d wait, want %d", calls, want)
		}
	}
}

func TestACallerThatGaveUpIsNotRecorded(t *testing.T) {
	q := newQueue()
	r := waitingRequest(t, Commands, 1)
	if err := q.put(r); err != nil {
		t.Fatal(err)
	}
	if !r.state.CompareAndSwap(waiting, given) {
		t.Fatal("not waiting")
	}
	if got := q.take(); len(got) != 0 {
		t.Fatalf("took %d", len(got))
	}
}

func TestABatchWaitsAtMostFiveMillisecondsAndALoneCallerNever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		took := func(callers int) time.Duration {
			start := time.Now()
			q.fill(context.Background(), callers)
			return time.Since(start)
		}
		if err := q.put(waitingRequest(t, Commands, 1)); err != nil {
			t.Fatal(err)
		}
		if d := took(1); d != 0 {
			t.Errorf("a lone caller waited %v", d)
		}
		if d := took(2); d != maxFill {
			t.Errorf("for one that did not come: %v", d)
		}
		go func() {
			time.Sleep(2 * time.Millisecond) // of the bubble's clock
			if err := q.put(waitingRequest(t, Commands, 1)); err != nil {
				t.Error(err)
			}
		}()
		if d := took(2); d != 2*time.Millisecond {
			t.Errorf("for one that came after 2 ms: %v", d)
		}
	})
}
