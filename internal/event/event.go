// Package event holds the facts that the ledger records: the envelope, and one struct a kind, one file a family.
//
// A kind is "subject.predicate" in the past tense ("alert.fired"). Inside, a fact is our own JSON; CloudEvents and
// CDEvents are wire forms made from it. A struct's JSON names are its contract: they only ever gain fields.
package event

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Kind names what happened: "subject.predicate", past tense, lower case.
type Kind string

// Ref names a thing as "type:name": "service:checkout", "slo:checkout-availability", "org:", "user:ana".
type Ref string

// NewRef makes "type:name".
func NewRef(typ, name string) Ref { return Ref(typ + ":" + name) }

// Type is the part before the colon.
func (r Ref) Type() string { t, _, _ := strings.Cut(string(r), ":"); return t }

// Name is the part behind the first colon.
func (r Ref) Name() string { _, n, _ := strings.Cut(string(r), ":"); return n }

// Event is one fact with its envelope.
type Event struct {
	Seq   int64     // place in the ledger, 1-based, without gaps; 0 until appended
	Kind  Kind      // equals Fact.Kind()
	At    time.Time // when it happened, UTC, by the source's clock
	Seen  time.Time // when we recorded it, UTC, by ours; set by the ledger
	By    string    // who or what says so: "user:ana", "door:otlp", "evaluator:burn", "org:", "system:"
	About Ref       // the thing it is about
	Key   string    // idempotency: the same key twice is recorded once; empty = made from By, Kind, About, At and the fact
	Cause []int64   // facts this one follows from, ascending
	Fact  Fact      // the content
}

// Fact is the content of an event.
type Fact interface {
	Kind() Kind
	// Check says what is wrong with the content, naming the field; nil when it may be recorded.
	Check() error
}

// kinds maps each known kind to a maker of its empty fact. Each family file adds its lines here by families.
var kinds = build(estateKinds, objectiveKinds, incidentKinds, systemKinds)

func build(families ...map[Kind]func() Fact) map[Kind]func() Fact {
	all := map[Kind]func() Fact{}
	for _, f := range families {
		maps.Copy(all, f)
	}
	return all
}

// Kinds lists all known kinds, sorted.
func Kinds() []Kind {
	out := make([]Kind, 0, len(kinds))
	for k := range kinds {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// New makes the empty fact of a kind; Unknown for a kind this build does not know, so that a newer ledger stays readable.
func New(k Kind) Fact {
	if f, ok := kinds[k]; ok {
		return f()
	}
	return &Unknown{K: k}
}

// Decode reads a fact's JSON.
func Decode(k Kind, body []byte) (Fact, error) {
	f := New(k)
	if err := json.Unmarshal(body, f); err != nil {
		return nil, fmt.Errorf("read %s: %w", k, err)
	}
	return f, nil
}

// Unknown is a fact of a kind that this build does not know; its content is kept byte for byte.
type Unknown struct {
	K    Kind
	Body json.RawMessage
}

func (u *Unknown) Kind() Kind                   { return u.K }
func (u *Unknown) Check() error                 { return nil }
func (u *Unknown) MarshalJSON() ([]byte, error) { return u.Body, nil }
func (u *Unknown) UnmarshalJSON(b []byte) error { u.Body = slices.Clone(b); return nil }

// Text is personal or free text. The fact holds only its salted digest; the text lies in a side table of the ledger,
// from where it can be erased without breaking a proof.
type Text struct {
	Digest string // "sha256:<hex>" of salt and text; empty for no text
	plain  string
}

// NewText wraps a text that has not been stored yet; the ledger salts and digests it on append.
func NewText(s string) Text { return Text{plain: s} }

// Plain is the text: as given to NewText, or as resolved by the ledger on reading; "" when erased or not resolved.
func (t Text) Plain() string { return t.plain }

// Resolve returns the text with its plain form filled in.
func (t Text) Resolve(plain string) Text { t.plain = plain; return t }

// WithDigest returns the text with its digest filled in.
func (t Text) WithDigest(d string) Text { t.Digest = d; return t }

func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(t.Digest) }

func (t *Text) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &t.Digest) }

// Texts is implemented by facts that hold free text: pointers to each, in a fixed order.
type Texts interface{ Texts() []*Text }
