package ledger

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// Checkpoint is a signed tree head in the form of C2SP tlog-checkpoint: origin, size and root hash, one a line, and the
// signature. Whoever holds one can tell later whether the facts it covers were changed.
type Checkpoint struct {
	Origin string
	Size   int64 // facts 1 to Size are covered
	Hash   tlog.Hash
	Epoch  int    // of the ledger; from 2 on it stands in an extension line, "epoch 2"
	Note   []byte // the signed text
}

// Checkpoint signs the newest head.
func (l *Ledger) Checkpoint(ctx context.Context) (Checkpoint, error) {
	row, err := readHead(ctx, l.db.Read(), "")
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w", err)
	}
	return l.sign(row.Head)
}

func (l *Ledger) sign(h Head) (Checkpoint, error) {
	if l.opt.Key == nil {
		return Checkpoint{}, kit.Errorf(kit.Unavailable, "the ledger was opened without a signing key")
	}
	c := Checkpoint{Origin: l.opt.Origin, Size: h.Seq, Hash: h.Hash, Epoch: h.Epoch}
	signed, err := note.Sign(&note.Note{Text: c.text()}, l.opt.Key.Signer)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("sign checkpoint: %w", err)
	}
	c.Note = signed
	return c, nil
}

func (c Checkpoint) text() string {
	text := fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Hash)
	if c.Epoch > 1 {
		text += fmt.Sprintf("epoch %d\n", c.Epoch)
	}
	return text
}

// maxNote bounds a checkpoint that somebody hands in.
const maxNote = 64 << 10

// ReadCheckpoint reads a signed checkpoint and checks its signature with key. kit.Invalid says what is wrong with it.
func ReadCheckpoint(data []byte, key note.Verifier) (Checkpoint, error) {
	if len(data) > maxNote {
		return Checkpoint{}, kit.Errorf(kit.TooLarge, "a checkpoint of %d bytes; at most %d", len(data), maxNote)
	}
	n, err := note.Open(data, note.VerifierList(key))
	if err != nil {
		return Checkpoint{}, &kit.Error{Code: kit.Invalid, Msg: "the checkpoint is not signed by " + key.Name(),
			Hint: "check that the public key belongs to it", Err: err}
	}
	c, err := parseCheckpoint(n.Text)
	c.Note = data
	return c, err
}

func parseCheckpoint(text string) (Checkpoint, error) {
	bad := func(what string) (Checkpoint, error) {
		return Checkpoint{}, kit.Errorf(kit.Invalid, "the checkpoint has no %s", what)
	}
	lines := strings.SplitN(text, "\n", 4) // what follows are extensions, which readers pass over
	if len(lines) < 4 {
		return bad("origin, size and hash")
	}
	if lines[0] == "" {
		return bad("origin")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return bad("valid size")
	}
	hash, err := tlog.ParseHash(lines[2])
	if err != nil {
		return bad("valid hash")
	}
	c := Checkpoint{Origin: lines[0], Size: size, Hash: hash, Epoch: 1}
	for line := range strings.Lines(lines[3]) {
		if n, ok := strings.CutPrefix(line, "epoch "); ok {
			if c.Epoch, err = strconv.Atoi(strings.TrimSpace(n)); err != nil || c.Epoch < 1 {
				return bad("valid epoch")
			}
		}
	}
	return c, nil
}

// Proof shows that a fact is a leaf of the tree that a checkpoint signs (RFC 6962, 2.1.1).
type Proof struct {
	Seq        int64
	Leaf       []byte // what is hashed for the fact; docs/ledger.md gives its form
	Hashes     tlog.RecordProof
	Checkpoint Checkpoint
}

// Check recomputes the root from the leaf.
func (p Proof) Check() error {
	return tlog.CheckRecord(p.Hashes, p.Checkpoint.Size, p.Checkpoint.Hash, p.Seq-1, tlog.RecordHash(p.Leaf))
}

// Prove makes the proof of a fact against the newest head. kit.NotFound when there is no such fact.
func (l *Ledger) Prove(ctx context.Context, seq int64) (p Proof, err error) {
	err = l.db.Snapshot(ctx, func(ctx context.Context, q db.Q) error {
		row, err := readHead(ctx, q, "")
		if err != nil {
			return err
		}
		rs, err := readRecords(ctx, q, "seq = $1", seq)
		if err != nil {
			return err
		}
		if len(rs) == 0 || seq > row.Seq {
			return kit.Errorf(kit.NotFound, "no fact %d; the newest is %d", seq, row.Seq)
		}
		p.Seq, p.Leaf = seq, rs[0].leaf(nil)
		if p.Checkpoint, err = l.sign(row.Head); err != nil {
			return err
		}
		p.Hashes, err = tlog.ProveRecord(row.Seq, seq-1, newTiles(ctx, q, row.Seq))
		return err
	})
	if err != nil {
		return Proof{}, fmt.Errorf("prove fact %d: %w", seq, err)
	}
	return p, nil
}

// ProveConsistency shows that the tree of `size` facts begins with the tree of `old` ones (RFC 6962, 2.1.2).
func (l *Ledger) ProveConsistency(ctx context.Context, old, size int64) (tlog.TreeProof, error) {
	if old < 1 || old > size || size > l.Head().Seq {
		return nil, kit.Errorf(kit.Invalid, "no proof from %d to %d facts: sizes run from 1 to %d", old, size, l.Head().Seq)
	}
	p, err := tlog.ProveTree(size, old, newTiles(ctx, l.db.Read(), size))
	if err != nil {
		return nil, fmt.Errorf("prove consistency: %w", err)
	}
	return p, nil
}

// Published is a checkpoint that was handed out.
type Published struct {
	Checkpoint
	At    time.Time
	Where string
	Held  bool // somebody keeps it whom the administrators of this server cannot overrule
}

// Publications lists the checkpoints handed out, newest first, at most n.
func (l *Ledger) Publications(ctx context.Context, n int) ([]Published, error) {
	return publications(ctx, l.db.Read(), "ORDER BY at_us DESC, size DESC LIMIT $1", n)
}

// LastHeld is the newest checkpoint that is held independently; false when there is none. Its age is what a rewrite of
// the ledger could go back to unnoticed.
func (l *Ledger) LastHeld(ctx context.Context) (Published, bool, error) {
	ps, err := publications(ctx, l.db.Read(), "WHERE held = $1 ORDER BY at_us DESC, size DESC LIMIT 1", true)
	if err != nil || len(ps) == 0 {
		return Published{}, false, err
	}
	return ps[0], true, nil
}

func publications(ctx context.Context, q db.Q, rest string, args ...any) ([]Published, error) {
	rows, err := q.QueryContext(ctx, "SELECT size, at_us, place, held, note FROM ledger_checkpoint "+rest, args...)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	defer rows.Close()
	out := []Published{}
	for rows.Next() {
		var p Published
		var size, at int64
		var signed string
		if err := rows.Scan(&size, &at, &p.Where, &p.Held, &signed); err != nil {
			return nil, fmt.Errorf("read checkpoints: %w", err)
		}
		p.At, p.Note = time.UnixMicro(at).UTC(), []byte(signed)
		text, _, _ := strings.Cut(signed, "\n\n")
		if c, err := parseCheckpoint(text + "\n"); err == nil {
			p.Origin, p.Hash, p.Epoch = c.Origin, c.Hash, c.Epoch
		}
		p.Size = size
		out = append(out, p)
	}
	return out, rows.Err()
}
