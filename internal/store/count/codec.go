package count

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
)

// A chunk is its rows by columns, each column a run-length or difference code:
//
//	version 1, rows n, then four columns, each behind its length in bytes
//	  place   runs of (rows, slots skipped before the first, length of each)
//	  state   runs of (rows, valid seconds, flags)
//	  bad     \ kind 0: whole numbers, zigzag of the difference to the row before; kind 1: floats, xor with the row
//	  total   / before, bytes reversed. A zero is followed by how many more rows stay unchanged.
//
// All numbers are unsigned varints.
const codecVersion = 1

var errCorrupt = errors.New("chunk of counts is damaged")

func appendColumn(b, col []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(col)))
	return append(b, col...)
}

// encode packs rows, sorted and without overlaps, that begin at or after base.
func encode(base int64, rows []Row) []byte {
	b := append(make([]byte, 0, 16+3*len(rows)), codecVersion)
	b = binary.AppendUvarint(b, uint64(len(rows)))
	var col []byte
	prev := base
	for i := 0; i < len(rows); {
		n := 1
		for i+n < len(rows) && rows[i+n].Slot == rows[i+n-1].End() && max(rows[i+n].Len, 1) == max(rows[i].Len, 1) {
			n++
		}
		col = binary.AppendUvarint(col, uint64(n))
		col = binary.AppendUvarint(col, uint64(rows[i].Slot-prev))
		col = binary.AppendUvarint(col, uint64(max(rows[i].Len, 1)))
		prev = rows[i+n-1].End()
		i += n
	}
	b, col = appendColumn(b, col), col[:0]
	for i := 0; i < len(rows); {
		n := 1
		for i+n < len(rows) && rows[i+n].ValidS == rows[i].ValidS && rows[i+n].state() == rows[i].state() {
			n++
		}
		col = binary.AppendUvarint(col, uint64(n))
		col = binary.AppendUvarint(col, uint64(rows[i].ValidS))
		col = binary.AppendUvarint(col, rows[i].state())
		i += n
	}
	b, col = appendColumn(b, col), col[:0]
	col = appendNumbers(col, rows, func(r *Row) float64 { return r.Bad })
	b, col = appendColumn(b, col), col[:0]
	col = appendNumbers(col, rows, func(r *Row) float64 { return r.Total })
	return appendColumn(b, col)
}

func whole(v float64) bool {
	return v == math.Trunc(v) && math.Abs(v) < 1<<52 && (v != 0 || !math.Signbit(v))
}

func appendNumbers(b []byte, rows []Row, of func(*Row) float64) []byte {
	kind := byte(0)
	for i := range rows {
		if !whole(of(&rows[i])) {
			kind = 1
			break
		}
	}
	b = append(b, kind)
	var prev uint64
	for i := 0; i < len(rows); {
		code, next := difference(kind, prev, of(&rows[i]))
		b = binary.AppendUvarint(b, code)
		prev = next
		i++
		if code != 0 {
			continue
		}
		n := 0
		for i+n < len(rows) {
			if c, _ := difference(kind, prev, of(&rows[i+n])); c != 0 {
				break
			}
			n++
		}
		b = binary.AppendUvarint(b, uint64(n))
		i += n
	}
	return b
}

func difference(kind byte, prev uint64, v float64) (code, next uint64) {
	if kind == 0 {
		d := int64(v) - int64(prev)
		return uint64(d<<1) ^ uint64(d>>63), uint64(int64(v))
	}
	next = math.Float64bits(v)
	return bits.ReverseBytes64(next ^ prev), next
}

// numbers reads one column of values.
type numbers struct {
	p    []byte
	prev uint64
	run  uint64 // rows that repeat prev
	kind byte
}

func (c *numbers) next() (float64, bool) {
	if c.run > 0 {
		c.run--
		return c.value(), true
	}
	code, n := binary.Uvarint(c.p)
	if n <= 0 {
		return 0, false
	}
	c.p = c.p[n:]
	switch {
	case code == 0:
		run, n := binary.Uvarint(c.p)
		if n <= 0 {
			return 0, false
		}
		c.p, c.run = c.p[n:], run
	case c.kind == 0:
		c.prev += uint64(int64(code>>1) ^ -int64(code&1))
	default:
		c.prev ^= bits.ReverseBytes64(code)
	}
	return c.value(), true
}

func (c *numbers) value() float64 {
	if c.kind == 0 {
		return float64(int64(c.prev))
	}
	return math.Float64frombits(c.prev)
}

// iter reads the rows of a chunk one after the other, without allocating.
type iter struct {
	left         uint64
	slot         int64
	place, state []byte
	placeRun     uint64
	len          uint64
	stateRun     uint64
	valid, flags uint64
	bad, total   numbers
}

// decode opens a chunk; base as in encode.
func decode(base int64, b []byte) (iter, error) {
	if len(b) == 0 || b[0] != codecVersion {
		return iter{}, errCorrupt
	}
	b = b[1:]
	n, k := binary.Uvarint(b)
	if k <= 0 || n > chunkSlots {
		return iter{}, errCorrupt
	}
	b = b[k:]
	var cols [4][]byte
	for i := range cols {
		size, k := binary.Uvarint(b)
		if k <= 0 || size > uint64(len(b)-k) {
			return iter{}, errCorrupt
		}
		cols[i], b = b[k:k+int(size)], b[k+int(size):]
	}
	if len(cols[2]) == 0 || len(cols[3]) == 0 {
		return iter{}, errCorrupt
	}
	return iter{left: n, slot: base, place: cols[0], state: cols[1],
		bad: numbers{p: cols[2][1:], kind: cols[2][0]}, total: numbers{p: cols[3][1:], kind: cols[3][0]}}, nil
}

func (it *iter) next() (Row, bool, error) {
	if it.left == 0 {
		return Row{}, false, nil
	}
	it.left--
	if it.placeRun == 0 {
		var v [3]uint64
		if !take(&it.place, &v) || v[0] == 0 || v[1] > chunkSlots || v[2] == 0 || v[2] > chunkSlots {
			return Row{}, false, errCorrupt
		}
		it.placeRun, it.len = v[0], v[2]
		it.slot += int64(v[1])
	}
	it.placeRun--
	if it.stateRun == 0 {
		var v [3]uint64
		if !take(&it.state, &v) || v[0] == 0 || v[1] > 60*chunkSlots || v[2] > 3 {
			return Row{}, false, errCorrupt
		}
		it.stateRun, it.valid, it.flags = v[0], v[1], v[2]
	}
	it.stateRun--
	bad, ok := it.bad.next()
	total, ok2 := it.total.next()
	if !ok || !ok2 {
		return Row{}, false, errCorrupt
	}
	r := Row{Slot: it.slot, Len: int(it.len), Bad: bad, Total: total, ValidS: int(it.valid),
		Sampled: it.flags&1 != 0, Settled: it.flags&2 != 0}
	it.slot += int64(it.len)
	return r, true, nil
}

func take(b *[]byte, v *[3]uint64) bool {
	for i := range v {
		n := 0
		if v[i], n = binary.Uvarint(*b); n <= 0 {
			return false
		}
		*b = (*b)[n:]
	}
	return true
}

// unpack is all rows of a chunk.
func unpack(base int64, b []byte) ([]Row, error) {
	it, err := decode(base, b)
	if err != nil {
		return nil, err
	}
	out := make([]Row, 0, it.left)
	for {
		r, ok, err := it.next()
		if err != nil || !ok {
			return out, err
		}
		out = append(out, r)
	}
}
