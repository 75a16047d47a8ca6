package ledger

import (
	"context"

	"evenkeel.dev/evenkeel/internal/event"
)

// texts compares a fact's free texts with their digests.
func (v *verifier) texts(ctx context.Context, r *record) error {
	has, known := v.textKinds[r.kind]
	if !known {
		_, has = event.New(event.Kind(r.kind)).(event.Texts)
		v.textKinds[r.kind] = has
	}
	if !has {
		return nil
	}
	e, err := r.decode()
	if err != nil {
		return nil // an unreadable body is an altered row, and reported as one
	}
	stored, err := v.storedTexts(ctx, r.seq)
	if err != nil {
		return err
	}
	bare := false
	for i, t := range e.Fact.(event.Texts).Texts() {
		s, ok := stored[i]
		delete(stored, i)
		switch {
		case ok && textDigest(s.salt, s.plain) != t.Digest:
			v.find(Finding{What: Text, From: r.seq, To: r.seq, Msg: "its free text does not match the digest in the fact"})
		case ok:
			v.report.Texts++
		case t.Digest != "":
			bare = true
			v.report.Erased++
		}
	}
	if len(stored) > 0 {
		v.find(Finding{What: Text, From: r.seq, To: r.seq, Msg: "a free text stands beside the fact that it does not name"})
	}
	if bare {
		v.bare = append(v.bare, r.seq)
	}
	return nil
}

func (v *verifier) storedTexts(ctx context.Context, seq int64) (map[int]text, error) {
	rows, err := v.q.QueryContext(ctx, "SELECT place, salt, plain FROM ledger_text WHERE seq = $1", seq)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int]text{}
	for rows.Next() {
		var t text
		if err := rows.Scan(&t.place, &t.salt, &t.plain); err != nil {
			return nil, err
		}
		out[t.place] = t
	}
	return out, rows.Err()
}

// missingTexts reports the texts that are gone though no later fact erased them.
func (v *verifier) missingTexts() {
	for _, seq := range v.bare {
		if !v.erased[seq] {
			v.find(Finding{What: Text, From: seq, To: seq, Msg: "its free text is gone, and no fact records its erasure"})
		}
	}
}
