// Package cli is the command line: clients of the API, and the offline commands that need no server. One file a
// command, listed in All.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exit codes, the same for every command.
const (
	exitFine        = 0
	exitFindings    = 1 // problems found, or a refused operation
	exitUsage       = 2
	exitUnreachable = 3
)

// env is what every command is given.
type env struct {
	Streams
	url, token string // of the server, for client commands
	format     string // table, json, yaml, csv
}

// command makes one subcommand. It is listed in All, which fixes the order of the help text.
type command func(*env) *cobra.Command

// Main runs one command line and returns its exit code.
func Main(ctx context.Context, args []string, s Streams) int {
	e := &env{Streams: s}
	root := e.root()
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitFine
	}
	err = asUsage(c, err)
	var coded exitError
	if errors.As(err, &coded) {
		if coded.error != nil {
			fmt.Fprintln(s.Err, "evenkeel: "+coded.Error())
		}
		return coded.code
	}
	fmt.Fprintln(s.Err, "evenkeel: "+err.Error())
	return exitCode(err)
}

func (e *env) root() *cobra.Command {
	root := group(&cobra.Command{
		Use:               "evenkeel",
		Short:             "Telemetry to error budgets, alerts and proof, from one ledger",
		Long:              about,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: e.checkFormat,
	})
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w; see %s --help", err, c.CommandPath())
	})
	f := root.PersistentFlags()
	f.StringVar(&e.url, "url", envOr("EVENKEEL_URL", "http://127.0.0.1:8080"), "server to ask (EVENKEEL_URL)")
	f.StringVar(&e.token, "token", "", "API token (better: EVENKEEL_TOKEN)")
	f.StringVarP(&e.format, "output", "o", "table", "table, json, yaml or csv")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp)) // fails only for a flag that does not exist
	root.AddGroup(&cobra.Group{ID: "run", Title: "Run"}, &cobra.Group{ID: "look", Title: "Look"}, &cobra.Group{ID: "keep", Title: "Keep"})
	root.SetHelpCommandGroupID("keep")
	root.SetCompletionCommandGroupID("keep")
	for _, c := range All {
		root.AddCommand(c(e))
	}
	return root
}

const about = `Evenkeel joins live telemetry, objectives, error budgets and alerts in one tamper-evident ledger.

  evenkeel demo                                     everything, on a small fictional shop
  evenkeel assess --prometheus http://prom:9090     what your alerts miss, in five minutes, read-only
  evenkeel serve --org DIR --data DIR               the server

Exit codes: 0 fine, 1 findings or a refused operation, 2 wrong usage, 3 server unreachable.`

// exitError carries an exit code with an error that may be nil (findings were printed already).
type exitError struct {
	code int
	error
}

func (e exitError) Unwrap() error { return e.error }

// findings ends a command that printed what it found.
func findings() error { return exitError{code: exitFindings} }

// exitCode maps an error's class to an exit code.
func exitCode(err error) int {
	if kit.CodeOf(err) == kit.Unavailable {
		return exitUnreachable
	}
	return exitFindings
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// Version is the version of this build: the module's, or the commit it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	rev, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			rev = s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	if rev == "" {
		return "devel"
	}
	return rev + dirty
}
