package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Lane says who goes first when more comes in than the disk takes.
type Lane int

const (
	Commands Lane = iota // people's acts, and whatever does not say otherwise
	Pages                // pages and acknowledgements: before all others, refused last
	Alerts               // conclusions of evaluators
	Bulk                 // imports, back-fills, inventories: refused first
	lanes
)

var laneNames = [lanes]string{"commands", "pages", "alerts", "bulk"}

func (l Lane) String() string { return laneNames[l] }

// order is who is served first.
var order = [lanes]Lane{Pages, Commands, Alerts, Bulk}

// A lane refuses once this many facts, or this many bytes, wait in all lanes together: the queue is short for bulk and
// long for pages, so that what matters is still accepted when the rest has been told to wait.
var (
	laneFacts = [lanes]int{Pages: 200_000, Commands: 100_000, Alerts: 50_000, Bulk: 20_000}
	laneBytes = [lanes]int64{Pages: 256 << 20, Commands: 128 << 20, Alerts: 64 << 20, Bulk: 32 << 20}
)

// Bounds of one commit.
const (
	maxCommitFacts = 2000
	maxCommitBytes = 8 << 20
	maxFill        = 5 * time.Millisecond
)

// queue holds requests until the committer takes them.
type queue struct {
	mu     sync.Mutex
	lane   [lanes][]*request
	calls  int
	facts  int
	bytes  int64
	rate   float64 // facts a second that the last commits took; 0 = not known yet
	closed bool
	came   chan struct{} // holds an element when something came since the last look
}

func newQueue() *queue { return &queue{came: make(chan struct{}, 1)} }

// busy is a refusal under load.
type busy struct {
	after time.Duration
	why   string
}

func (b *busy) Error() string { return b.why }

// RetryAfter is when the caller may try again; surfaces send it as the header of that name. Find it with errors.As and
// interface{ RetryAfter() time.Duration }.
func (b *busy) RetryAfter() time.Duration { return b.after }

func unavailable(msg, hint, why string, after time.Duration) error {
	return &kit.Error{Code: kit.Unavailable, Msg: msg, Hint: hint, Err: &busy{after, why}}
}

func (q *queue) put(r *request) error {
	if r.Lane < 0 || r.Lane >= lanes {
		return fmt.Errorf("append: no lane %d", int(r.Lane))
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return unavailable("the ledger is shutting down", "try again in a moment", "closed", time.Second)
	}
	if q.facts+len(r.records) > laneFacts[r.Lane] || q.bytes+r.size > laneBytes[r.Lane] {
		return unavailable("the ledger has more to write than it can take", "send less at once, or try again later",
			fmt.Sprintf("%d facts wait, lane %s refuses", q.facts, r.Lane), q.drain())
	}
	q.lane[r.Lane] = append(q.lane[r.Lane], r)
	q.calls++
	q.facts += len(r.records)
	q.bytes += r.size
	select {
	case q.came <- struct{}{}:
	default:
	}
	return nil
}

// drain is how long the waiting facts will take, 1 to 60 s in whole seconds.
func (q *queue) drain() time.Duration {
	if q.rate <= 0 {
		return 5 * time.Second
	}
	s := time.Duration(float64(q.facts)/q.rate) * time.Second
	return min(max(s, time.Second), time.Minute)
}

// took notes how fast a commit was.
func (q *queue) took(facts int, d time.Duration) {
	if facts == 0 || d <= 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := float64(facts) / d.Seconds()
	if q.rate == 0 {
		q.rate = now
	}
	q.rate += (now - q.rate) / 8
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
}

func (q *queue) waiting() (calls, facts int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.calls, q.facts
}

// take removes the requests of one commit, the most urgent lanes first, each lane in order.
func (q *queue) take() []*request {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []*request
	facts, bytes := 0, int64(0)
	for _, lane := range order {
		waits := q.lane[lane]
		for len(waits) > 0 {
			r := waits[0]
			if len(out) > 0 && (facts+len(r.records) > maxCommitFacts || bytes+r.size > maxCommitBytes) {
				q.lane[lane] = waits
				return out
			}
			waits[0] = nil
			waits = waits[1:]
			q.calls--
			q.facts -= len(r.records)
			q.bytes -= r.size
			if !r.state.CompareAndSwap(waiting, taken) {
				continue // its caller gave up
			}
			out = append(out, r)
			facts += len(r.records)
			bytes += r.size
		}
		q.lane[lane] = nil
	}
	return out
}

// fill waits until as many callers wait as shared the last commit, at most maxFill: callers that append in a loop come
// back together, and a lone one never waits.
func (q *queue) fill(ctx context.Context, callers int) {
	if calls, facts := q.waiting(); calls >= callers || facts >= maxCommitFacts {
		return
	}
	t := time.NewTimer(maxFill)
	defer t.Stop()
	for {
		select {
		case <-q.came:
			if calls, facts := q.waiting(); calls >= callers || facts >= maxCommitFacts {
				return
			}
		case <-t.C:
			return
		case <-ctx.Done():
			return
		}
	}
}
