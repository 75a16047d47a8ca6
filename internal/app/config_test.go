package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/kit"
)

func noEnv(string) string { return "" }

// file writes a configuration file.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "evenkeel-server.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheEnvironmentWinsOverTheFileAndTheFileOverTheDefaults(t *testing.T) {
	c := DefaultConfig()
	env := func(name string) string { return map[string]string{"EVENKEEL_LISTEN": "127.0.0.1:9002"}[name] }
	if err := c.Read(file(t, "listen: 127.0.0.1:9001\ndata: /srv/evenkeel\ncheckpoint: [\"file:/mnt/held\"]\n"), env); err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:9002" || c.Data != "/srv/evenkeel" || c.OTLPGRPC != "127.0.0.1:4317" || len(c.Checkpoint) != 1 {
		t.Errorf("read %+v", c)
	}
}

func TestABadConfigurationFileSaysWhatAndWhere(t *testing.T) {
	for text, want := range map[string][]string{
		"listen: 127.0.0.1:9001\nlisten_on: 1\n": {"listen_on", "2"}, // no such key, on line 2
		"listen: [a, b]\n":                       {"listen", "1"},
		"data: \"x\n":                            {"1"},
	} {
		path := file(t, text)
		c := DefaultConfig()
		err := c.Read(path, noEnv)
		if kit.CodeOf(err) != kit.Invalid {
			t.Errorf("%q: got %v", text, err)
			continue
		}
		for _, w := range append(want, path) {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: %q does not name %q", text, err, w)
			}
		}
	}
	c := DefaultConfig()
	if err := c.Read(filepath.Join(t.TempDir(), "none.yaml"), noEnv); kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestWhatCanBeReachedFromOutsideNeedsAccess(t *testing.T) {
	with := func(change func(*Config)) Config {
		c := DefaultConfig()
		change(&c)
		return c
	}
	plain := file(t, "")
	for name, c := range map[string]struct {
		cfg  Config
		want string // in the refusal; "" = accepted
	}{
		"the defaults":            {DefaultConfig(), ""},
		"localhost by name":       {with(func(c *Config) { c.Listen = "localhost:8080" }), ""},
		"IPv6 loopback":           {with(func(c *Config) { c.Listen = "[::1]:8080" }), ""},
		"no OTLP at all":          {with(func(c *Config) { c.OTLPHTTP, c.OTLPGRPC = "", "" }), ""},
		"every address, tokens":   {with(func(c *Config) { c.Listen, c.OTLPHTTP, c.Auth = "0.0.0.0:8080", ":4318", "tokens" }), ""},
		"every address":           {with(func(c *Config) { c.Listen = "0.0.0.0:8080" }), "--auth tokens"},
		"no host":                 {with(func(c *Config) { c.Listen = ":8080" }), "--auth tokens"},
		"a public address":        {with(func(c *Config) { c.Listen = "192.0.2.7:8080" }), "192.0.2.7:8080 can be reached"},
		"OTLP on every address":   {with(func(c *Config) { c.OTLPGRPC = "[::]:4317" }), "OTLP"},
		"a way in that is not":    {with(func(c *Config) { c.Auth = "none" }), `"none" does not exist`},
		"an org directory absent": {with(func(c *Config) { c.Org = filepath.Join(t.TempDir(), "no") }), "does not exist"},
		"a file as org directory": {with(func(c *Config) { c.Org = plain }), "is a file"},
	} {
		err := c.cfg.Check()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: refused: %v", name, err)
		case c.want != "" && (kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want a refusal with %q", name, err, c.want)
		}
	}
}
