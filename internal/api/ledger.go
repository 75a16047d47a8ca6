package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// LedgerStats says how much the ledger holds and how fast it grows.
type LedgerStats struct {
	Facts     int64       `json:"facts"`
	Root      string      `json:"root" doc:"Of the tree over all facts, base64"`
	Epoch     int         `json:"epoch" doc:"1, and one more for each declared restore"`
	Bytes     int64       `json:"bytes" doc:"On disk, the whole database"`
	Free      int64       `json:"free" doc:"Bytes left on the disk; 0 where unknown"`
	Accepting bool        `json:"accepting" doc:"false below the watermark of free space"`
	FirstSeen *time.Time  `json:"firstSeen" doc:"When recording began"`
	LastSeen  *time.Time  `json:"lastSeen"`
	LastHour  int64       `json:"lastHour" doc:"Facts"`
	LastDay   int64       `json:"lastDay" doc:"Facts"`
	Waiting   int         `json:"waiting" doc:"Facts on their way to the disk"`
	Kinds     []KindStats `json:"kinds" doc:"The most frequent first"`
	Tables    []string    `json:"projections"`
}

// KindStats counts one kind.
type KindStats struct {
	Kind   string    `json:"kind"`
	Facts  int64     `json:"facts"`
	Last   int64     `json:"lastSeq"`
	LastAt time.Time `json:"lastAt"`
}

// Checkpoint is a signed tree head.
type Checkpoint struct {
	Size      int64      `json:"size" doc:"Facts 1 to size are covered"`
	Hash      string     `json:"hash" doc:"Root, base64"`
	Epoch     int        `json:"epoch"`
	Note      string     `json:"note" doc:"The signed text, C2SP tlog-checkpoint; keep it where the administrators of this server cannot reach"`
	PublicKey string     `json:"publicKey"`
	Held      *HeldSince `json:"held" doc:"The newest one that somebody else keeps; null = nobody holds any"`
}

// HeldSince is a checkpoint that was handed out.
type HeldSince struct {
	Size  int64     `json:"size"`
	At    time.Time `json:"at"`
	Where string    `json:"where"`
}

// Verdict is what verifying the ledger found.
type Verdict struct {
	OK          bool      `json:"ok"`
	Facts       int64     `json:"facts" doc:"Recomputed"`
	Root        string    `json:"root"`
	Checkpoints int       `json:"checkpoints" doc:"Compared"`
	Texts       int64     `json:"texts" doc:"Free texts that match their digest"`
	Erased      int64     `json:"erased" doc:"Free texts erased, openly"`
	Epochs      int       `json:"restores" doc:"Declared"`
	Findings    []Finding `json:"findings"`
}

// Finding is something that does not fit.
type Finding struct {
	What     string `json:"what"`
	From     int64  `json:"from"`
	To       int64  `json:"to"`
	Message  string `json:"message"`
	Declared bool   `json:"declared,omitempty" doc:"The ledger itself says so: facts lost in a declared restore"`
}

func (s *server) ledger() {
	const tag = "Ledger"
	handle(s, operation{id: "get-ledger", method: http.MethodGet, path: "/ledger", tag: tag, needs: auth.Read, summary: "What the ledger holds"}, s.ledgerStats)
	handle(s, operation{id: "get-checkpoint", method: http.MethodGet, path: "/ledger/checkpoint", tag: tag, needs: auth.Read, summary: "Sign the newest tree head"}, s.checkpoint)
	handle(s, operation{id: "verify-ledger", method: http.MethodPost, path: "/ledger/verify", tag: tag, needs: auth.VerifyLedger, summary: "Recompute the whole ledger",
		about: "Every fact, the tree over them, and every stored checkpoint. Give older checkpoints to find a rewrite that was signed with the real key."}, s.verify)
	handle(s, operation{id: "export-ledger", method: http.MethodGet, path: "/ledger/export", tag: tag, needs: auth.ReadEvidence, summary: "Download an evidence bundle",
		about: "JSON lines: a signed checkpoint, and each fact with its proof. `evenkeel ledger verify FILE` checks it without this server. Recorded."}, s.export)
}

func (s *server) ledgerStats(ctx context.Context, in *Conditional) (*one[LedgerStats], error) {
	st, err := s.Ledger.Stats(ctx)
	if err != nil {
		return nil, err
	}
	out := StatsOf(st, s.Ledger.Names())
	same := out
	same.Free = 0 // others fill the disk too: that alone is no news of the ledger
	etag, err := in.tag(same)
	return &one[LedgerStats]{ETag: etag, Body: out}, err
}

// StatsOf is the answer for a ledger's counts, with the names of its projections.
func StatsOf(st ledger.Stats, names []string) LedgerStats {
	out := LedgerStats{Facts: st.Head.Seq, Root: st.Head.Hash.String(), Epoch: st.Head.Epoch, Bytes: st.Bytes, Free: st.Free, Accepting: st.Accepting,
		FirstSeen: moment(st.FirstSeen), LastSeen: moment(st.Head.Seen), LastHour: st.LastHour, LastDay: st.LastDay, Waiting: st.Waiting, Kinds: []KindStats{}, Tables: names}
	for _, k := range st.Kinds {
		out.Kinds = append(out.Kinds, KindStats{Kind: string(k.Kind), Facts: k.Facts, Last: k.LastSeq, LastAt: k.LastAt})
	}
	return out
}

func (s *server) checkpoint(ctx context.Context, in *Conditional) (*one[Checkpoint], error) {
	c, err := s.Ledger.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	out := Checkpoint{Size: c.Size, Hash: c.Hash.String(), Epoch: c.Epoch, Note: string(c.Note), PublicKey: s.Key.Public}
	held, ok, err := s.Ledger.LastHeld(ctx)
	if err != nil {
		return nil, err
	}
	if ok {
		out.Held = &HeldSince{Size: held.Size, At: held.At, Where: held.Where}
	}
	return tagged(*in, out)
}

type verifyIn struct {
	Body *struct {
		Checkpoints []string `json:"checkpoints,omitempty" maxItems:"1000" doc:"Signed notes that somebody held"`
	} `required:"false"`
}

type verifyOut struct{ Body Verdict }

func (s *server) verify(ctx context.Context, in *verifyIn) (*verifyOut, error) {
	o := ledger.VerifyOptions{}
	if s.Key != nil {
		o.Key = s.Key.Verifier
	}
	if in.Body != nil {
		for _, c := range in.Body.Checkpoints {
			o.Older = append(o.Older, []byte(c))
		}
	}
	r, err := ledger.Verify(ctx, s.Ledger.DB(), o)
	if err != nil {
		return nil, err
	}
	return &verifyOut{VerdictOf(r)}, nil
}

// VerdictOf is the answer for a verification.
func VerdictOf(r ledger.Report) Verdict {
	return Verdict{OK: r.OK(), Facts: r.Facts, Root: r.Head.Hash.String(), Checkpoints: len(r.Checkpoints), Texts: r.Texts, Erased: r.Erased,
		Epochs: len(r.Epochs), Findings: FindingsOf(r.Findings)}
}

// FindingsOf is the answer for findings; never nil.
func FindingsOf(list []ledger.Finding) []Finding {
	out := []Finding{}
	for _, f := range list {
		out = append(out, Finding{What: string(f.What), From: f.From, To: f.To, Message: f.String(), Declared: f.Declared})
	}
	return out
}

type exportIn struct {
	FactFilter
	Texts bool `query:"texts" doc:"With free texts, so that the reader can check these too"`
}

func (s *server) export(ctx context.Context, in *exportIn) (*huma.StreamResponse, error) {
	f, err := s.factFilter(ctx, in.FactFilter)
	if err != nil {
		return nil, err
	}
	if err := s.evidence(ctx, "export of the ledger"); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/jsonl")
		hc.SetHeader("Content-Disposition", `attachment; filename="evenkeel-evidence.jsonl"`)
		if _, err := s.Ledger.Export(ctx, hc.BodyWriter(), ledger.ExportOptions{Filter: f, Texts: in.Texts}); err != nil {
			s.Log.ErrorContext(ctx, "export of the ledger broke off", "err", err)
			panic(http.ErrAbortHandler) // half a bundle must not look like a whole one
		}
	}}, nil
}
