package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/kit"
)

// signed is a checkpoint to compare with.
type signed struct {
	Checkpoint
	where string
	at    time.Time
}

// gather collects the checkpoints: given ones must be readable, stored ones are findings when they are not.
func (v *verifier) gather(ctx context.Context) error {
	if v.opt.Key == nil {
		if len(v.opt.Older) > 0 {
			return kit.Errorf(kit.Invalid, "a checkpoint was given without the public key that checks it")
		}
		return nil
	}
	stored, err := publications(ctx, v.q, "ORDER BY size, at_us")
	if err != nil {
		return err
	}
	origin := ""
	for _, p := range stored {
		c, err := ReadCheckpoint(p.Note, v.opt.Key)
		if err != nil || c.Size != p.Size {
			v.find(Finding{What: Signature, Msg: fmt.Sprintf("the stored checkpoint of %d facts for %s, %s, is not signed by %s",
				p.Size, p.Where, p.At.Format(time.RFC3339), v.opt.Key.Name())})
			continue
		}
		origin = c.Origin
		v.marks = append(v.marks, signed{c, p.Where, p.At})
	}
	for i, data := range v.opt.Older {
		c, err := ReadCheckpoint(data, v.opt.Key)
		if err != nil {
			return fmt.Errorf("given checkpoint %d: %w", i+1, err)
		}
		if origin != "" && c.Origin != origin {
			return kit.Errorf(kit.Invalid, "given checkpoint %d is of the ledger %s, this one is %s", i+1, c.Origin, origin)
		}
		v.marks = append(v.marks, signed{Checkpoint: c, where: "given"})
	}
	slices.SortStableFunc(v.marks, func(a, b signed) int { return int(min(1, max(-1, a.Size-b.Size))) })
	return nil
}

// reached compares the tree with the checkpoints of its present size.
func (v *verifier) reached() {
	for len(v.marks) > 0 && v.marks[0].Size == v.tree.n {
		m := v.marks[0]
		v.marks = v.marks[1:]
		fits := v.tree.root() == m.Hash
		v.report.Checkpoints = append(v.report.Checkpoints, Checked{m.Size, m.where, m.at, fits})
		if fits {
			v.good = m.Size
		} else {
			v.mismatch(m, v.good+1, Rewritten, "they are not what that checkpoint signed")
		}
	}
}

// beyond reports the checkpoints that cover more facts than there are.
func (v *verifier) beyond() {
	for _, m := range v.marks {
		v.report.Checkpoints = append(v.report.Checkpoints, Checked{m.Size, m.where, m.at, false})
		v.mismatch(m, v.tree.n+1, Missing, "that checkpoint covers them, the ledger ends before")
	}
}

// mismatch reports a checkpoint that does not fit. One made in an epoch before a declared restore, over more facts than
// were restored, covers facts that were lost then.
func (v *verifier) mismatch(m signed, from int64, what What, msg string) {
	name := fmt.Sprintf("checkpoint of %d facts (%s)", m.Size, m.where)
	for _, e := range v.report.Epochs {
		if e.Epoch > m.Epoch && e.Restored < m.Size {
			v.find(Finding{What: Missing, From: e.Restored + 1, To: m.Size, Declared: true,
				Msg: fmt.Sprintf("%s: lost when fact %d opened epoch %d", name, e.Fact, e.Epoch)})
			return
		}
	}
	v.find(Finding{What: what, From: from, To: m.Size, Msg: name + ": " + msg})
}

// explain names what happened to the altered rows: a row that hashes to its neighbour's leaf when it takes that place was
// moved, the rest was altered.
func (v *verifier) explain(ctx context.Context) {
	if len(v.altered) == 0 {
		return
	}
	var out []Finding
	for _, r := range v.altered {
		f := Finding{What: Altered, From: r.seq, To: r.seq, Msg: "the row is not what was recorded"}
		if was, ok := v.origin(ctx, r); ok {
			f.What, f.Msg = Moved, fmt.Sprintf("the row was recorded as fact %d", was)
		}
		if n := len(out) - 1; n >= 0 && out[n].What == f.What && f.What == Altered && out[n].To == f.From-1 {
			out[n].To = f.To
			continue
		}
		out = append(out, f)
	}
	v.report.Findings = append(out, v.report.Findings...)
}

// origin looks for the place that a row was recorded in: beside where it stands, or where another altered row stands.
func (v *verifier) origin(ctx context.Context, r *record) (int64, bool) {
	places := []int64{r.seq - 1, r.seq + 1}
	if len(v.altered) <= 64 {
		for _, o := range v.altered {
			places = append(places, o.seq)
		}
	}
	var buf []byte
	for _, p := range places {
		if p < 1 || p > v.tree.n || p == r.seq {
			continue
		}
		c := *r
		c.seq = p
		tile, err := storedTile(ctx, v.q, 0, (p-1)/tileWidth)
		if err != nil {
			return 0, false
		}
		if at := (p - 1) % tileWidth * tlog.HashSize; at+tlog.HashSize <= int64(len(tile)) && tlog.Hash(tile[at:at+tlog.HashSize]) == c.hash(&buf) {
			return p, true
		}
	}
	return 0, false
}
