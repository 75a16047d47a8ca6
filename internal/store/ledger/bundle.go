package ledger

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// An evidence bundle is one file of JSON lines: a header with the checkpoint and the public key, a line a fact with its
// proof, and a last line with their number. It is verified without the ledger.

const bundleFormat = "evenkeel-evidence/1"

type bundleHead struct {
	Format     string `json:"format"`
	Origin     string `json:"origin"`
	PublicKey  string `json:"publicKey"`
	Checkpoint string `json:"checkpoint"`
}

// line is a fact in a bundle or a backup: the columns of its row, byte for byte.
type line struct {
	Seq    int64            `json:"seq"`
	Kind   string           `json:"kind"`
	AtUS   int64            `json:"at_us"`
	SeenUS int64            `json:"seen_us"`
	By     string           `json:"by"`
	About  string           `json:"about,omitempty"`
	Key    string           `json:"key"`
	Cause  string           `json:"cause,omitempty"`
	Body   string           `json:"body"`
	Texts  []textLine       `json:"texts,omitempty"`
	Proof  tlog.RecordProof `json:"proof,omitempty"`
}

type textLine struct {
	Place int    `json:"place"`
	Salt  []byte `json:"salt"`
	Plain string `json:"plain"`
}

type bundleEnd struct {
	Facts *int64 `json:"facts"`
}

func (r *record) line() line {
	return line{Seq: r.seq, Kind: r.kind, AtUS: r.atUS, SeenUS: r.seenUS, By: r.by, About: r.about, Key: r.key, Cause: r.cause, Body: r.body}
}

func (n line) record() *record {
	r := &record{seq: n.Seq, kind: n.Kind, atUS: n.AtUS, seenUS: n.SeenUS, by: n.By, about: n.About, key: n.Key, cause: n.Cause, body: n.Body}
	for _, t := range n.Texts {
		r.texts = append(r.texts, text{t.Place, t.Salt, t.Plain})
	}
	return r
}

// ExportOptions choose the facts of a bundle.
type ExportOptions struct {
	Filter Filter // Before and Limit do not apply: all facts that match are exported, oldest first
	Texts  bool   // with free texts and their salts, so that the reader can check these too
}

// Export writes an evidence bundle and returns how many facts it holds.
func (l *Ledger) Export(ctx context.Context, w io.Writer, o ExportOptions) (n int64, err error) {
	err = l.db.Snapshot(ctx, func(ctx context.Context, q db.Q) error {
		row, err := readHead(ctx, q, "")
		if err != nil {
			return err
		}
		c, err := l.sign(row.Head)
		if err != nil {
			return err
		}
		out := bufio.NewWriter(w)
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(bundleHead{bundleFormat, c.Origin, l.opt.Key.Public, string(c.Note)}); err != nil {
			return err
		}
		hashes := newTiles(ctx, q, row.Seq)
		err = eachMatch(ctx, q, o.Filter, func(r *record) error {
			n++
			return writeEvidence(ctx, q, enc, r, hashes, o.Texts)
		})
		if err != nil {
			return err
		}
		return errors.Join(enc.Encode(bundleEnd{&n}), out.Flush())
	})
	if err != nil {
		return n, fmt.Errorf("export facts: %w", err)
	}
	return n, nil
}

func writeEvidence(ctx context.Context, q db.Q, enc *json.Encoder, r *record, hashes *tiles, texts bool) (err error) {
	out := r.line()
	if out.Proof, err = tlog.ProveRecord(hashes.n, r.seq-1, hashes); err != nil {
		return err
	}
	if texts {
		if out.Texts, err = textLines(ctx, q, r.seq, r.seq, nil); err != nil {
			return err
		}
	}
	return enc.Encode(out)
}

// textLines reads the free texts of facts from to to; each, where not nil, is told the fact of each.
func textLines(ctx context.Context, q db.Q, from, to int64, each func(seq int64, t textLine)) (out []textLine, err error) {
	rows, err := q.QueryContext(ctx, "SELECT seq, place, salt, plain FROM ledger_text WHERE seq >= $1 AND seq <= $2 ORDER BY seq, place", from, to)
	if err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		var t textLine
		if err := rows.Scan(&seq, &t.Place, &t.Salt, &t.Plain); err != nil {
			return nil, fmt.Errorf("read texts: %w", err)
		}
		if each != nil {
			each(seq, t)
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// eachMatch calls f for all facts that match, oldest first, a page at a time.
func eachMatch(ctx context.Context, q db.Q, f Filter, call func(*record) error) error {
	f.Before = Cursor{}
	where, args, err := f.where(ctx, q, "kind")
	if err != nil {
		return err
	}
	n := len(args)
	page := fmt.Sprintf("%s AND seq > $%d ORDER BY seq LIMIT $%d", where, n+1, n+2)
	for after := int64(0); ; {
		rs, err := readRecords(ctx, q, page, append(slices.Clone(args), after, pageSize)...)
		if err != nil {
			return err
		}
		for _, r := range rs {
			if err := call(r); err != nil {
				return err
			}
			after = r.seq
		}
		if len(rs) < pageSize {
			return nil
		}
	}
}

// BundleReport is what VerifyBundle found.
type BundleReport struct {
	Checkpoint Checkpoint
	PublicKey  string    // of the bundle
	Trusted    bool      // the signature was checked with a key given by the reader, not just with the bundle's own
	Facts      int64     // whose proof holds
	Texts      int64     // free texts that match their digest
	FirstAt    time.Time // of the facts; zero for none
	LastAt     time.Time
	Findings   []Finding
}

// OK says that every fact is proven.
func (r BundleReport) OK() bool { return len(r.Findings) == 0 }

// maxLine bounds a line of a bundle: a fact of MaxBody as a JSON string, its texts and its proof.
const maxLine = 16 << 20

// VerifyBundle checks an evidence bundle offline: the checkpoint's signature, with key or, where that is nil, with the key
// in the bundle itself, and each fact's proof. An error means that it is no readable bundle; findings name facts.
func VerifyBundle(r io.Reader, key note.Verifier) (BundleReport, error) {
	rep, err := verifyBundle(r, key)
	if err != nil {
		return rep, fmt.Errorf("verify bundle: %w", err)
	}
	return rep, nil
}

func verifyBundle(r io.Reader, key note.Verifier) (rep BundleReport, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	var head bundleHead
	if !in.Scan() || json.Unmarshal(in.Bytes(), &head) != nil || head.Format != bundleFormat {
		return rep, errors.Join(&kit.Error{Code: kit.Invalid, Msg: "line 1 is not the header of an evidence bundle",
			Hint: "name a file that ledger export wrote"}, in.Err())
	}
	rep.PublicKey, rep.Trusted = head.PublicKey, key != nil
	if key == nil {
		if key, err = note.NewVerifier(head.PublicKey); err != nil {
			return rep, kit.Errorf(kit.Invalid, "line 1: the public key is damaged: %w", err)
		}
	}
	if rep.Checkpoint, err = ReadCheckpoint([]byte(head.Checkpoint), key); err != nil {
		return rep, fmt.Errorf("line 1: %w", err)
	}
	for n := 2; in.Scan(); n++ {
		var end bundleEnd
		if bytes.HasPrefix(in.Bytes(), []byte(`{"facts"`)) && json.Unmarshal(in.Bytes(), &end) == nil && end.Facts != nil {
			if got := rep.Facts + int64(len(rep.Findings)); got != *end.Facts {
				rep.Findings = append(rep.Findings, Finding{What: Missing, Msg: fmt.Sprintf("the bundle was written with %d facts and holds %d", *end.Facts, got)})
			}
			return rep, nil
		}
		var f line
		if err := json.Unmarshal(in.Bytes(), &f); err != nil {
			return rep, kit.Errorf(kit.Invalid, "line %d: %w", n, err)
		}
		rep.check(f)
	}
	if err := in.Err(); err != nil {
		return rep, kit.Errorf(kit.Invalid, "read bundle: %w", err)
	}
	rep.Findings = append(rep.Findings, Finding{What: Missing, Msg: "the bundle breaks off before its last line"})
	return rep, nil
}

// check proves one fact: exactly one of Facts and Findings grows.
func (rep *BundleReport) check(f line) {
	bad := func(what What, msg string) {
		rep.Findings = append(rep.Findings, Finding{What: what, From: f.Seq, To: f.Seq, Msg: msg})
	}
	r := f.record()
	var buf []byte
	c := rep.Checkpoint
	if f.Seq < 1 || f.Seq > c.Size || tlog.CheckRecord(f.Proof, c.Size, c.Hash, f.Seq-1, r.hash(&buf)) != nil {
		bad(Altered, "its proof does not lead to the checkpoint")
		return
	}
	digests := digestsOf(r)
	for _, t := range r.texts {
		if t.place < 0 || t.place >= len(digests) || digests[t.place] != textDigest(t.salt, t.plain) {
			bad(Text, "its free text does not match the digest in the fact")
			return
		}
	}
	rep.Texts += int64(len(r.texts))
	rep.Facts++
	at := time.UnixMicro(f.AtUS).UTC()
	if rep.FirstAt.IsZero() || at.Before(rep.FirstAt) {
		rep.FirstAt = at
	}
	if at.After(rep.LastAt) {
		rep.LastAt = at
	}
}
