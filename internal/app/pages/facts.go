package pages

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/web"
)

func (d *Desk) ledger(ctx context.Context) (web.LedgerState, error) {
	st, err := d.Ledger.Stats(ctx)
	if err != nil {
		return web.LedgerState{}, err
	}
	out := web.LedgerState{Facts: st.Head.Seq, LastDay: st.LastDay, Root: hash(st.Head.Hash[:]), Epoch: st.Head.Epoch}
	for _, k := range st.Kinds {
		out.Kinds = append(out.Kinds, k.Kind)
	}
	slices.Sort(out.Kinds)
	published, err := d.Ledger.Publications(ctx, 1)
	if err != nil {
		return web.LedgerState{}, err
	}
	if len(published) > 0 {
		out.Checkpoint = checkpoint(published[0].Checkpoint, published[0].At)
	}
	held, ok, err := d.Ledger.LastHeld(ctx)
	if err != nil {
		return web.LedgerState{}, err
	}
	if ok {
		c := checkpoint(held.Checkpoint, held.At)
		out.Published, out.Where = &c, held.Where
	}
	out.Verdict = d.verdict.Load()
	return out, nil
}

func leafHash(leaf []byte) string {
	h := tlog.RecordHash(leaf)
	return hash(h[:])
}

func hash(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func checkpoint(c ledger.Checkpoint, at time.Time) web.Checkpoint {
	return web.Checkpoint{Size: c.Size, Hash: hash(c.Hash[:]), At: at, By: c.Origin, Note: string(c.Note)}
}

func (d *Desk) facts(ctx context.Context, f web.FactFilter) (web.FactPage, error) {
	found, err := d.Ledger.Find(ctx, ledger.Filter{Kinds: f.Kinds, About: f.About, By: f.By, Words: f.Words, At: f.Range, Limit: f.Limit,
		Before: ledger.Cursor{At: f.Before.At, Seq: f.Before.Seq}})
	if err != nil {
		return web.FactPage{}, err
	}
	page := web.FactPage{Facts: found.Events}
	if found.More {
		page.Next = web.Cursor{At: found.Next.At, Seq: found.Next.Seq}
	}
	return page, nil
}

func (d *Desk) fact(ctx context.Context, seq int64) (web.FactDetail, error) {
	e, err := d.Ledger.Get(ctx, seq)
	if err != nil {
		return web.FactDetail{}, err
	}
	out := web.FactDetail{Event: e}
	if out.Body, err = json.MarshalIndent(e.Fact, "", "  "); err != nil {
		return out, err
	}
	if out.Causes, out.Effects, err = d.Ledger.Chain(ctx, seq); err != nil {
		return out, err
	}
	p, err := d.Ledger.Prove(ctx, seq)
	if kit.CodeOf(err) == kit.Unavailable {
		return out, nil // no key: nothing is signed
	}
	if err != nil {
		return out, err
	}
	out.Hash = leafHash(p.Leaf)
	for _, h := range p.Hashes {
		out.Proof = append(out.Proof, hash(h[:]))
	}
	c := checkpoint(p.Checkpoint, d.Now())
	out.Against = &c
	return out, nil
}

// verify recomputes the whole ledger and remembers the verdict.
func (d *Desk) verify(ctx context.Context, progress func(done, total int64)) (web.Verdict, error) {
	began := d.Now()
	r, err := ledger.Verify(ctx, d.Ledger.DB(), ledger.VerifyOptions{Key: d.Key.Verifier, Progress: progress})
	if err != nil {
		return web.Verdict{}, err
	}
	v := web.Verdict{At: d.Now(), Facts: r.Facts, Took: d.Now().Sub(began)}
	for _, f := range r.Findings {
		if !f.Declared {
			v.Break, v.Seq = f.String(), f.From
			break
		}
	}
	d.verdict.Store(&v)
	return v, nil
}
