package tree

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEveryValueKnowsItsPlace(t *testing.T) {
	docs, err := Parse([]byte("# head\na: 1\nb:\n  - c: 'x'\n    d: |\n      two\n      lines\n---\n[{\"e\": 0.90}]\n"))
	if err != nil || len(docs) != 2 {
		t.Fatal(docs, err)
	}
	d := docs[0].Get("b").Items[0].Get("d")
	if d.Text != "two\nlines\n" || d.Path != "b[0].d" || d.Line != 5 {
		t.Errorf("d is %+v", d)
	}
	if c := docs[0].Get("b").Items[0].Get("c"); !c.Quoted || c.Line != 4 || c.Column != 8 {
		t.Errorf("c is %+v", c)
	}
	if e := docs[1].Items[0].Get("e"); e.Text != "0.90" || e.Line != 9 || e.Path != "[0].e" {
		t.Errorf("e is %+v", e)
	}
}

func TestAliasesAndMergesAreWrittenOut(t *testing.T) {
	docs, err := Parse([]byte("a: &x {p: 1, q: 2}\nb: *x\nc:\n  <<: *x\n  q: 3\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := docs[0].Get("b", "q").Text; got != "2" {
		t.Errorf("b.q is %q", got)
	}
	if c := docs[0].Get("c"); c.Get("p").Text != "1" || c.Get("q").Text != "3" {
		t.Errorf("c is %v", c.Value())
	}
}

func TestHostileFilesAreRefused(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		p := string(rune('0' + i - 1))
		bomb.WriteString("a" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [*a" + p + strings.Repeat(", *a"+p, 9) + "]\n")
	}
	for name, file := range map[string]string{
		"nested":         strings.Repeat("[", 100_000),
		"nested maps":    strings.Repeat("{a: ", 100_000),
		"dashes":         strings.Repeat("- ", 100_000) + "a",
		"indentation":    deep(300),
		"alias bomb":     bomb.String(),
		"self reference": "a: &a [*a]",
		"no anchor":      "a: *b",
		"size":           "a: " + strings.Repeat("x", MaxBytes),
		"bytes":          "a: \xff",
		"twice":          "a: 1\na: 2",
		"tabs":           "a:\n\tb: 1",
		"open":           "a: [1, 2",
	} {
		docs, err := Parse([]byte(file))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Line < 1 || docs != nil {
			t.Errorf("%s: %d documents, error %v", name, len(docs), err)
		}
	}
}

func deep(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

func TestWhatIsWrittenReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 40, -1)
		var doc Obj
		var want = map[string]any{}
		for _, key := range rapid.SliceOfNDistinct(rapid.StringN(1, 10, -1), 1, 6, rapid.ID[string]).Draw(t, "keys") {
			s := text.Draw(t, "value")
			item := text.Draw(t, "item")
			doc = append(doc, Entry{key, Obj{{"s", s}, {"l", []any{s, Obj{{"i", item}, {"n", Raw("1.50")}}, true}}}})
			want[key] = []string{s, item}
		}
		docs, err := Parse(Emit(doc))
		if err != nil {
			t.Fatalf("%v\n%s", err, Emit(doc))
		}
		for _, e := range doc {
			w := want[e.Key].([]string)
			n := docs[0].Get(e.Key)
			got := []string{text0(n.Get("s")), text0(n.Get("l").Items[1].Get("i"))}
			if diff := cmp.Diff(w, got); diff != "" {
				t.Fatalf("%s\n%s", diff, Emit(doc))
			}
			if l := n.Get("l"); l.Items[1].Get("n").Text != "1.50" || l.Items[2].Text != "true" || text0(l.Items[0]) != w[0] {
				t.Fatalf("%s", Emit(doc))
			}
		}
	})
}

func text0(n *Node) string {
	if n == nil {
		return ""
	}
	return n.Text
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a: 1", "- a\n- {b: c}", "a: &x [1]\nb: *x\n<<: *x", "a: |\n  x\n", "? a\n: b", "%YAML 1.2\n---\na", "!!str 1", "{\"a\": [1, null]}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, err := Parse(data)
		if err != nil {
			return
		}
		for _, d := range docs {
			d.Value()
		}
	})
}
