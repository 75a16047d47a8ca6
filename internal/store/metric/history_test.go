package metric

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"

	"evenkeel.dev/evenkeel/internal/kit"
)

func TestBackfilledHistoryIsReadLikeAnyOther(t *testing.T) {
	dir := t.TempDir()
	h := &histogram.FloatHistogram{Schema: 0, Count: 3, Sum: 4, PositiveSpans: []histogram.Span{{Offset: 0, Length: 2}}, PositiveBuckets: []float64{1, 2}}
	end := base.Add(-10 * time.Minute)
	begin := end.Add(-30 * day)
	var a, b []Point
	for i := begin; i.Before(end); i = i.Add(10 * time.Minute) {
		a = append(a, Point{T: i.UnixMilli(), V: float64(len(a)), ST: begin.Add(-time.Minute).UnixMilli()})
		b = append(b, Point{T: i.UnixMilli(), V: 4, H: h})
	}
	pieces := []Series{{labels.FromStrings("__name__", "a"), a[:1000]}, {labels.FromStrings("__name__", "b"), b}, {labels.FromStrings("__name__", "a"), a[1000:]}}
	ctx := context.Background()
	n, err := BackfillBlocks(ctx, dir, slices.Values(pieces))
	if err != nil || n < 13 || n > 15 {
		t.Fatalf("%d blocks, %v", n, err)
	}
	s := openStore(t, func(o *Options) { o.Dir = dir })
	appendAll(t, s, sample("a", 0, 9999))
	got := read(t, s, `{__name__=~"a|b"}`, begin, base.Add(time.Minute))
	if d := cmp.Diff(append(a, Point{T: base.UnixMilli(), V: 9999}), got[`{__name__="a"}`]); d != "" {
		t.Error(d)
	}
	if p := got[`{__name__="b"}`]; len(p) != len(b) || !p[7].H.Equals(h) {
		t.Errorf("%d histograms of %d", len(p), len(b))
	}
	if n, err := BackfillBlocks(ctx, t.TempDir(), slices.Values([]Series{})); n != 0 || err != nil {
		t.Errorf("no history: %d blocks, %v", n, err)
	}
	_, err = BackfillBlocks(ctx, t.TempDir(), slices.Values([]Series{{labels.FromStrings("__name__", "a"), []Point{a[5], a[2]}}}))
	if err == nil {
		t.Error("points out of order are taken")
	}
}

func TestADirectoryIsReadWhileItsStoreRuns(t *testing.T) {
	s := openStore(t)
	appendAll(t, s, sample("a", 0, 1), sample("a", 10*time.Minute, 3))
	appendAll(t, s, sample("a", 5*time.Minute, 2)) // out of order: in the second log only
	before := tree(t, s.opt.Dir)
	f, err := OpenBlocks(s.opt.Dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	from, to := base, base.Add(time.Hour)
	if d := cmp.Diff(read(t, s, "a", from, to), read(t, f, "a", from, to)); d != "" {
		t.Error(d)
	}
	if a, b := f.Extent(); !a.Equal(base) || !b.Equal(base.Add(10*time.Minute)) {
		t.Errorf("extent %s to %s", a, b)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(before, tree(t, s.opt.Dir)); d != "" {
		t.Errorf("reading changed the directory: %s", d)
	}
}

// tree lists the files below a folder with their sizes.
func tree(t *testing.T, dir string) map[string]int64 {
	out := map[string]int64{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		st, err := d.Info()
		out[path] = st.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWrongDirectoriesAreNamed(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	quiet := slog.New(slog.DiscardHandler)
	broken := t.TempDir()
	if _, err := BackfillBlocks(context.Background(), broken, slices.Values([]Series{{labels.FromStrings("__name__", "a"), []Point{{T: base.UnixMilli()}}}})); err != nil {
		t.Fatal(err)
	}
	metas, _ := filepath.Glob(filepath.Join(broken, "*", "index"))
	if err := os.WriteFile(metas[0], []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{t.TempDir(), "/nowhere/at/all", broken} {
		f, err := OpenBlocks(dir, quiet)
		if kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v %v", dir, f, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.TempDir(), "evenkeel-blocks-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOpenMetricsTextIsASource(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.om")
	text := `# HELP http_requests Requests.
# TYPE http_requests counter
http_requests_total{code="200"} 7 1700000120
http_requests_total{code="200"} 5 1700000060
http_requests_total{code="200"} 6 1700000060
http_requests_total{code="500"} 1 1700000060.5
# EOF
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenOpenMetrics(context.Background(), file, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := map[string][]Point{
		`{__name__="http_requests_total", code="200"}`: {{T: 1700000060000, V: 5}, {T: 1700000120000, V: 7}},
		`{__name__="http_requests_total", code="500"}`: {{T: 1700000060500, V: 1}},
	}
	if d := cmp.Diff(want, read(t, f, "http_requests_total", time.Unix(1700000000, 0), time.Unix(1700001000, 0))); d != "" {
		t.Error(d)
	}
	if v, _, err := f.Query(context.Background(), "sum(http_requests_total)", time.Unix(1700000130, 0)); err != nil || !strings.Contains(v.String(), "8") {
		t.Errorf("query: %v %v", v, err)
	}
}

func TestWrongOpenMetricsTextIsNamed(t *testing.T) {
	for text, want := range map[string]string{
		"a 1 1700000000\n":          "EOF",
		"a 1\n# EOF\n":              "timestamp",
		"a{b=\"c\" 1 17\n# EOF\n":   "after 0 samples",
		"a 1 1\nb 2 2 2 2\n# EOF\n": "after 1 samples",
	} {
		if _, err := parseOpenMetrics([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseOpenMetrics(f *testing.F) {
	f.Add([]byte("a{b=\"c\"} 1 17\n# EOF\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := parseOpenMetrics(text)
		if err != nil {
			return
		}
		for _, s := range all {
			if !slices.IsSortedFunc(s.Points, func(a, b Point) int { return int(a.T - b.T) }) {
				t.Errorf("unsorted: %v", s)
			}
		}
	})
}
