package slo

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/kit/kittest"
)

func TestEveryVectorAgreesTo1e9(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(kittest.Fixtures(t, "slo/vectors"), "*.jsonl.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		family := strings.TrimSuffix(filepath.Base(file), ".jsonl.gz")
		t.Run(family, func(t *testing.T) { checkVectors(t, file) })
	}
}

func checkVectors(t *testing.T, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var c struct {
			ID        string
			Title     string
			Questions []struct {
				Ask    string
				Expect any
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		var got struct {
			ID      string
			Answers []any
			Error   string
		}
		if err := json.Unmarshal(ReplayLine(lines.Bytes()), &got); err != nil {
			t.Fatal(err)
		}
		if got.Error != "" || len(got.Answers) != len(c.Questions) {
			t.Errorf("%s %s: error %q, %d answers to %d questions", c.ID, c.Title, got.Error, len(got.Answers), len(c.Questions))
			continue
		}
		for i, q := range c.Questions {
			if diff := differ(q.Expect, got.Answers[i], ""); diff != "" {
				t.Errorf("%s %s: question %d, %s: %s", c.ID, c.Title, i+1, q.Ask, diff)
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

// differ names the first place in which an answer is not what was expected.
func differ(want, got any, at string) string {
	switch w := want.(type) {
	case map[string]any:
		if f, ok := w["f"].(float64); ok {
			return differ(f, got, at)
		}
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s: want %v, got %v", at, want, got)
		}
		for k, v := range w {
			if d := differ(v, g[k], at+"/"+k); d != "" {
				return d
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s: want %v, got %v", at, want, got)
		}
		for i, v := range w {
			if d := differ(v, g[i], fmt.Sprintf("%s/%d", at, i)); d != "" {
				return d
			}
		}
		return ""
	case float64:
		g, ok := got.(float64)
		if ok && math.Abs(g-w) <= 1e-9*math.Max(1, math.Abs(w)) {
			return ""
		}
	default:
		if want == got {
			return ""
		}
	}
	return fmt.Sprintf("%s: want %v, got %v", at, want, got)
}
