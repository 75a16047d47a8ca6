package ledger

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// VerifyOptions say what to verify against.
type VerifyOptions struct {
	Key      note.Verifier           // checks the signatures; nil: checkpoints are passed over
	Older    [][]byte                // checkpoints that somebody held: the only proof against a rewrite with the real key
	Progress func(done, total int64) // called now and then; may be nil
}

// Report is what Verify found.
type Report struct {
	Facts       int64        // recomputed
	Head        Head         // as the ledger names it
	Findings    []Finding    // empty: all is as it was recorded
	Checkpoints []Checked    // every checkpoint compared, smallest first
	Texts       int64        // free texts that match their digest
	Erased      int64        // free texts erased, openly
	Epochs      []EpochCheck // declared restores
}

// OK says that nothing was found, apart from what was declared.
func (r Report) OK() bool {
	for _, f := range r.Findings {
		if !f.Declared {
			return false
		}
	}
	return true
}

// Finding is something that does not fit, and which facts it concerns.
type Finding struct {
	What     What
	From, To int64 // facts; 0, 0 for the ledger as a whole
	Msg      string
	Declared bool // the ledger itself says so: facts lost in a declared restore
}

func (f Finding) String() string {
	switch {
	case f.From == 0 && f.What != Inserted:
		return fmt.Sprintf("%s: %s", f.What, f.Msg)
	case f.To > f.From:
		return fmt.Sprintf("facts %d to %d %s: %s", f.From, f.To, f.What, f.Msg)
	}
	return fmt.Sprintf("fact %d %s: %s", f.From, f.What, f.Msg)
}

// What is wrong with the facts of a finding.
type What string

const (
	Altered   What = "altered"   // a row is not what was recorded
	Missing   What = "missing"   // a row is gone
	Moved     What = "moved"     // a row stands in another place than it was recorded in
	Inserted  What = "inserted"  // a row that was never recorded
	Rewritten What = "rewritten" // rows and tree agree with each other, but not with what was signed
	Tree      What = "tree"      // the stored tree contradicts itself
	Text      What = "text"      // a free text does not match its digest, or is gone without a record of its erasure
	Signature What = "signature" // a stored checkpoint is not signed by the key
)

// Checked is one comparison with a checkpoint.
type Checked struct {
	Size  int64
	Where string // "given" for those of VerifyOptions.Older
	At    time.Time
	OK    bool
}

// EpochCheck is a declared restore.
type EpochCheck struct {
	Epoch    int
	Fact     int64 // the epoch.opened
	Restored int64 // facts kept
}

// Verify recomputes the leaf of every fact, the tree over them, its root, and every checkpoint that is stored or given, and
// names what does not fit. It reads one snapshot, so the ledger may go on meanwhile. An error means that it could not
// finish; findings are in the report.
func Verify(ctx context.Context, d *db.DB, o VerifyOptions) (Report, error) {
	var v *verifier
	err := d.Snapshot(ctx, func(ctx context.Context, q db.Q) error {
		v = &verifier{q: q, opt: o, tree: newTree(), erased: map[int64]bool{}, textKinds: map[string]bool{}}
		return v.run(ctx)
	})
	if err != nil {
		return Report{}, fmt.Errorf("verify ledger: %w", err)
	}
	return v.report, nil
}

type verifier struct {
	q      db.Q
	opt    VerifyOptions
	report Report

	tree   *tree    // over the stored leaf hashes
	leaves []byte   // the level-0 tile under the cursor
	marks  []signed // checkpoints still ahead, smallest first
	good   int64    // size of the largest checkpoint that fits
	seen   int64

	altered   []*record
	erased    map[int64]bool // facts whose texts a text.erased names
	bare      []int64        // facts with a digest and no text
	textKinds map[string]bool
}

func (v *verifier) run(ctx context.Context) error {
	row, err := readHead(ctx, v.q, "")
	if err != nil {
		return err
	}
	v.report.Head = row.Head
	if err := v.gather(ctx); err != nil {
		return err
	}
	v.reached()
	if err := v.facts(ctx); err != nil {
		return err
	}
	if err := v.absent(ctx, row.Seq); err != nil {
		return err
	}
	if v.tree.root() != row.Hash {
		v.find(Finding{What: Tree, Msg: fmt.Sprintf("the head names another root than the %d stored hashes have", v.tree.n)})
	}
	if err := v.tiles(ctx, v.tree.tiles); err != nil {
		return err
	}
	v.beyond()
	v.missingTexts()
	v.explain(ctx)
	return nil
}

func (v *verifier) find(f Finding) { v.report.Findings = append(v.report.Findings, f) }

// facts streams all rows in order.
func (v *verifier) facts(ctx context.Context) error {
	for after := int64(-1 << 62); ; {
		rs, err := readRecords(ctx, v.q, "seq > $1 ORDER BY seq LIMIT $2", after, pageSize)
		if err != nil {
			return err
		}
		for _, r := range rs {
			if err := v.fact(ctx, r); err != nil {
				return err
			}
			after = r.seq
		}
		if v.opt.Progress != nil {
			v.opt.Progress(v.report.Facts, v.report.Head.Seq)
		}
		if len(rs) < pageSize {
			return nil
		}
	}
}

func (v *verifier) fact(ctx context.Context, r *record) error {
	v.report.Facts++
	if r.seq < 1 || r.seq > v.report.Head.Seq {
		v.find(Finding{What: Inserted, From: r.seq, To: r.seq, Msg: fmt.Sprintf("the ledger's head ends at %d", v.report.Head.Seq)})
		return nil
	}
	if err := v.absent(ctx, r.seq-1); err != nil {
		return err
	}
	var buf []byte
	now := r.hash(&buf)
	was, ok, err := v.leaf(ctx, r.seq)
	if err != nil {
		return err
	}
	if !ok {
		was = now
	}
	if now != was {
		v.altered = append(v.altered, r)
	}
	if r.seenUS < v.seen && now == was {
		v.find(Finding{What: Altered, From: r.seq, To: r.seq, Msg: "was seen before the fact ahead of it"})
	}
	v.seen = max(v.seen, r.seenUS)
	if err := v.epoch(r); err != nil {
		return err
	}
	if err := v.texts(ctx, r); err != nil {
		return err
	}
	return v.grow(ctx, was)
}

// absent reports the rows that should stand between the cursor and to, and goes on with their stored hashes.
func (v *verifier) absent(ctx context.Context, to int64) error {
	if v.tree.n >= to {
		return nil
	}
	v.find(Finding{What: Missing, From: v.tree.n + 1, To: to, Msg: "the tree holds a hash, the row is gone"})
	for v.tree.n < to {
		h, ok, err := v.leaf(ctx, v.tree.n+1)
		if err != nil {
			return err
		}
		if !ok {
			h = tlog.Hash{}
		}
		if err := v.grow(ctx, h); err != nil {
			return err
		}
	}
	return nil
}

// leaf is the stored hash of a fact; ok is false where the tree has lost it.
func (v *verifier) leaf(ctx context.Context, seq int64) (h tlog.Hash, ok bool, err error) {
	at := (seq - 1) % tileWidth
	if at == 0 {
		n := (seq - 1) / tileWidth
		if v.leaves, err = storedTile(ctx, v.q, 0, n); err != nil {
			return h, false, err
		}
		last := min((n+1)*tileWidth, v.report.Head.Seq)
		if have := n*tileWidth + int64(len(v.leaves)/tlog.HashSize); have != last {
			v.find(Finding{What: Tree, From: n*tileWidth + 1, To: last, Msg: fmt.Sprintf("tile 0/%d holds hashes up to fact %d", n, have)})
		}
	}
	from := at * tlog.HashSize
	if int64(len(v.leaves)) < from+tlog.HashSize {
		return h, false, nil
	}
	copy(h[:], v.leaves[from:])
	return h, true, nil
}

// grow adds a leaf, compares each tile that it completes and each checkpoint that it reaches.
func (v *verifier) grow(ctx context.Context, h tlog.Hash) error {
	v.tree.add(h)
	if len(v.tree.full) > 0 {
		if err := v.tiles(ctx, v.tree.full); err != nil {
			return err
		}
		v.tree.full = nil
	}
	v.reached()
	return nil
}

// tiles compares the hashes between the leaves and the root with the stored ones. A hash of level 1 stands for 256 facts.
func (v *verifier) tiles(ctx context.Context, ts []*tile) error {
	for _, t := range ts {
		if t.level == 0 {
			continue
		}
		stored, err := storedTile(ctx, v.q, t.level, t.n)
		if err != nil {
			return err
		}
		span := int64(1) << (t.level * tileHeight)
		for i := 0; i < len(t.hashes); i += tlog.HashSize {
			if i+tlog.HashSize <= len(stored) && tlog.Hash(stored[i:i+tlog.HashSize]) == tlog.Hash(t.hashes[i:i+tlog.HashSize]) {
				continue
			}
			first := (t.n*tileWidth+int64(i/tlog.HashSize))*span + 1
			v.find(Finding{What: Tree, From: first, To: first + span - 1,
				Msg: fmt.Sprintf("tile %d/%d holds another hash over them: their rows and leaf hashes were changed together", t.level, t.n)})
		}
	}
	return nil
}

// epoch checks a declared restore against the tree it names.
func (v *verifier) epoch(r *record) error {
	if r.kind != "epoch.opened" && r.kind != "text.erased" {
		return nil
	}
	e, err := r.decode()
	if err != nil {
		return nil // an unreadable body is an altered row, and reported as one
	}
	switch f := e.Fact.(type) {
	case *event.EpochOpened:
		v.report.Epochs = append(v.report.Epochs, EpochCheck{f.Epoch, r.seq, f.Restored})
		if f.Restored != v.tree.n || f.TreeHash != v.tree.root().String() {
			v.find(Finding{What: Rewritten, From: 1, To: f.Restored, Msg: fmt.Sprintf("fact %d opened epoch %d over another tree", r.seq, f.Epoch)})
		}
	case *event.TextErased:
		v.erased[f.Target] = true
	}
	return nil
}
