//go:build unix

// Command pgtemp runs a command with a throwaway PostgreSQL server at hand:
//
//	go run ./internal/store/db/pgtemp -- go test ./...
//
// It makes a cluster in a new folder with the distribution's programs, on a Unix socket in that folder and no network
// port, asks the server which folder it serves before anybody may write to it, sets EVENKEEL_TEST_PG for the command, and
// stops and removes what it started. As root it runs the server as the user postgres. It exits as the command did; 2 when
// PostgreSQL does not start. Where it is missing the command runs without it, except where CI=true.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "usage: pgtemp -- COMMAND [ARG...]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, args)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtemp:", err)
	}
	os.Exit(code)
}

var errMissing = errors.New("no PostgreSQL server here; install it, on Debian: apt-get install postgresql")

func run(ctx context.Context, args []string) (code int, err error) {
	s, err := start(ctx)
	if errors.Is(err, errMissing) && os.Getenv("CI") != "true" {
		fmt.Fprintf(os.Stderr, "pgtemp: %v; what needs it is skipped\n", err)
		return command(ctx, args, os.Environ())
	}
	if err != nil {
		return 2, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	return command(ctx, args, append(os.Environ(), "EVENKEEL_TEST_PG="+s.url()))
}

func command(ctx context.Context, args, env []string) (code int, err error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = env
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil
	}
	if err != nil {
		return 2, err
	}
	return 0, nil
}

// server is a cluster of ours.
type server struct {
	dir, data string // dir holds data and the socket
	bin       string
	as        *syscall.Credential // nil: as ourselves
	cmd       *exec.Cmd
}

const superuser = "evenkeel"

func start(ctx context.Context) (s *server, err error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	s = &server{bin: bin}
	if s.as, err = unprivileged(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "pgtemp"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	s.data = filepath.Join(s.dir, "data")
	if s.as != nil {
		if err := os.Chown(s.dir, int(s.as.Uid), int(s.as.Gid)); err != nil {
			return nil, err
		}
	}
	out, err := s.command("initdb", "-D", s.data, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := s.command("postgres", "-D", s.data, "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=200")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	s.cmd = cmd
	return s, s.ready(ctx)
}

// ready waits for the server to answer and makes sure that it is ours.
func (s *server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.url())
		if err == nil {
			var serves string
			err = errors.Join(conn.QueryRow(ctx, "SHOW data_directory").Scan(&serves), conn.Close(ctx))
			if err == nil && serves != s.data {
				return fmt.Errorf("the server on %s serves %s, not ours", s.dir, serves)
			}
			return err
		}
		select {
		case <-ctx.Done():
			out, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("postgres does not answer: %w\n%s", err, out)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (s *server) url() string {
	v := url.Values{"host": {s.dir}, "sslmode": {"disable"}}
	return "postgres:///postgres?user=" + superuser + "&" + v.Encode()
}

// stop ends the server that start began, and no other, and removes its folder.
func (s *server) stop() error {
	var err error
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(syscall.SIGINT) // fast shutdown
		done := make(chan error, 1)
		go func() { done <- s.cmd.Wait() }()
		select {
		case err = <-done:
		case <-time.After(20 * time.Second):
			_ = s.cmd.Process.Kill()
			err = <-done
		}
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

func (s *server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	// A process group of its own: an interrupt at the terminal reaches us alone, and we stop the server in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.as, Setpgid: true}
	return cmd
}

// programs finds the newest server of the distribution.
func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		if p, err := exec.LookPath("postgres"); err == nil {
			return filepath.Dir(p), nil
		}
		return "", errMissing
	}
	version := func(p string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(p))))
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

// unprivileged is the user postgres when we are root, under whom the server refuses to run.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("find a user to run the server as: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
