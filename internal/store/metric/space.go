package metric

import (
	"sync/atomic"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// space watches the free room of the store's file system, so that appends end before the disk is full: a write-ahead
// log that meets ENOSPC may be cut in the middle of a record.
type space struct {
	dir     string
	min     int64 // 0 = by the size of the file system
	now     func() time.Time
	checked atomic.Int64 // Unix nanoseconds of the last look
	low     atomic.Bool
	free    atomic.Int64
}

const spaceEvery = 50 * time.Millisecond

func newSpace(dir string, min int64, now func() time.Time) *space {
	s := &space{dir: dir, min: min, now: now}
	s.recheck()
	return s
}

// refuse is nil while there is room, else kit.Unavailable. It looks at most every 50 ms.
func (s *space) refuse() error {
	last, now := s.checked.Load(), s.now().UnixNano()
	if (now-last >= int64(spaceEvery) || now < last) && s.checked.CompareAndSwap(last, now) {
		s.recheck()
	}
	if !s.low.Load() {
		return nil
	}
	return &kit.Error{Code: kit.Unavailable,
		Msg:  "no samples are accepted: " + s.dir + " has only " + bytesText(s.free.Load()) + " of free space left",
		Hint: "free some space or lower the retention; reading goes on, and writing resumes by itself"}
}

// recheck looks now. Where the system cannot tell, there is room.
func (s *space) recheck() {
	free, total, err := diskSpace(s.dir)
	if err != nil {
		s.low.Store(false)
		return
	}
	s.free.Store(free)
	need := s.min
	if need == 0 {
		need = min(total/20, 1<<30)
	}
	if s.low.Load() {
		need += need / 10 // some more room before it starts again, so that it does not flap
	}
	s.low.Store(free < need)
}
