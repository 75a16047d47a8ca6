package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"evenkeel.dev/evenkeel/internal/kit/kittest"
)

// browser opens one headless browser for a test, or skips it.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		missing(t, "no browser: install chromium")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true), chromedp.WSURLReadTimeout(60*time.Second))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, done := context.WithTimeout(ctx, 20*time.Minute)
	t.Cleanup(done)
	return ctx
}

// missing skips, and fails where nothing may be skipped.
func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// axe is the checker's source: npm install --prefix .tools axe-core@4.14.1
func axe(t *testing.T) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(kittest.Root(t), ".tools", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		missing(t, "no axe-core: npm install --prefix .tools axe-core@4.14.1")
	}
	return string(src)
}

type axeFinding struct {
	ID    string
	Help  string
	Nodes []struct {
		HTML           string
		FailureSummary string
	}
}

const runAxe = `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then(r => JSON.stringify(r.violations.map(v => ({ID: v.id, Help: v.help, Nodes: v.nodes.map(n => ({HTML: n.html, FailureSummary: n.failureSummary}))}))))`

// TestPagesAreAccessible walks every page on a phone and on a desk, light and dark, with axe, and keeps screenshots in
// the git-ignored folder screenshots/. EVENKEEL_PAGES restricts it to addresses that contain a word.
func TestPagesAreAccessible(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a browser and a minute")
	}
	source, ctx := axe(t), browser(t)
	srv := httptest.NewServer(newWeb(t, fixture()))
	defer srv.Close()
	shots := filepath.Join(kittest.Root(t), "screenshots")
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range addresses {
		if !strings.Contains(path, os.Getenv("EVENKEEL_PAGES")) {
			continue
		}
		for _, width := range []int64{360, 1440} {
			for _, scheme := range []string{"light", "dark"} {
				name := fmt.Sprintf("%s %d %s", path, width, scheme)
				found, picture, err := look(ctx, srv.URL+path, width, scheme, source)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				for _, f := range found {
					t.Errorf("%s: %s: %s: %s\n%s", name, f.ID, f.Help, short(300, f.Nodes[0].HTML), f.Nodes[0].FailureSummary)
				}
				file := strings.Trim(strings.NewReplacer("/", "-", "?", "-", "=", "-", "&", "-", "*", "", "(", "").Replace(path), "-")
				if file == "" {
					file = "now"
				}
				if err := os.WriteFile(filepath.Join(shots, fmt.Sprintf("%s-%s-%d.png", file, scheme, width)), picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// look opens a page at a width, as tall as it is, and gives what axe finds and a picture.
func look(ctx context.Context, url string, width int64, scheme, axeSource string) (found []axeFinding, picture []byte, err error) {

	theme := chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
	if err := chromedp.Do(ctx, theme, chromedp.EmulateViewport(width, 900), chromedp.Navigate(url)); err != nil {
		return nil, nil, err
	}
	height, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
	if err != nil {
		return nil, nil, err
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, max(height, 900))); err != nil {
		return nil, nil, err
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](axeSource+";0")); err != nil {
		return nil, nil, err
	}
	report, err := chromedp.Run(ctx, chromedp.Evaluate[string](runAxe, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, nil, err
	}
	spill, err := chromedp.Run(ctx, chromedp.Evaluate[string](sideways))
	if err != nil {
		return nil, nil, err
	}
	if picture, err = chromedp.Run(ctx, chromedp.CaptureScreenshot()); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal([]byte(report), &found); err != nil {
		return nil, nil, err
	}
	if spill != "" {
		f := axeFinding{ID: "sideways", Help: "the page scrolls sideways"}
		f.Nodes = append(f.Nodes, struct{ HTML, FailureSummary string }{spill, ""})
		found = append(found, f)
	}
	return found, picture, nil
}

// sideways names the first element that makes the page wider than its window.
const sideways = `(() => {
  const w = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= w + 1) return '';
  for (const el of document.querySelectorAll('main *')) {
    const b = el.getBoundingClientRect();
    if (b.right > w + 1 && !el.closest('.scroll, .graph, pre, .tabs, .vh, svg')) return el.outerHTML.slice(0, 200);
  }
  return 'wider than its window';
})()`
