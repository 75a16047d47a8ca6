package live

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// listen opens a stream and gives its recorder and how to end it.
func listen(h *Hub) (*httptest.ResponseRecorder, context.CancelFunc, chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	rec, done := httptest.NewRecorder(), make(chan struct{})
	go func() {
		defer close(done)
		h.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, "GET", "/live", nil))
	}()
	return rec, cancel, done
}

func lines(rec *httptest.ResponseRecorder) []string {
	var out []string
	for l := range strings.SplitSeq(rec.Body.String(), "\n") {
		if d, ok := strings.CutPrefix(l, "data: "); ok {
			out = append(out, d)
		}
	}
	return out
}

func TestABurstOfChangesIsOneEventASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		rec, cancel, done := listen(&h)
		synctest.Wait()
		for range 100 {
			h.Changed("alert.fired", "alert.ended")
			time.Sleep(30 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		cancel()
		<-done
		got := lines(rec)
		if len(got) < 3 || len(got) > 5 {
			t.Errorf("3 s of changes gave %d events, want about one a second: %q", len(got), got)
		}
		for _, l := range got {
			if l != "alert.ended alert.fired" && l != "alert.fired alert.ended" {
				t.Errorf("event %q", l)
			}
		}
		if h.Readers() != 0 {
			t.Error("the reader was not forgotten")
		}
	})
}

func TestAQuietStreamShowsThatItLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		rec, cancel, done := listen(&h)
		time.Sleep(25 * time.Second)
		cancel()
		<-done
		if got := lines(rec); len(got) != 2 || got[0] != "-" {
			t.Errorf("got %q, want two beats", got)
		}
	})
}

func TestCloseEndsStreamsAndTurnsOthersAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h Hub
		_, _, done := listen(&h)
		synctest.Wait()
		h.Close()
		<-done
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest("GET", "/live", nil))
		if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
			t.Errorf("after Close: status %d", rec.Code)
		}
	})
}

func TestReadersAreBounded(t *testing.T) {
	var h Hub
	for range MaxReaders {
		if h.join() == nil {
			t.Fatal("turned away too early")
		}
	}
	if h.join() != nil {
		t.Error("one reader too many was let in")
	}
}
