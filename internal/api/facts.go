package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// Fact is one recorded fact with its envelope.
type Fact struct {
	Seq   int64           `json:"seq" doc:"Place in the ledger, from 1, without gaps"`
	Kind  string          `json:"kind"`
	At    time.Time       `json:"at" doc:"When it happened, by the source's clock"`
	Seen  time.Time       `json:"seen" doc:"When it was recorded, by ours"`
	By    string          `json:"by"`
	About string          `json:"about,omitempty"`
	Key   string          `json:"key" doc:"The same key twice is recorded once"`
	Cause []int64         `json:"cause,omitempty" doc:"Facts it follows from"`
	Fact  json.RawMessage `json:"fact" doc:"Free texts by digest only"`
}

// FactDetail is one fact with what belongs to it.
type FactDetail struct {
	Fact
	Amendments []Amendment       `json:"amendments,omitempty" doc:"Later facts that correct it"`
	Texts      map[string]string `json:"texts,omitempty" doc:"Free texts by digest; only where asked for"`
}

// Amendment is one correction of a fact.
type Amendment struct {
	Seq int64          `json:"seq"`
	Set map[string]any `json:"set" doc:"Fields by name, with their corrected values"`
}

// Chain is what led to a fact and what followed from it.
type Chain struct {
	Causes  []Fact `json:"causes"`
	Effects []Fact `json:"effects"`
}

// Proof shows that a fact is a leaf of the tree that a checkpoint signs (RFC 6962, 2.1.1).
type Proof struct {
	Seq        int64    `json:"seq"`
	Leaf       string   `json:"leaf" doc:"What is hashed for the fact, base64"`
	LeafHash   string   `json:"leafHash" doc:"base64"`
	Hashes     []string `json:"hashes" doc:"The path to the root, base64, from the leaf up"`
	Checkpoint string   `json:"checkpoint" doc:"The signed tree head, as C2SP tlog-checkpoint"`
}

func (s *server) facts() {
	const tag = "Facts"
	handle(s, operation{id: "list-facts", method: http.MethodGet, path: "/facts", tag: tag, needs: auth.Read, summary: "Find facts, newest first",
		about: "Conditions add up. With from or to, by when they happened; else by when they were recorded. knownAt shows the ledger as it stood then."}, s.listFacts)
	handle(s, operation{id: "get-fact", method: http.MethodGet, path: "/facts/{seq}", tag: tag, needs: auth.Read, summary: "One fact",
		about: "With texts=true also its free texts: that needs evidence.read, and is recorded."}, s.getFact)
	handle(s, operation{id: "get-fact-chain", method: http.MethodGet, path: "/facts/{seq}/chain", tag: tag, needs: auth.Read, summary: "Causes and effects of a fact"}, s.getChain)
	handle(s, operation{id: "get-fact-proof", method: http.MethodGet, path: "/facts/{seq}/proof", tag: tag, needs: auth.Read, summary: "Proof that a fact is in the ledger"}, s.getProof)
}

// FactFilter are the conditions on facts in a query.
type FactFilter struct {
	Kind    []string `query:"kind" maxItems:"64" doc:"Kinds, separated by commas, such as alert.fired"`
	About   string   `query:"about" maxLength:"300" doc:"Such as slo:checkout-availability"`
	By      string   `query:"by" maxLength:"300" doc:"Such as user:ana or evaluator:slo"`
	Words   string   `query:"words" maxLength:"300" doc:"Words that each occur in kind, subject, author or body"`
	From    string   `query:"from" doc:"Happened at or after; RFC 3339, a day, or an age such as 7d"`
	To      string   `query:"to" doc:"Happened before"`
	KnownAt string   `query:"knownAt" doc:"Only what was recorded by then"`
}

// filter reads the conditions; every wrong one is named.
func (f FactFilter) filter(now time.Time) (ledger.Filter, error) {
	out := ledger.Filter{About: event.Ref(f.About), By: f.By, Words: strings.Fields(f.Words)}
	e := &kit.Error{Code: kit.Invalid, Msg: wrongValues}
	for _, k := range f.Kind {
		out.Kinds = append(out.Kinds, event.Kind(k))
	}
	for _, t := range []struct {
		name, text string
		to         *time.Time
	}{{"from", f.From, &out.At.From}, {"to", f.To, &out.At.To}, {"knownAt", f.KnownAt, &out.KnownAt}} {
		if t.text == "" {
			continue
		}
		var err error
		if *t.to, err = kit.ParseTime(t.text, now); err != nil {
			e.Fields = append(e.Fields, kit.Field{Path: "query." + t.name, Msg: err.Error()})
		}
	}
	if len(e.Fields) > 0 {
		return out, e
	}
	if !out.At.From.IsZero() && !out.At.To.IsZero() && !out.At.From.Before(out.At.To) {
		return out, queryError("from", fmt.Errorf("must be before to"))
	}
	return out, nil
}

// factFilter reads the conditions and names kinds that neither this program nor the ledger knows.
func (s *server) factFilter(ctx context.Context, in FactFilter) (ledger.Filter, error) {
	f, err := in.filter(s.Now())
	if err != nil {
		return f, err
	}
	known := event.Kinds()
	strange := func(k event.Kind) bool { return !slices.Contains(known, k) }
	if !slices.ContainsFunc(f.Kinds, strange) {
		return f, nil
	}
	st, err := s.Ledger.Stats(ctx) // a newer program may have recorded them
	if err != nil {
		return f, err
	}
	for _, k := range st.Kinds {
		known = append(known, k.Kind)
	}
	e := &kit.Error{Code: kit.Invalid, Msg: wrongValues}
	for _, k := range f.Kinds {
		if strange(k) {
			e.Fields = append(e.Fields, kit.Field{Path: "query.kind", Msg: fmt.Sprintf("%q is no kind of fact; write such as alert.fired. GET /api/v1/ledger counts the kinds there are", k)})
		}
	}
	if len(e.Fields) > 0 {
		return f, e
	}
	return f, nil
}

type listFactsIn struct {
	Paging
	Conditional
	FactFilter
}

func (s *server) listFacts(ctx context.Context, in *listFactsIn) (*page[Fact], error) {
	f, err := s.factFilter(ctx, in.FactFilter)
	if err != nil {
		return nil, err
	}
	f.Limit = min(in.Limit, ledger.MaxFind)
	if f.Before, err = readCursor(in.Cursor); err != nil {
		return nil, err
	}
	found, err := s.Ledger.Find(ctx, f)
	if err != nil {
		return nil, err
	}
	out := &page[Fact]{Body: list[Fact]{Items: []Fact{}, Total: -1}}
	if out.Body.Items, err = factsOf(found.Events); err != nil {
		return nil, err
	}
	if found.More {
		out.Body.Next = base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d/%d", found.Next.At.UnixMicro(), found.Next.Seq))
	}
	out.ETag, err = in.tag(out.Body)
	return out, err
}

func readCursor(text string) (ledger.Cursor, error) {
	if text == "" {
		return ledger.Cursor{}, nil
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return ledger.Cursor{}, errCursor
	}
	at, seq, ok := strings.Cut(string(body), "/")
	us, err1 := strconv.ParseInt(at, 10, 64)
	n, err2 := strconv.ParseInt(seq, 10, 64)
	if !ok || err1 != nil || err2 != nil || n < 1 {
		return ledger.Cursor{}, errCursor
	}
	return ledger.Cursor{At: time.UnixMicro(us).UTC(), Seq: n}, nil
}

func factsOf(es []event.Event) ([]Fact, error) {
	out := make([]Fact, 0, len(es))
	for _, e := range es {
		f, err := factOf(e)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func factOf(e event.Event) (Fact, error) {
	body, err := json.Marshal(e.Fact)
	if err != nil {
		return Fact{}, fmt.Errorf("encode fact %d: %w", e.Seq, err)
	}
	return Fact{Seq: e.Seq, Kind: string(e.Kind), At: e.At, Seen: e.Seen, By: e.By, About: string(e.About), Key: e.Key, Cause: e.Cause, Fact: body}, nil
}

type oneFactIn struct {
	Conditional
	Seq   int64 `path:"seq" minimum:"1"`
	Texts bool  `query:"texts" doc:"With free texts; needs evidence.read and is recorded"`
}

func (s *server) getFact(ctx context.Context, in *oneFactIn) (*one[FactDetail], error) {
	e, err := s.Ledger.Get(ctx, in.Seq)
	if err != nil {
		return nil, err
	}
	var out FactDetail
	if out.Fact, err = factOf(e); err != nil {
		return nil, err
	}
	list, err := projection.AmendmentsOf(ctx, s.Ledger.DB().Read(), in.Seq)
	if err != nil {
		return nil, err
	}
	for _, a := range list {
		out.Amendments = append(out.Amendments, Amendment{Seq: a.Seq, Set: a.Set})
	}
	if in.Texts {
		on := fmt.Sprintf("texts of fact %d", in.Seq)
		if err := s.evidence(ctx, on); err != nil {
			return nil, err
		}
		out.Texts = textsOf(e.Fact)
	}
	return tagged(in.Conditional, out)
}

// evidence lets a caller read what only some may, and records that it was read.
func (s *server) evidence(ctx context.Context, what string) error {
	if err := s.allow(ctx, auth.ReadEvidence, "", what); err != nil {
		return err
	}
	return s.Access.ReadBy(ctx, auth.From(ctx), what, s.Now())
}

func textsOf(f event.Fact) map[string]string {
	with, ok := f.(event.Texts)
	if !ok {
		return nil
	}
	out := map[string]string{}
	for _, t := range with.Texts() {
		if t.Digest != "" && t.Plain() != "" {
			out[t.Digest] = t.Plain()
		}
	}
	return out
}

type factIn struct {
	Conditional
	Seq int64 `path:"seq" minimum:"1"`
}

func (s *server) getChain(ctx context.Context, in *factIn) (*one[Chain], error) {
	causes, effects, err := s.Ledger.Chain(ctx, in.Seq)
	if err != nil {
		return nil, err
	}
	var out Chain
	if out.Causes, err = factsOf(causes); err != nil {
		return nil, err
	}
	if out.Effects, err = factsOf(effects); err != nil {
		return nil, err
	}
	return tagged(in.Conditional, out)
}

func (s *server) getProof(ctx context.Context, in *factIn) (*one[Proof], error) {
	p, err := s.Ledger.Prove(ctx, in.Seq)
	if err != nil {
		return nil, err
	}
	leaf := tlog.RecordHash(p.Leaf)
	out := Proof{Seq: p.Seq, Leaf: base64.StdEncoding.EncodeToString(p.Leaf), LeafHash: leaf.String(), Hashes: []string{}, Checkpoint: string(p.Checkpoint.Note)}
	for _, h := range p.Hashes {
		out.Hashes = append(out.Hashes, h.String())
	}
	return tagged(in.Conditional, out)
}
