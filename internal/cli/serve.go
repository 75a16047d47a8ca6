package cli

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/app"
)

func serveCommand(e *env) *cobra.Command {
	var file string
	flags := app.Config{}
	c := &cobra.Command{
		Use: "serve", Short: "Run the server", GroupID: "run", Args: wants(0, 0),
		Long: `Runs the server: pages and API on --listen, OTLP on 4318 (HTTP) and 4317 (gRPC). Flags win over the environment
(EVENKEEL_LISTEN, EVENKEEL_DATA, ...), that over --config, that over the defaults. Off loopback it needs --auth tokens.`,
		Example: "  evenkeel serve --org ./org --data ./data",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg := app.DefaultConfig()
			if err := cfg.Read(file, os.Getenv); err != nil {
				return usage("%w", err)
			}
			overlay(c, &cfg, flags)
			log, err := logger(e.Err, cfg.LogLevel)
			if err != nil {
				return err
			}
			return app.Run(c.Context(), cfg, app.Options{Version: Version(), Log: log, Now: time.Now, Ready: func(at app.Addresses) {
				log.Info("ready", "pages", at.Web, "otlp_http", at.OTLPHTTP, "otlp_grpc", at.OTLPGRPC, "data", cfg.Data, "org", cfg.Org)
			}})
		},
	}
	f := c.Flags()
	f.StringVar(&file, "config", "", "configuration file (YAML)")
	f.StringVar(&flags.Org, "org", "", "org directory; an empty one in the data directory when left out")
	f.StringVar(&flags.Data, "data", "", `directory of the embedded stores (default "data")`)
	f.StringVar(&flags.Listen, "listen", "", `address of pages and API (default "127.0.0.1:8080")`)
	f.StringVar(&flags.OTLPHTTP, "otlp-http", "", `address for OTLP over HTTP, off = none (default "127.0.0.1:4318")`)
	f.StringVar(&flags.OTLPGRPC, "otlp-grpc", "", `address for OTLP over gRPC, off = none (default "127.0.0.1:4317")`)
	f.StringVar(&flags.Ledger, "ledger", "", "postgres://... ; SQLite in the data directory when left out")
	f.StringVar(&flags.Auth, "auth", "", "tokens: everyone needs one; left out: local users are trusted, on loopback only")
	f.StringSliceVar(&flags.Checkpoint, "checkpoint", nil, "where signed checkpoints go besides: file:DIR, git:DIR, https://...")
	f.StringVar(&flags.LogLevel, "log-level", "", "debug, info, warn or error")
	return c
}

// overlay puts the flags that were given over a configuration.
func overlay(c *cobra.Command, cfg *app.Config, flags app.Config) {
	for name, to := range map[string]struct{ from, to *string }{
		"org": {&flags.Org, &cfg.Org}, "data": {&flags.Data, &cfg.Data}, "listen": {&flags.Listen, &cfg.Listen}, "otlp-http": {&flags.OTLPHTTP, &cfg.OTLPHTTP},
		"otlp-grpc": {&flags.OTLPGRPC, &cfg.OTLPGRPC}, "ledger": {&flags.Ledger, &cfg.Ledger}, "auth": {&flags.Auth, &cfg.Auth}, "log-level": {&flags.LogLevel, &cfg.LogLevel},
	} {
		if c.Flags().Changed(name) {
			*to.to = *to.from
		}
	}
	if c.Flags().Changed("checkpoint") {
		cfg.Checkpoint = flags.Checkpoint
	}
	for _, addr := range []*string{&cfg.OTLPHTTP, &cfg.OTLPGRPC} {
		if *addr == "off" {
			*addr = ""
		}
	}
}

func logger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usage("log level %q does not exist; use debug, info, warn or error", level)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l})), nil
}

func demoCommand(e *env) *cobra.Command {
	var listen, data, level string
	c := &cobra.Command{
		Use: "demo", Short: "Run everything on a small fictional shop", GroupID: "run", Args: wants(0, 0),
		Long: `Runs the server beside a small shop of real services on loopback, which sends its telemetry here, has a month of
history, and breaks on a schedule: budgets burn and alerts fire while you watch. Nothing to configure; all of it is
fictional and labelled so. It begins afresh at each start; Ctrl-C ends it.`,
		RunE: func(c *cobra.Command, _ []string) error {
			log, err := logger(e.Err, level)
			if err != nil {
				return err
			}
			dir, done, err := demoDir(data)
			if err != nil {
				return err
			}
			defer done()
			demo, err := app.NewDemo(dir, time.Now, log)
			if err != nil {
				return err
			}
			cfg := app.DefaultConfig()
			cfg.Data, cfg.Org, cfg.Listen, cfg.OTLPHTTP, cfg.OTLPGRPC = dir, dir+"/org", listen, "127.0.0.1:0", "127.0.0.1:0"
			return app.Run(c.Context(), cfg, app.Options{Version: Version(), Log: log, Now: time.Now, Demo: demo, Ready: func(at app.Addresses) {
				fmt.Fprintf(e.Out, "\nThe demo runs: open %s\n\n  OTLP/HTTP  %s\n  OTLP/gRPC  %s\n  Prometheus %s/prometheus\n  Org files  %s/org\n\nFirst fault within two minutes; Ctrl-C ends it.\n",
					at.Web, at.OTLPHTTP, at.OTLPGRPC, at.Web, dir)
			}})
		},
	}
	f := c.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:8080", "address of pages and API; port 0 picks a free one")
	f.StringVar(&data, "data", "", "directory to use, emptied at each start; a temporary one when left out")
	f.StringVar(&level, "log-level", "warn", "debug, info, warn or error")
	return c
}

// demoDir is where the demo keeps its files; done removes a temporary one.
func demoDir(data string) (dir string, done func(), err error) {
	if data != "" {
		return data, func() {}, nil
	}
	dir, err = os.MkdirTemp("", "evenkeel-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make the demo's directory: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}
