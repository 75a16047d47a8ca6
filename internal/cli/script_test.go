package cli_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"evenkeel.dev/evenkeel/internal/app"
	"evenkeel.dev/evenkeel/internal/cli"
	"evenkeel.dev/evenkeel/internal/store/db"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"evenkeel": func() {
		os.Exit(cli.Main(context.Background(), os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}})
}

// TestScripts runs testdata/script/*.txtar: each a session at a terminal.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("EVENKEEL_URL", "http://127.0.0.1:1") // nobody listens there
			e.Setenv("EVENKEEL_TOKEN", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "server": server, "sql": sql, "history": history, "token": token,
		},
	})
}

// exits CODE ARGS... runs evenkeel and expects an exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	code := 0
	err := ts.Exec("evenkeel", args[1:]...)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run evenkeel: %v", err)
	}
	if want := args[0]; strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

// server DATA ORG [tokens] runs a server until the script ends and sets EVENKEEL_URL.
func server(ts *testscript.TestScript, _ bool, args []string) {
	cfg := app.DefaultConfig()
	cfg.Data, cfg.Org = ts.MkAbs(args[0]), ts.MkAbs(args[1])
	cfg.Listen, cfg.OTLPHTTP, cfg.OTLPGRPC = "127.0.0.1:0", "", ""
	if len(args) > 2 {
		cfg.Auth = args[2]
	}
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan app.Addresses, 1), make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, cfg, app.Options{Version: "test", Log: slog.New(slog.DiscardHandler), Now: time.Now, Ready: func(at app.Addresses) { ready <- at }})
	}()
	select {
	case at := <-ready:
		ts.Setenv("EVENKEEL_URL", at.Web)
	case err := <-ended:
		stop()
		ts.Fatalf("server: %v", err)
	}
	ts.Defer(func() {
		stop()
		if err := <-ended; err != nil {
			ts.Logf("server: %v", err)
		}
	})
}

// sql FILE STATEMENT changes a ledger behind its back.
func sql(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	d, err := db.Open(ctx, "sqlite:"+ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(d.Write(ctx, func(ctx context.Context, q db.Q) error {
		_, err := q.ExecContext(ctx, args[1])
		return err
	}))
	ts.Check(d.Close())
}

// token FILE puts the secret in a file into EVENKEEL_TOKEN.
func token(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("EVENKEEL_TOKEN", strings.TrimSpace(ts.ReadFile(args[0])))
}

// history FILE writes three days of requests in OpenMetrics form: 10 a second, half of them failing for 30 minutes.
func history(ts *testscript.TestScript, _ bool, args []string) {
	from := time.Date(2026, 10, 19, 0, 0, 0, 0, time.UTC)
	outage := from.Add(50 * time.Hour)
	var good, bad strings.Builder
	g, b := 0, 0
	for at := from; at.Before(from.Add(72 * time.Hour)); at = at.Add(30 * time.Second) {
		failing := 0
		if !at.Before(outage) && at.Before(outage.Add(30*time.Minute)) {
			failing = 150
		}
		g, b = g+300-failing, b+failing
		fmt.Fprintf(&good, "http_requests_total{job=\"checkout\",code=\"200\"} %d %d\n", g, at.Unix())
		fmt.Fprintf(&bad, "http_requests_total{job=\"checkout\",code=\"500\"} %d %d\n", b, at.Unix())
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("# TYPE http_requests counter\n"+good.String()+bad.String()+"# EOF\n"), 0o644))
}
