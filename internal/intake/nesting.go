package intake

import "encoding/binary"

// protoDepth is how many messages may lie in each other in a protobuf body, without knowing its schema: every
// length-delimited field that reads as a message counts as one. It stops looking beyond limit and then answers
// limit + 1. A field too short to hold what is missing to the limit is not looked into, so that an ordinary body costs
// a walk over its largest fields only.
func protoDepth(b []byte, limit int) int {
	if limit < 0 {
		return 1
	}
	deepest := 0
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 {
			return 0 // not a message
		}
		b = b[n:]
		var size uint64
		switch tag & 7 {
		case 0:
			_, n = binary.Uvarint(b)
			if n <= 0 {
				return 0
			}
			size = uint64(n)
		case 1:
			size = 8
		case 5:
			size = 4
		case 2:
			l, n := binary.Uvarint(b)
			if n <= 0 || l > uint64(len(b)-n) {
				return 0
			}
			b = b[n:]
			size = l
			if l >= 2*uint64(limit) {
				deepest = max(deepest, protoDepth(b[:l], limit-1))
			}
		default:
			return 0 // groups are not used by OTLP, and pdata skips without recursion what it does not know
		}
		if size > uint64(len(b)) {
			return 0
		}
		b = b[size:]
		if deepest > limit {
			break
		}
	}
	return deepest + 1
}

// jsonDepth is the depth of objects and lists in a JSON text, at most limit + 1. It does not check the text.
func jsonDepth(b []byte, limit int) int {
	depth, deepest := 0, 0
	quoted := false
	for i := 0; i < len(b) && deepest <= limit; i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
