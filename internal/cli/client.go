package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	if kind := resp.Header.Get("Content-Type"); !strings.Contains(kind, "json") {
		return e.stranger("answers with " + cmp.Or(kind, "nothing"))
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read answer of %s: %w", path, err)
	}
	return nil
}

// stranger says that what answered is no server of ours.
func (e *env) stranger(how string) error {
	return exitError{exitFindings, fmt.Errorf("%s %s, as no Evenkeel of this version does; set EVENKEEL_URL or --url to the address of its pages", e.url, how)}
}

// base is the server's address.
func (e *env) base() (string, error) {
	u, err := url.Parse(e.url)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", usage("server address %q is none; write http://HOST:PORT in EVENKEEL_URL or --url", e.url)
	}
	return strings.TrimRight(e.url, "/"), nil
}

// send makes the request; any answer but 2xx is an error in the server's words.
func (e *env) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	base, err := e.base()
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("encode request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
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
		return nil, e.refusal(resp, token != "")
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

// refusal is the error for an answer that is not 2xx, in the server's words.
func (e *env) refusal(resp *http.Response, signedIn bool) error {
	var p problem
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if json.Unmarshal(body, &p) != nil || p.Title == "" && p.Detail == "" {
		return e.stranger("answers " + resp.Status)
	}
	lines := []string{cmp.Or(p.Detail, p.Title)}
	for _, f := range p.Errors {
		if f.Location != "" || f.Message != "" {
			lines = append(lines, "  "+fieldName(f.Location)+": "+f.Message)
		}
	}
	code := exitFindings
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable:
		code = exitUnreachable
	case resp.StatusCode == http.StatusUnauthorized && !signedIn:
		lines = append(lines, "put a token into EVENKEEL_TOKEN; evenkeel token create makes one")
	}
	return exitError{code, kit.Errorf(kit.Internal, "%s", asCommands.Replace(strings.Join(lines, "\n")))}
}

// asCommands puts the commands of this program in the place of the API's operations that a hint names.
var asCommands = strings.NewReplacer("GET /api/v1/slos lists", "evenkeel slo ls lists", "GET /api/v1/services lists", "evenkeel service ls lists",
	"GET /api/v1/alerts lists", "evenkeel alert ls lists", "GET /api/v1/ledger counts", "evenkeel ledger stats counts")

// fieldName is a wrong field as a person at a terminal knows it: without the part of the request it stood in.
func fieldName(location string) string {
	for _, part := range []string{"body.", "query.", "path."} {
		if rest, ok := strings.CutPrefix(location, part); ok {
			return rest
		}
	}
	return location
}
