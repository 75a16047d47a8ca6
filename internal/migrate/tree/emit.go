package tree

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Obj is a map to be written, in order. Its values are string, bool, Raw, Obj or []any of these; nil and empty ones are
// left out.
type Obj []Entry

// Entry is one key and value of an Obj.
type Entry struct {
	Key   string
	Value any
}

// Raw is written as it stands, without quotes: a number.
type Raw string

// Emit writes a document as block-style YAML that reads back as the same values: texts that could be taken for something
// else are quoted, texts of several lines stand as blocks.
func Emit(doc Obj) []byte {
	var b bytes.Buffer
	emitObj(&b, doc, 0)
	return b.Bytes()
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case Raw:
		return v == ""
	case Obj:
		for _, e := range v {
			if !empty(e.Value) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	}
	return false
}

func emitObj(b *bytes.Buffer, o Obj, indent int) {
	first := true
	for _, e := range o {
		if empty(e.Value) {
			continue
		}
		if !first || indent == 0 {
			b.WriteString(strings.Repeat(" ", indent))
		}
		first = false
		b.WriteString(scalar(e.Key) + ":")
		emitValue(b, e.Value, indent+2)
	}
}

// emitValue writes what stands after "key:" or "-".
func emitValue(b *bytes.Buffer, v any, indent int) {
	switch v := v.(type) {
	case Obj:
		b.WriteString("\n" + strings.Repeat(" ", indent))
		emitObj(b, v, indent)
	case []any:
		for _, item := range v {
			b.WriteString("\n" + strings.Repeat(" ", indent) + "-")
			if o, ok := item.(Obj); ok {
				b.WriteString(" ")
				emitObj(b, o, indent+2)
				trimNewline(b)
				continue
			}
			emitValue(b, item, indent+2)
			trimNewline(b)
		}
		b.WriteString("\n")
	case bool:
		if v {
			b.WriteString(" true\n")
		} else {
			b.WriteString(" false\n")
		}
	case Raw:
		b.WriteString(" " + string(v) + "\n")
	case string:
		emitText(b, v, indent)
	}
}

func trimNewline(b *bytes.Buffer) {
	if n := b.Len(); n > 0 && b.Bytes()[n-1] == '\n' {
		b.Truncate(n - 1)
	}
}

var blockLine = regexp.MustCompile(`^([^\s\p{C}][^\p{C}]*)?$`)

// emitText writes a text of several plain lines as a block, everything else on one line.
func emitText(b *bytes.Buffer, s string, indent int) {
	lines := strings.Split(s, "\n")
	block := len(lines) > 1 && lines[0] != "" && lines[len(lines)-1] != ""
	for _, line := range lines {
		trimmed := strings.TrimLeft(line, " ")
		block = block && blockLine.MatchString(trimmed) && strings.TrimRight(line, " \t") == line
	}
	if !block || strings.HasPrefix(lines[0], " ") {
		b.WriteString(" " + scalar(s) + "\n")
		return
	}
	b.WriteString(" |-\n")
	for _, line := range lines {
		if line != "" {
			b.WriteString(strings.Repeat(" ", indent) + line)
		}
		b.WriteByte('\n')
	}
}

var plainText = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./()-]*( [A-Za-z0-9_./()-]+)*$`)

// words that YAML 1.1 or 1.2 takes for something else than text.
var words = map[string]bool{"true": true, "false": true, "null": true, "yes": true, "no": true, "on": true, "off": true, "y": true, "n": true}

// scalar is a text on one line, quoted unless it can be nothing else than a text.
func scalar(s string) string {
	if plainText.MatchString(s) && !words[strings.ToLower(s)] {
		return s
	}
	if !strings.ContainsAny(s, "'") && printable(s) && s != "" {
		return "'" + s + "'"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // cannot be: any string encodes
		return `""`
	}
	return unprintable.ReplaceAllStringFunc(strings.TrimSuffix(b.String(), "\n"), func(s string) string {
		r, _ := utf8.DecodeRuneInString(s)
		if r > 0xffff {
			return fmt.Sprintf(`\U%08x`, r)
		}
		return fmt.Sprintf(`\u%04x`, r)
	})
}

var unprintable = regexp.MustCompile(`[\p{C}\p{Zl}\p{Zp}]`)

func printable(s string) bool { return !unprintable.MatchString(s) }
