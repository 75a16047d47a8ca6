package slo

import (
	"math"
	"time"
)

// Instant is a moment in milliseconds since 1970-01-01T00:00Z (§1). 0 means "none" where a field says so.
type Instant int64

// At is the instant of a time, rounded down to the millisecond.
func At(t time.Time) Instant { return Instant(t.UnixMilli()) }

// Time is the instant as a time in UTC.
func (t Instant) Time() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Slot is the number n of the slot [60000n, 60000(n+1)) that holds the instant.
func (t Instant) Slot() int64 {
	n := int64(t) / SlotMS
	if int64(t) < n*SlotMS {
		n--
	}
	return n
}

// SlotUp is the number of the first slot that begins at or after the instant.
func (t Instant) SlotUp() int64 { return -floorDiv(-int64(t), SlotMS) }

// SlotStart is the instant at which slot n begins.
func SlotStart(n int64) Instant { return Instant(n * SlotMS) }

const (
	SlotMS    = 60_000 // length of a slot, ms
	SlotS     = 60     // length of a slot, s
	dayMS     = 86_400_000
	quarterMS = 900_000
)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

func floorTo(a, step int64) int64 { return floorDiv(a, step) * step }
func ceilTo(a, step int64) int64  { return -floorDiv(-a, step) * step }

// same is the relative difference below which two numbers count as equal (§0).
const same = 1e-12

// above says a > b, of numbers that are equal within 1e-12 (§0).
func above(a, b float64) bool { return a > b && a-b > same*max(a, -b) }

// whole is floor(x) of a number that may lie 1e-12 below a whole one.
func whole(x float64) float64 { return math.Floor(x + same*math.Abs(x)) }
