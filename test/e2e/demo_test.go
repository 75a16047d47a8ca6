package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// demo is one for all tests of this package, started by the first that asks.
var demo struct {
	once sync.Once
	s    *server
	at   time.Time
	err  error
}

// theDemo is the running demo.
func theDemo(t *testing.T) *server {
	t.Helper()
	demo.once.Do(func() {
		demo.at = time.Now()
		p, err := launch(binary, "demo", "--listen", "127.0.0.1:0")
		demo.s, demo.err = &server{process: p}, err
	})
	if demo.err != nil {
		t.Fatal(demo.err)
	}
	eventually(t, starting, func() string { return demo.s.announced(demoWeb, demoOTLP) })
	eventually(t, starting, demo.s.ready)
	return demo.s
}

func endDemo() {
	if demo.s != nil && demo.s.process != nil {
		demo.s.end()
	}
}

func TestTheDemoShowsBudgetsSoonAndStays(t *testing.T) {
	t.Parallel()
	s := theDemo(t)
	eventually(t, 3*time.Minute, func() string {
		all, err := s.objectives()
		if err != nil {
			return err.Error()
		}
		if len(all) < 6 {
			return fmt.Sprintf("%d objectives", len(all))
		}
		for _, o := range all {
			if o.total() == 0 {
				return fmt.Sprintf("objective %s has no events: %+v", o.Name, o)
			}
		}
		return ""
	})
	t.Logf("budgets %s after the start", time.Since(demo.at).Round(time.Second))
	body, _ := s.page(t, "/")
	if !strings.Contains(body, "Evaluated") || strings.Contains(body, "Not evaluated yet") {
		t.Errorf("/ does not say when it was evaluated")
	}
	for _, want := range []string{`href="/services/gateway"`, ` of 17 budgets of 15 objectives</a>`, "budget left"} {
		if !strings.Contains(body, want) {
			t.Errorf("/ does not show %s", want)
		}
	}
	eventually(t, 10*time.Second, func() string {
		if body, _ := s.page(t, "/"); !strings.Contains(body, "Checkpoint signed") {
			return "no checkpoint is signed"
		}
		return ""
	})
	if s.ended() {
		t.Errorf("the demo ended: %s", tail(s.out.String()))
	}
	if out := s.out.String(); strings.Contains(out, "level=ERROR") {
		t.Errorf("the demo logged an error:\n%s", tail(out))
	}
}

var sectionLink = regexp.MustCompile(`<li><a href="(/[^"]*)" data-key=`)

func TestEverySectionOfTheDemoAnswersWithSecurityHeaders(t *testing.T) {
	t.Parallel()
	s := theDemo(t)
	body, _ := s.page(t, "/")
	links := sectionLink.FindAllStringSubmatch(body, -1)
	if len(links) < 7 {
		t.Fatalf("%d sections, want at least 7", len(links))
	}
	for _, link := range links {
		_, header := s.page(t, link[1])
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'self'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "private",
		} {
			if got := header.Get(name); !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q, want %q in it", link[1], name, got, want)
			}
		}
	}
}
