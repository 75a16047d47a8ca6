package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Config is how one server runs. What people agree on (objectives, catalog, sources) is in the org directory instead.
// Where samples live is agreed in the org directory too (evenkeel.yaml, metrics). Flags win over the environment (EVENKEEL_LISTEN, ...), that over the file, that over the defaults.
type Config struct {
	Listen     string   `yaml:"listen"`     // address of pages and API
	OTLPHTTP   string   `yaml:"otlp_http"`  // "" = off
	OTLPGRPC   string   `yaml:"otlp_grpc"`  // "" = off
	Data       string   `yaml:"data"`       // directory of the embedded stores
	Org        string   `yaml:"org"`        // the org directory
	Ledger     string   `yaml:"ledger"`     // "" = SQLite in Data; postgres://...
	Auth       string   `yaml:"auth"`       // "" = local on loopback; tokens
	Checkpoint []string `yaml:"checkpoint"` // where signed checkpoints go: file:DIR, git:DIR, https://...
	LogLevel   string   `yaml:"log_level"`  // debug, info, warn, error
}

// DefaultConfig is what runs without file, environment and flags.
func DefaultConfig() Config {
	return Config{Listen: "127.0.0.1:8080", OTLPHTTP: "127.0.0.1:4318", OTLPGRPC: "127.0.0.1:4317", Data: "data", LogLevel: "info"}
}

// Read overlays a YAML file and the environment over c. A missing file that nobody named is fine.
func (c *Config) Read(file string, env func(string) string) error {
	if file != "" {
		body, err := os.ReadFile(file)
		if err != nil {
			return kit.Errorf(kit.Invalid, "read configuration %s: %w", file, err)
		}
		if err := yaml.UnmarshalWithOptions(body, c, yaml.Strict()); err != nil {
			return kit.Errorf(kit.Invalid, "configuration %s: %s", file, yaml.FormatError(err, false, true))
		}
	}
	for name, field := range map[string]*string{
		"LISTEN": &c.Listen, "OTLP_HTTP": &c.OTLPHTTP, "OTLP_GRPC": &c.OTLPGRPC, "DATA": &c.Data, "ORG": &c.Org, "LEDGER": &c.Ledger,
		"AUTH": &c.Auth, "LOG_LEVEL": &c.LogLevel,
	} {
		if v := env("EVENKEEL_" + name); v != "" {
			*field = v
		}
	}
	return nil
}

// Check says what keeps this configuration from running.
func (c *Config) Check() error {
	switch {
	case c.Auth != "" && c.Auth != "tokens":
		return kit.Errorf(kit.Invalid, "auth: %q does not exist; leave it out on loopback, or use tokens", c.Auth)
	case c.Auth == "" && !loopback(c.Listen):
		return &kit.Error{Code: kit.Invalid, Msg: fmt.Sprintf("%s can be reached from other machines, and no access is configured", c.Listen),
			Hint: "issue a token with `evenkeel token create --data " + c.Data + " --name NAME --role admin` and start with --auth tokens, or listen on 127.0.0.1"}
	case c.Auth == "" && (!loopbackOrOff(c.OTLPHTTP) || !loopbackOrOff(c.OTLPGRPC)):
		return &kit.Error{Code: kit.Invalid, Msg: "the OTLP listeners can be reached from other machines, and no access is configured",
			Hint: "start with --auth tokens, or listen on 127.0.0.1"}
	}
	if c.Org != "" {
		if info, err := os.Stat(c.Org); err != nil && errors.Is(err, fs.ErrNotExist) {
			return &kit.Error{Code: kit.Invalid, Msg: "org directory " + c.Org + " does not exist", Hint: "make it with `evenkeel assess`, or start from docs/org-directory.md"}
		} else if err == nil && !info.IsDir() {
			return kit.Errorf(kit.Invalid, "org directory %s is a file", c.Org)
		}
	}
	return nil
}

// ledgerURL is where facts go.
func (c *Config) ledgerURL() string {
	if c.Ledger != "" {
		return c.Ledger
	}
	return "sqlite:" + filepath.Join(c.Data, "ledger.db")
}

// loopback says whether an address can be reached from this machine only.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func loopbackOrOff(addr string) bool { return addr == "" || loopback(addr) }
