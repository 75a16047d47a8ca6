package ledger

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Bounds of one fact.
const (
	MaxBody  = 1 << 20 // bytes of a fact's JSON
	MaxName  = 1024    // bytes of By, About, Key
	MaxCause = 256     // facts that one follows from
)

// record is a fact as its row and its leaf hold it.
type record struct {
	seq          int64
	kind         string
	atUS, seenUS int64
	by, about    string
	key, cause   string // cause: "17,23"
	body         string

	texts    []text      // to be put beside the fact
	event    event.Event // what projections see: texts only by digest
	causeMax int64
}

// text is one free text of a fact, with the salt of its digest.
type text struct {
	place int
	salt  []byte
	plain string
}

// encode checks an event and makes its record; seq and seen are given by the commit. Free texts get their digests, in the
// caller's fact too.
func encode(e event.Event) (*record, error) {
	if e.Fact == nil {
		return nil, kit.Errorf(kit.Invalid, "event %s has no fact", e.Kind)
	}
	if e.Kind == "" {
		e.Kind = e.Fact.Kind()
	}
	if err := checkEnvelope(e); err != nil {
		return nil, err
	}
	if err := e.Fact.Check(); err != nil {
		return nil, err
	}
	r := &record{kind: string(e.Kind), by: e.By, about: string(e.About), key: e.Key, event: e}
	if !e.At.IsZero() {
		r.atUS = e.At.UnixMicro()
	}
	r.cause = joinCause(e.Cause)
	if len(e.Cause) > 0 {
		r.causeMax = e.Cause[len(e.Cause)-1]
	}
	body, err := r.encodeBody(e.Fact)
	if err != nil {
		return nil, err
	}
	r.body = string(body)
	r.event.Key = r.key
	return r, nil
}

func checkEnvelope(e event.Event) error {
	var f []kit.Field
	bad := func(path, msg string) { f = append(f, kit.Field{Path: path, Msg: msg}) }
	if e.Kind != e.Fact.Kind() {
		bad("/kind", fmt.Sprintf("is %s but the fact is %s", e.Kind, e.Fact.Kind()))
	}
	if e.By == "" {
		bad("/by", "is required")
	}
	for path, v := range map[string]string{"/kind": string(e.Kind), "/by": e.By, "/about": string(e.About), "/key": e.Key} {
		if len(v) > MaxName {
			bad(path, fmt.Sprintf("is longer than %d bytes", MaxName))
		} else if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			bad(path, "must be valid UTF-8 without NUL")
		}
	}
	if y := e.At.Year(); !e.At.IsZero() && (y < 1900 || y > 9999) {
		bad("/at", "lies outside the years 1900 to 9999")
	}
	if len(e.Cause) > MaxCause {
		bad("/cause", fmt.Sprintf("names more than %d facts", MaxCause))
	}
	for i, c := range e.Cause {
		if c <= 0 || i > 0 && c <= e.Cause[i-1] {
			bad("/cause", "must name facts by their seq, ascending")
			break
		}
	}
	if f == nil {
		return nil
	}
	slices.SortFunc(f, func(a, b kit.Field) int { return strings.Compare(a.Path, b.Path) })
	return &kit.Error{Code: kit.Invalid, Msg: "fact " + string(e.Fact.Kind()) + " cannot be recorded", Fields: f}
}

// encodeBody makes the JSON, and the key where the caller gave none: then two facts are the same if By, Kind, About, At
// and the content agree; a free text does not count, since a key made from it would outlive its erasure.
func (r *record) encodeBody(f event.Fact) ([]byte, error) {
	texts, _ := f.(event.Texts)
	if texts != nil && r.key == "" {
		for _, t := range texts.Texts() {
			if t.Plain() != "" {
				*t = t.WithDigest("")
			}
		}
		plain, err := marshal(f)
		if err != nil {
			return nil, err
		}
		r.key = contentKey(r, plain)
	}
	if texts != nil {
		for i, t := range texts.Texts() {
			if t.Plain() == "" {
				continue
			}
			salt := make([]byte, 16)
			_, _ = rand.Read(salt) // never fails since Go 1.24
			*t = t.WithDigest(textDigest(salt, t.Plain()))
			r.texts = append(r.texts, text{i, salt, t.Plain()})
		}
	}
	body, err := marshal(f)
	if err != nil {
		return nil, err
	}
	if r.key == "" {
		r.key = contentKey(r, body)
	}
	if r.texts != nil { // a projection that saw the text would keep it beyond its erasure
		if r.event.Fact, err = event.Decode(event.Kind(r.kind), body); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func marshal(f event.Fact) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(f); err != nil {
		return nil, &kit.Error{Code: kit.Invalid, Msg: "fact " + string(f.Kind()) + " has no JSON form", Err: err}
	}
	body := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if len(body) > MaxBody {
		return nil, kit.Errorf(kit.TooLarge, "fact %s takes %d bytes of at most %d", f.Kind(), len(body), MaxBody)
	}
	if !utf8.Valid(body) || bytes.Contains(body, []byte{0}) {
		return nil, kit.Errorf(kit.Invalid, "fact %s is not valid UTF-8", f.Kind())
	}
	return body, nil
}

func contentKey(r *record, body []byte) string {
	h := sha256.New()
	h.Write(appendFields(nil, r.by, r.kind, r.about, strconv.FormatInt(r.atUS, 10)))
	h.Write(body)
	return "content:" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

func textDigest(salt []byte, plain string) string {
	h := sha256.New()
	h.Write(salt)
	h.Write([]byte(plain))
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// leaf is what the tree hashes for a fact: its columns as netstrings ("3:abc,"), numbers in decimal, in this order after
// the name of the form: seq, kind, at and seen (microseconds since 1970 UTC), by, about, key, causes ("17,23"), body.
func (r *record) leaf(buf []byte) []byte {
	var num [20]byte
	b := append(buf, "13:evenkeel/fact,"...)
	b = appendField(b, strconv.AppendInt(num[:0], r.seq, 10))
	b = appendFields(b, r.kind)
	b = appendField(b, strconv.AppendInt(num[:0], r.atUS, 10))
	b = appendField(b, strconv.AppendInt(num[:0], r.seenUS, 10))
	return appendFields(b, r.by, r.about, r.key, r.cause, r.body)
}

// hash is the leaf's hash (RFC 6962, 2.1); buf is scratch and comes back for the next.
func (r *record) hash(buf *[]byte) tlog.Hash {
	*buf = r.leaf((*buf)[:0])
	return tlog.RecordHash(*buf)
}

func appendField(b, v []byte) []byte {
	b = strconv.AppendInt(b, int64(len(v)), 10)
	b = append(b, ':')
	b = append(b, v...)
	return append(b, ',')
}

func appendFields(b []byte, vs ...string) []byte {
	for _, v := range vs {
		b = strconv.AppendInt(b, int64(len(v)), 10)
		b = append(b, ':')
		b = append(b, v...)
		b = append(b, ',')
	}
	return b
}

func joinCause(c []int64) string {
	if len(c) == 0 {
		return ""
	}
	b := make([]byte, 0, len(c)*8)
	for i, n := range c {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(b)
}

func splitCause(s string) ([]int64, error) {
	if s == "" {
		return nil, nil
	}
	parts := strings.Split(s, ",")
	out := make([]int64, len(parts))
	for i, p := range parts {
		n, err := strconv.ParseInt(p, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read causes %q: %w", s, err)
		}
		out[i] = n
	}
	return out, nil
}

// decode makes the event of a stored record, its texts by digest only.
func (r *record) decode() (event.Event, error) {
	cause, err := splitCause(r.cause)
	if err != nil {
		return event.Event{}, fmt.Errorf("read fact %d: %w", r.seq, err)
	}
	f, err := event.Decode(event.Kind(r.kind), []byte(r.body))
	if err != nil {
		return event.Event{}, fmt.Errorf("read fact %d: %w", r.seq, err)
	}
	return event.Event{Seq: r.seq, Kind: event.Kind(r.kind), At: time.UnixMicro(r.atUS).UTC(), Seen: time.UnixMicro(r.seenUS).UTC(),
		By: r.by, About: event.Ref(r.about), Key: r.key, Cause: cause, Fact: f}, nil
}

const columns = "seq, kind, at_us, seen_us, actor, about, key, cause, body"

// scan reads a row of columns.
func (r *record) scan(scan func(...any) error) error {
	return scan(&r.seq, &r.kind, &r.atUS, &r.seenUS, &r.by, &r.about, &r.key, &r.cause, &r.body)
}
