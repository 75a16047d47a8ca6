package ledger

import (
	"context"
	"fmt"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// resolve fills in the free texts of the events that have some.
func resolve(ctx context.Context, q db.Q, es []event.Event) error {
	with := map[int64][]*event.Text{}
	args := []any{}
	for _, e := range es {
		if t, ok := e.Fact.(event.Texts); ok {
			with[e.Seq] = t.Texts()
			args = append(args, e.Seq)
		}
	}
	for len(args) > 0 {
		n := min(len(args), 500)
		if err := resolveSome(ctx, q, with, args[:n]); err != nil {
			return fmt.Errorf("read texts: %w", err)
		}
		args = args[n:]
	}
	return nil
}

func resolveSome(ctx context.Context, q db.Q, with map[int64][]*event.Text, seqs []any) error {
	rows, err := q.QueryContext(ctx, "SELECT seq, place, plain FROM ledger_text WHERE seq IN ("+db.In(1, len(seqs))+")", seqs...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var seq, place int64
		var plain string
		if err := rows.Scan(&seq, &place, &plain); err != nil {
			return err
		}
		if texts := with[seq]; place >= 0 && place < int64(len(texts)) {
			*texts[place] = texts[place].Resolve(plain)
		}
	}
	return rows.Err()
}

// Erase removes the free texts of a fact for good and records who did so and why; the fact and its proof stay.
// kit.NotFound when there is no such fact, kit.Invalid when it has no free text.
func (l *Ledger) Erase(ctx context.Context, seq int64, by, why string) error {
	e, err := l.Get(ctx, seq)
	if err != nil {
		return err
	}
	if _, ok := e.Fact.(event.Texts); !ok {
		return kit.Errorf(kit.Invalid, "fact %d is %s, which holds no free text", seq, e.Kind)
	}
	fact := event.Event{At: l.opt.Now(), By: by, About: e.About, Cause: []int64{seq}, Key: fmt.Sprintf("erase:%d", seq),
		Fact: &event.TextErased{Target: seq, Why: why}}
	_, err = l.Append(ctx, Batch{Events: []event.Event{fact}, With: func(ctx context.Context, q db.Q) error {
		_, err := q.ExecContext(ctx, "DELETE FROM ledger_text WHERE seq = $1", seq)
		return err
	}})
	if err == nil {
		err = l.db.Scrub(ctx, "ledger_text")
	}
	if err != nil {
		return fmt.Errorf("erase texts of fact %d: %w", seq, err)
	}
	return nil
}

// digestsOf lists the digests of a record's free texts by place; none for a fact without.
func digestsOf(r *record) []string {
	e, err := r.decode()
	if err != nil {
		return nil
	}
	f, ok := e.Fact.(event.Texts)
	if !ok {
		return nil
	}
	var out []string
	for _, t := range f.Texts() {
		out = append(out, t.Digest)
	}
	return out
}
