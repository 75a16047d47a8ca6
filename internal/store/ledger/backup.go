package ledger

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// A portable backup is gzipped JSON lines: a header with the tree's root, a line a fact with its free texts, the
// checkpoints handed out, and a last line. It moves a ledger between engines. Projections are not in it: they follow.

const backupFormat = "evenkeel-backup/1"

type backupHead struct {
	Format string    `json:"format"`
	Seq    int64     `json:"seq"`
	Hash   tlog.Hash `json:"hash"`
	Epoch  int       `json:"epoch"`
	SeenUS int64     `json:"seen_us"`
	MadeUS int64     `json:"made_us"`
}

type backupEnd struct {
	Checkpoints []checkpointLine `json:"checkpoints"`
}

type checkpointLine struct {
	Size  int64  `json:"size"`
	AtUS  int64  `json:"at_us"`
	Place string `json:"place"`
	Held  bool   `json:"held"`
	Note  string `json:"note"`
}

// Backup writes a portable backup of one snapshot while the ledger is in use. db.CopyTo is faster for SQLite and takes the
// tables of other packages along.
func Backup(ctx context.Context, d *db.DB, w io.Writer, now time.Time) (h Head, err error) {
	err = d.Snapshot(ctx, func(ctx context.Context, q db.Q) error {
		row, err := readHead(ctx, q, "")
		if err != nil {
			return err
		}
		h = row.Head
		zip := gzip.NewWriter(w)
		enc := json.NewEncoder(zip)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(backupHead{backupFormat, h.Seq, h.Hash, h.Epoch, micros(h.Seen), now.UnixMicro()}); err != nil {
			return err
		}
		if err := backupFacts(ctx, q, enc, h.Seq); err != nil {
			return err
		}
		ps, err := publications(ctx, q, "ORDER BY size, at_us, place")
		if err != nil {
			return err
		}
		end := backupEnd{Checkpoints: []checkpointLine{}}
		for _, p := range ps {
			end.Checkpoints = append(end.Checkpoints, checkpointLine{p.Size, p.At.UnixMicro(), p.Where, p.Held, string(p.Note)})
		}
		return errors.Join(enc.Encode(end), zip.Close())
	})
	if err != nil {
		return Head{}, fmt.Errorf("back up ledger: %w", err)
	}
	return h, nil
}

func backupFacts(ctx context.Context, q db.Q, enc *json.Encoder, head int64) error {
	for after := int64(0); after < head; {
		rs, err := readRecords(ctx, q, "seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3", after, head, pageSize)
		if err != nil {
			return err
		}
		if len(rs) == 0 {
			return fmt.Errorf("facts %d to %d are missing; run ledger verify", after+1, head)
		}
		texts := map[int64][]textLine{}
		if _, err := textLines(ctx, q, after+1, rs[len(rs)-1].seq, func(seq int64, t textLine) { texts[seq] = append(texts[seq], t) }); err != nil {
			return err
		}
		for _, r := range rs {
			out := r.line()
			out.Texts = texts[r.seq]
			if err := enc.Encode(out); err != nil {
				return err
			}
			after = r.seq
		}
	}
	return nil
}

// RestoreOptions go with the epoch that a restore opens.
type RestoreOptions struct {
	Now func() time.Time
	Why string
}

// Restore fills an empty ledger from a portable backup and opens a declared epoch: what was recorded after the backup is
// lost, and the ledger says so. Every fact is checked against the root in the backup before it counts; a backup that does
// not fit leaves the ledger empty. kit.Conflict when the ledger already holds facts.
func Restore(ctx context.Context, d *db.DB, r io.Reader, o RestoreOptions) (Head, error) {
	h, err := restore(ctx, d, r, o)
	if err != nil {
		return Head{}, fmt.Errorf("restore ledger: %w", err)
	}
	return h, nil
}

func restore(ctx context.Context, d *db.DB, r io.Reader, o RestoreOptions) (Head, error) {
	if err := makeTables(ctx, d); err != nil {
		return Head{}, err
	}
	zip, err := gzip.NewReader(r)
	if err != nil {
		return Head{}, &kit.Error{Code: kit.Invalid, Msg: "the file is not a portable backup", Hint: "a copy of a SQLite file is put in place as it is", Err: err}
	}
	in := &backupReader{in: bufio.NewScanner(zip)}
	in.in.Buffer(nil, maxLine)
	if err := in.readHead(); err != nil {
		return Head{}, err
	}
	if err := emptied(ctx, d); err != nil {
		return Head{}, err
	}
	t, err := in.facts(ctx, d)
	if err != nil {
		return Head{}, err
	}
	if err := in.end(ctx, d, t); err != nil {
		return Head{}, err
	}
	return declare(ctx, d, in.head, o)
}

// emptied makes sure that nothing counts as recorded, and clears what an interrupted restore left.
func emptied(ctx context.Context, d *db.DB) error {
	return d.Write(ctx, func(ctx context.Context, q db.Q) error {
		row, err := readHead(ctx, q, d.ForUpdate())
		if err != nil {
			return err
		}
		if row.Seq > 0 {
			return &kit.Error{Code: kit.Conflict, Msg: fmt.Sprintf("the ledger already holds %d facts", row.Seq), Hint: "restore into an empty database"}
		}
		for _, t := range []string{"fact", "ledger_text", "ledger_tile", "ledger_checkpoint"} {
			if _, err := q.ExecContext(ctx, "DELETE FROM "+t); err != nil {
				return err
			}
		}
		return nil
	})
}

// backupReader reads the lines of a backup.
type backupReader struct {
	in   *bufio.Scanner
	n    int
	head backupHead
}

func (b *backupReader) next(v any) error {
	b.n++
	if !b.in.Scan() {
		err := b.in.Err()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return kit.Errorf(kit.Invalid, "line %d: %w", b.n, err)
	}
	if err := json.Unmarshal(b.in.Bytes(), v); err != nil {
		return kit.Errorf(kit.Invalid, "line %d: %w", b.n, err)
	}
	return nil
}

func (b *backupReader) readHead() error {
	if err := b.next(&b.head); err != nil || b.head.Format != backupFormat || b.head.Seq < 0 {
		return errors.Join(kit.Errorf(kit.Invalid, "line 1 is not the header of a portable backup"), err)
	}
	return nil
}

// facts inserts all facts, a page a transaction; they do not count before the head moves.
func (b *backupReader) facts(ctx context.Context, d *db.DB) (*tree, error) {
	t := newTree()
	var buf []byte
	for t.n < b.head.Seq {
		var page []*record
		var leaves []tlog.Hash
		for int64(len(page)) < min(pageSize, b.head.Seq-t.n) {
			var f line
			if err := b.next(&f); err != nil {
				return nil, err
			}
			if want := t.n + int64(len(page)) + 1; f.Seq != want {
				return nil, kit.Errorf(kit.Invalid, "line %d: holds fact %d where %d belongs", b.n, f.Seq, want)
			}
			r := f.record()
			page = append(page, r)
			leaves = append(leaves, r.hash(&buf))
		}
		t = t.grow(leaves)
		err := d.Write(ctx, func(ctx context.Context, q db.Q) error {
			if err := insert(ctx, d, q, page); err != nil {
				return err
			}
			return t.save(ctx, q)
		})
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

// end compares the tree with the header's and makes the facts count.
func (b *backupReader) end(ctx context.Context, d *db.DB, t *tree) error {
	var end backupEnd
	if err := b.next(&end); err != nil {
		return err
	}
	if t.root() != b.head.Hash {
		return kit.Errorf(kit.Invalid, "the facts of the backup do not have the root in its header: it was changed or damaged")
	}
	return d.Write(ctx, func(ctx context.Context, q db.Q) error {
		row, err := readHead(ctx, q, d.ForUpdate())
		if err != nil {
			return err
		}
		if row.Seq > 0 {
			return kit.Errorf(kit.Conflict, "somebody recorded facts meanwhile")
		}
		for _, c := range end.Checkpoints {
			_, err := q.ExecContext(ctx, "INSERT INTO ledger_checkpoint (size, at_us, place, held, note) VALUES ($1, $2, $3, $4, $5)",
				c.Size, c.AtUS, c.Place, c.Held, c.Note)
			if err != nil {
				return err
			}
		}
		row.Head = Head{Seq: t.n, Hash: t.root(), Seen: time.UnixMicro(b.head.SeenUS).UTC(), Epoch: b.head.Epoch}
		return row.write(ctx, q)
	})
}

// declare opens the epoch. The projections of the ledger itself are built on the way, those of the program when it starts.
func declare(ctx context.Context, d *db.DB, b backupHead, o RestoreOptions) (Head, error) {
	l, err := Open(ctx, d, Options{Now: o.Now, MinFree: -1})
	if err != nil {
		return Head{}, err
	}
	defer l.Close()
	if err := l.OpenEpoch(ctx, time.UnixMicro(b.MadeUS).UTC(), o.Why); err != nil {
		return Head{}, err
	}
	return l.Head(), nil
}

// OpenEpoch declares that the ledger goes on from a backup made at the given time. Call it once after a copied database
// file was put back, before anything else is recorded; Restore does it by itself.
func (l *Ledger) OpenEpoch(ctx context.Context, backupAt time.Time, why string) error {
	h := l.Head()
	e := event.Event{At: l.opt.Now(), By: "system:restore", About: "ledger:", Key: fmt.Sprintf("epoch:%d:%s", h.Epoch+1, newHolder()),
		Fact: &event.EpochOpened{Epoch: h.Epoch + 1, Restored: h.Seq, TreeHash: h.Hash.String(), BackupAt: backupAt, Why: why}}
	_, err := l.Append(ctx, Batch{Events: []event.Event{e}, Lane: Pages, With: func(ctx context.Context, q db.Q) error {
		row, err := readHead(ctx, q, "") // as it was before this commit
		if err == nil && row.Seq != h.Seq {
			return kit.Errorf(kit.Conflict, "facts were recorded after the restore; open the epoch before the server starts")
		}
		return err
	}})
	if err != nil {
		return fmt.Errorf("open epoch: %w", err)
	}
	return nil
}
