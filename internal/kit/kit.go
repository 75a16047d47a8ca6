// Package kit holds what every other package may use: time ranges, ids, samples and spans, the printed form of numbers
// and times, and the error a person can act on. It is pure: no I/O, no clock, no randomness but what is passed in.
package kit

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// Range is the half-open interval [From, To). A zero To means open-ended.
type Range struct {
	From, To time.Time
}

// Contains says whether t lies in [From, To).
func (r Range) Contains(t time.Time) bool {
	return !t.Before(r.From) && (r.To.IsZero() || t.Before(r.To))
}

// Len is the range's length; 0 for an open-ended one.
func (r Range) Len() time.Duration {
	if r.To.IsZero() {
		return 0
	}
	return r.To.Sub(r.From)
}

// Label is one name and value of a series, a span or an entity.
type Label struct{ Name, Value string }

// Sample is one value of a float series.
type Sample struct {
	Labels  []Label // sorted by name, the metric's name under "__name__"
	TimeMS  int64   // UTC
	StartMS int64   // when the counter began, 0 where unknown
	Value   float64
}

var idText = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewID makes a lower-case id of 26 characters that sorts by time: 48 bits of milliseconds, 80 random bits, in
// Crockford's base 32 (the layout of ULID). now decides the order of ids made within one process.
func NewID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.UnixMilli())<<16)
	_, _ = rand.Read(b[6:]) // crypto/rand.Read never fails since Go 1.24
	return idText.EncodeToString(b[:])
}
