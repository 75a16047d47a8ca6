package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser opens one headless browser for a test, or skips it.
func browser(t *testing.T) context.Context {
	t.Helper()
	path := tool(t, "install chromium (on Debian: apt-get install chromium)", "chromium", "chromium-browser", "google-chrome")
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-background-networking", true),
		chromedp.WSURLReadTimeout(60*time.Second))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, done := context.WithTimeout(ctx, 160*time.Second)
	t.Cleanup(done)
	return ctx
}

// complaints are what the browser's console says is wrong.
type complaints struct {
	mu   sync.Mutex
	said []string
}

func (c *complaints) add(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, s)
}

// take gives what was said since the last call.
func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.said
	c.said = nil
	return out
}

// listen follows the console of the browser's tab.
func (c *complaints) listen(ctx context.Context) error {
	err := chromedp.Listen(ctx, func(ev any) {
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			c.add("exception: " + e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
				c.add(fmt.Sprintf("console.%s", e.Type))
			}
		case *log.EventEntryAdded:
			if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
				c.add(string(e.Entry.Level) + ": " + e.Entry.Text + " " + e.Entry.URL)
			}
		}
	})
	return err
}

func TestTheDemosPagesOpenInABrowserAndRefreshThemselves(t *testing.T) {
	t.Parallel()
	ctx, s := browser(t), theDemo(t)
	shots := filepath.Join("..", "..", "screenshots")
	if err := os.MkdirAll(shots, 0o755); err != nil {
		t.Fatal(err)
	}
	s.counted(t, "gateway-availability", 1, 90*time.Second)
	var said complaints
	if err := said.listen(ctx); err != nil {
		t.Fatal(err)
	}
	home, _ := s.page(t, "/")
	paths := []string{"/objectives/gateway-availability", "/services/gateway", "/help"}
	for _, m := range sectionLink.FindAllStringSubmatch(home, -1) {
		paths = append(paths, m[1])
	}
	for _, path := range paths {
		for _, width := range []int64{1440, 390} {
			picture, wide, err := look(ctx, s.web+path, width)
			if err != nil {
				t.Fatalf("%s at %d: %v", path, width, err)
			}
			if wide != "" {
				t.Errorf("%s at %d scrolls sideways: %s", path, width, wide)
			}
			for _, c := range said.take() {
				t.Errorf("%s at %d: %s", path, width, c)
			}
			name := strings.Trim(strings.ReplaceAll(path, "/", "-"), "-")
			if name == "" {
				name = "now"
			}
			if err := os.WriteFile(filepath.Join(shots, fmt.Sprintf("demo-%s-%d.png", name, width)), picture, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	refreshes(t, ctx, s)
	for _, c := range said.take() {
		t.Errorf("while it refreshed: %s", c)
	}
}

// look opens a page at a width and gives a picture of all of it, and what makes it wider than its window, if anything.
func look(ctx context.Context, url string, width int64) (picture []byte, wide string, err error) {
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(url)); err != nil {
		return nil, "", err
	}
	height, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollHeight`))
	if err != nil {
		return nil, "", err
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, min(max(height, 900), 8000))); err != nil {
		return nil, "", err
	}
	if wide, err = chromedp.Run(ctx, chromedp.Evaluate[string](sideways)); err != nil {
		return nil, "", err
	}
	picture, err = chromedp.Run(ctx, chromedp.CaptureScreenshot())
	return picture, wide, err
}

// sideways names the elements that reach beyond the window, innermost last.
const sideways = `(() => {
  const w = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= w + 1) return '';
  return document.documentElement.scrollWidth + ' of ' + w + ': ' + [...document.querySelectorAll('body *')].filter((el) => el.getBoundingClientRect().right > w + 1).slice(0, 4).map((el) => el.outerHTML.slice(0, 120)).join(' | ');
})()`

// refreshes expects the page that is open to be told of a round: what it says of "Evaluated" begins anew without a reload.
func refreshes(t *testing.T, ctx context.Context, s *server) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1440, 900), chromedp.Navigate(s.web+"/")); err != nil {
		t.Fatal(err)
	}
	const here = `window.sameDocument = true; (document.querySelector('.fresh') || {}).textContent + ' ' + [...document.querySelectorAll('.fresh time')].map(t => t.dateTime).join()`
	first, err := chromedp.Run(ctx, chromedp.Evaluate[string](here))
	if err != nil {
		t.Fatal(err)
	}
	const since = `!window.sameDocument ? 'reloaded' : (document.querySelector('.fresh') || {}).textContent`
	seen, smallest := []string{first}, false
	eventually(t, 75*time.Second, func() string {
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](since))
		if err != nil {
			return err.Error()
		}
		if last := seen[len(seen)-1]; text != last {
			seen = append(seen, text)
		}
		smallest = len(seen) > 2 && ago(text) >= 0 && ago(text) < ago(seen[len(seen)-2])
		if text == "reloaded" || !smallest {
			return fmt.Sprintf("the page said %q", seen)
		}
		return ""
	})
}

// ago is the number of seconds in "Evaluated 42 s ago", -1 without one.
func ago(text string) (n int) {
	text = strings.ReplaceAll(text, "\u00a0", " ")
	if _, err := fmt.Sscanf(strings.TrimSpace(text[strings.Index(text, "Evaluated")+len("Evaluated"):]), "%d s ago", &n); err == nil {
		return n
	}
	if _, err := fmt.Sscanf(strings.TrimSpace(text[strings.Index(text, "Evaluated")+len("Evaluated"):]), "%d min ago", &n); err == nil {
		return n * 60
	}
	return -1
}
