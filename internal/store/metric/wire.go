package metric

import (
	"encoding/binary"
	"iter"
	"math"
)

// wire is a remote write 1.0 request (prometheus.WriteRequest, remote write 1.0 specification) that holds nothing but
// float samples, cut into series without decoding their labels. It points into the request's bytes.
type wire struct {
	series  []wireSeries
	samples []wireSample
}

type wireSeries struct {
	labels   []byte // the Label fields, one after the other, as they came
	first, n int    // of the samples
}

type wireSample struct {
	t int64
	v float64
}

// Tags: field number and wire type of the fields that are known here.
const (
	tagSeries = 1<<3 | 2 // WriteRequest.timeseries
	tagLabel  = 1<<3 | 2 // TimeSeries.labels
	tagSample = 2<<3 | 2 // TimeSeries.samples
	tagName   = 1<<3 | 2 // Label.name
	tagValue  = 2<<3 | 2 // Label.value
	tagV      = 1<<3 | 1 // Sample.value
	tagT      = 2 << 3   // Sample.timestamp
)

// read cuts a request; false where it is broken or holds anything but labels and float samples, in that order.
func (w *wire) read(b []byte) bool {
	w.series, w.samples = w.series[:0], w.samples[:0]
	for len(b) > 0 {
		in, rest, ok := field(b, tagSeries)
		if !ok || !w.readSeries(in) {
			return false
		}
		b = rest
	}
	return true
}

func (w *wire) readSeries(b []byte) bool {
	all, first := b, len(w.samples)
	for len(b) > 0 && b[0] == tagLabel {
		label, rest, ok := field(b, tagLabel)
		if !ok || !goodLabel(label) {
			return false
		}
		b = rest
	}
	labels := all[:len(all)-len(b)]
	for len(b) > 0 {
		in, rest, ok := field(b, tagSample)
		if !ok || !w.readSample(in) {
			return false
		}
		b = rest
	}
	w.series = append(w.series, wireSeries{labels, first, len(w.samples) - first})
	return true
}

func (w *wire) readSample(b []byte) bool {
	var s wireSample
	for len(b) > 0 {
		switch b[0] {
		case tagV:
			if len(b) < 9 {
				return false
			}
			s.v = math.Float64frombits(binary.LittleEndian.Uint64(b[1:]))
			b = b[9:]
		case tagT:
			t, n := binary.Uvarint(b[1:])
			if n <= 0 {
				return false
			}
			s.t = int64(t)
			b = b[1+n:]
		default:
			return false
		}
	}
	w.samples = append(w.samples, s)
	return true
}

// field takes one length-delimited field with a given tag off b.
func field(b []byte, tag byte) (in, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, false
	}
	size, n := uint64(b[1]), 1
	if size >= 0x80 {
		if size, n = binary.Uvarint(b[1:]); n <= 0 {
			return nil, nil, false
		}
	}
	b = b[1+n:]
	if size > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:size], b[size:], true
}

// goodLabel says whether a Label holds a name and then a value, each at most once; an empty one may be left out.
func goodLabel(b []byte) bool {
	for _, tag := range []byte{tagName, tagValue} {
		if len(b) > 0 && b[0] == tag {
			var ok bool
			if _, b, ok = field(b, tag); !ok {
				return false
			}
		}
	}
	return len(b) == 0
}

// wireLabels yields names and values of Label fields that read has found good.
func wireLabels(b []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for len(b) > 0 {
			var label, name, value []byte
			label, b, _ = field(b, tagLabel)
			if len(label) > 0 && label[0] == tagName {
				name, label, _ = field(label, tagName)
			}
			if len(label) > 0 {
				value, _, _ = field(label, tagValue)
			}
			if !yield(name, value) {
				return
			}
		}
	}
}
