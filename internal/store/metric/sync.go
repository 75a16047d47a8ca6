package metric

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// keepSynced makes accepted samples survive power loss but for the last second: the library writes its logs before a
// commit returns, and syncs them only at the end of a segment.
func (s *Store) keepSynced(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	logs := make([]segmentSync, 0, 2)
	for _, dir := range s.walDirs() {
		logs = append(logs, segmentSync{dir: dir})
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_ = s.space.refuse() // keeps the watermark fresh for whoever asks without writing
		for i := range logs {
			if err := logs[i].sync(); err != nil {
				s.opt.Log.Error("sync of the write-ahead log failed; power loss may cost more than a second", "err", err)
			}
		}
	}
}

// segmentSync syncs the newest segment of one log.
type segmentSync struct {
	dir  string
	name string
	size int64
	at   time.Time
}

// sync writes the newest segment to the disk when it changed since the last call, and the folder when it is new.
func (l *segmentSync) sync() error {
	name, err := newestSegment(l.dir)
	if err != nil || name == "" {
		return err
	}
	f, err := os.Open(filepath.Join(l.dir, name))
	if err != nil {
		return fmt.Errorf("open log segment: %w", err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return fmt.Errorf("look at log segment: %w", err)
	}
	if name == l.name && st.Size() == l.size && st.ModTime().Equal(l.at) {
		return nil
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync log segment %s: %w", name, err)
	}
	if name != l.name {
		if err := syncDir(l.dir); err != nil {
			return err
		}
	}
	l.name, l.size, l.at = name, st.Size(), st.ModTime()
	return nil
}

// newestSegment is the name of the last numbered file of a log, "" when there is none.
func newestSegment(dir string) (string, error) {
	files, err := os.ReadDir(dir) // sorted, and segment names have a fixed width
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("list log segments: %w", err)
	}
	for i := len(files) - 1; i >= 0; i-- {
		if name := files[i].Name(); isDigits(name) {
			return name, nil
		}
	}
	return "", nil
}

func isDigits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open log folder: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync log folder: %w", err)
	}
	return nil
}
