package count

import (
	"cmp"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

var errRound = errors.New("round of counts is damaged")

// maxRoundEntries bounds one round's row, so that a damaged length cannot ask for the machine's memory.
const maxRoundEntries = 1 << 20

// packRound packs entries of any subjects into one body: version 1, base slot, how many; then by subject: the id's
// difference, slot - base (zigzag), length, valid seconds, flags, and two numbers, each as whole number (zigzag,
// shifted left with 0) or as eight bytes (behind a 1).
func packRound(entries []Entry) []byte {
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	var base int64
	if len(entries) > 0 {
		base = entries[0].Slot
	}
	b := append(make([]byte, 0, 16+10*len(entries)), codecVersion)
	b = binary.AppendVarint(b, base)
	b = binary.AppendUvarint(b, uint64(len(entries)))
	var prev ID
	for _, e := range entries {
		b = binary.AppendUvarint(b, uint64(e.ID-prev))
		prev = e.ID
		b = binary.AppendVarint(b, e.Slot-base)
		b = binary.AppendUvarint(b, uint64(max(e.Len, 1)))
		b = binary.AppendUvarint(b, uint64(e.ValidS))
		b = binary.AppendUvarint(b, e.state())
		b = appendNumber(b, e.Bad)
		b = appendNumber(b, e.Total)
	}
	return b
}

func appendNumber(b []byte, v float64) []byte {
	if whole(v) {
		n := int64(v)
		return binary.AppendUvarint(b, (uint64(n<<1)^uint64(n>>63))<<1)
	}
	b = binary.AppendUvarint(b, 1)
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

// cutter reads varints off a body and remembers the first failure.
type cutter struct {
	b   []byte
	bad bool
}

func (c *cutter) uint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.bad = true
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cutter) int() int64 {
	v := c.uint()
	return int64(v>>1) ^ -int64(v&1)
}

func (c *cutter) number() float64 {
	code := c.uint()
	if code&1 == 0 {
		n := code >> 1
		return float64(int64(n>>1) ^ -int64(n&1))
	}
	if len(c.b) < 8 {
		c.bad = true
		return 0
	}
	v := math.Float64frombits(binary.LittleEndian.Uint64(c.b))
	c.b = c.b[8:]
	return v
}

func unpackRound(b []byte) ([]Entry, error) {
	if len(b) == 0 || b[0] != codecVersion {
		return nil, errRound
	}
	c := cutter{b: b[1:]}
	base, n := c.int(), c.uint()
	if c.bad || n > maxRoundEntries || n > uint64(len(c.b)) {
		return nil, errRound
	}
	out := make([]Entry, 0, n)
	var id ID
	for range n {
		id += ID(c.uint())
		e := Entry{ID: id, Row: Row{Slot: base + c.int(), Len: int(c.uint()), ValidS: int(c.uint())}}
		flags := c.uint()
		e.Sampled, e.Settled = flags&1 != 0, flags&2 != 0
		e.Bad, e.Total = c.number(), c.number()
		if c.bad || e.Len < 1 || e.Len > Coarse || e.ValidS < 0 || e.ValidS > 60*e.Len || flags > 3 {
			return nil, errRound
		}
		out = append(out, e)
	}
	return out, nil
}
