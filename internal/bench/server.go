package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// program is what `make build` made; the benchmarks of a whole server run it.
const program = "bin/evenkeel"

// server is one running program.
type server struct {
	cmd    *exec.Cmd
	url    string
	ready  time.Duration // from exec to the first 200 of /-/ready
	output bytes.Buffer
	ended  chan error
}

// startServer runs `evenkeel ARGS` with its pages on a free port of loopback and returns when it is ready.
func startServer(ctx context.Context, limit time.Duration, args ...string) (*server, error) {
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.CommandContext(ctx, program, append(args, "--listen", addr, "--log-level", "warn")...), url: "http://" + addr, ended: make(chan error, 1)}
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 20 * time.Second
	begun := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s (make build makes it): %w", program, err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	for {
		res, err := http.Get(s.url + "/-/ready")
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				s.ready = time.Since(begun)
				return s, nil
			}
		}
		select {
		case err := <-s.ended:
			return nil, fmt.Errorf("%s ended before it was ready: %w\n%s", program, err, s.output.String())
		case <-time.After(2 * time.Millisecond):
		}
		if time.Since(begun) > limit {
			_ = s.stop()
			return nil, fmt.Errorf("%s was not ready after %s\n%s", program, limit, s.output.String())
		}
	}
}

// stop ends the server as an operator would.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
		return nil
	case <-time.After(30 * time.Second):
	}
	_ = s.cmd.Process.Kill()
	<-s.ended
	return fmt.Errorf("%s did not end within 30 s of SIGTERM", program)
}

// resident is the server's resident memory in bytes, and how much of that is its own (not pages of files).
func (s *server) resident() (all, own float64, err error) {
	body, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range bytes.Lines(body) {
		var kb float64
		if _, err := fmt.Sscanf(string(line), "VmRSS: %f kB", &kb); err == nil {
			all = kb * 1024
		}
		if _, err := fmt.Sscanf(string(line), "RssAnon: %f kB", &kb); err == nil {
			own = kb * 1024
		}
	}
	return all, own, nil
}

// spent is the processor time the server has used, in seconds.
func (s *server) spent() (float64, error) {
	body, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(body[bytes.LastIndexByte(body, ')')+1:])
	var user, system float64
	if _, err := fmt.Sscan(string(fields[11])+" "+string(fields[12]), &user, &system); err != nil {
		return 0, err
	}
	return (user + system) / 100, nil // clock ticks of Linux
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
