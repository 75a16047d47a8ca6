package ledger

import (
	"fmt"
	"time"
)

// DefaultMinFree is the watermark: with less space left where the database lies, nothing more is accepted.
const DefaultMinFree = 256 << 20

// checkSpace refuses before the disk is full, so that reading, checkpointing and erasing still have room. Alerts and bulk
// are refused at the watermark, people's acts and pages at half of it. It asks the file system each time, so accepting
// goes on by itself once space returns.
func (l *Ledger) checkSpace(lane Lane) error {
	if l.opt.MinFree < 0 {
		return nil
	}
	free, known := l.db.Free()
	least := l.opt.MinFree
	if lane == Commands || lane == Pages {
		least /= 2
	}
	if !known || free >= least {
		return nil
	}
	return unavailable("the disk that holds the ledger is almost full", "free some space; recording goes on by itself",
		fmt.Sprintf("%d MB free, at least %d MB must stay", free>>20, least>>20), 30*time.Second)
}
