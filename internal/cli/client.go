package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// maxAnswer bounds what a client command reads of one answer.
const maxAnswer = 256 << 20

// problem is an RFC 9457 answer as the API gives it.
type problem struct {
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
	} `json:"errors"`
}

// get asks the server and decodes its JSON answer into out.
func (e *env) get(ctx context.Context, path string, out any) error {
	return e.ask(ctx, http.MethodGet, path, nil, out)
}

// ask sends a request with an optional JSON body and decodes the JSON answer into out, which may be nil.
func (e *env) ask(ctx context.Context, method, path string, in, out any) error {
	resp, err := e.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
		return err
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read answer of %s: %w", path, err)
	}
	return nil
}

// send makes the request; any answer but 2xx is an error in the server's words.
func (e *env) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(e.url, "/")+path, body)
	if err != nil {
		return nil, usage("server address %q: %w", e.url, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	token := e.token
	if token == "" {
		token = os.Getenv("EVENKEEL_TOKEN")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{Timeout: 5 * time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		return nil, exitError{exitUnreachable, fmt.Errorf("server %s does not answer: %w; set EVENKEEL_URL or --url", e.url, cause(err))}
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, refusal(resp)
	}
	return resp, nil
}

// cause is the innermost error that a person can use.
func cause(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}

func refusal(resp *http.Response) error {
	var p problem
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if json.Unmarshal(body, &p) != nil || p.Title == "" && p.Detail == "" {
		return exitError{exitFindings, fmt.Errorf("server answered %s", resp.Status)}
	}
	msg := p.Detail
	if msg == "" {
		msg = p.Title
	}
	for _, f := range p.Errors {
		if f.Location != "" || f.Message != "" {
			msg += fmt.Sprintf("\n  %s: %s", strings.TrimPrefix(f.Location, "body."), f.Message)
		}
	}
	code := exitFindings
	if resp.StatusCode == http.StatusServiceUnavailable {
		code = exitUnreachable
	}
	return exitError{code, kit.Errorf(kit.Internal, "%s", msg)}
}
