package metric

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/prometheus/util/annotations"

	"evenkeel.dev/evenkeel/internal/kit"
)

// reply is the envelope of the Prometheus HTTP API.
type reply struct {
	Status    string          `json:"status"`
	Data      json.RawMessage `json:"data"`
	ErrorType string          `json:"errorType"`
	Error     string          `json:"error"`
	Warnings  []string        `json:"warnings"`
	Infos     []string        `json:"infos"`
}

func (r *Remote) get(ctx context.Context, path string, q url.Values, into any) (annotations.Annotations, error) {
	u := r.base.JoinPath("api/v1", path)
	u.RawQuery = q.Encode()
	return r.call(ctx, http.MethodGet, u.String(), nil, into)
}

// post sends a question as a form, and by GET to servers and proxies that take nothing else.
func (r *Remote) post(ctx context.Context, path string, form url.Values, into any) (annotations.Annotations, error) {
	warn, err := r.call(ctx, http.MethodPost, r.base.JoinPath("api/v1", path).String(), form, into)
	var bad *statusError
	if errors.As(err, &bad) && (bad.code == http.StatusMethodNotAllowed || bad.code == http.StatusNotImplemented) {
		return r.get(ctx, path, form, into)
	}
	return warn, err
}

func (r *Remote) call(ctx context.Context, method, to string, form url.Values, into any) (annotations.Annotations, error) {
	ctx, cancel := context.WithTimeout(ctx, r.opt.Timeout)
	defer cancel()
	if _, err := r.turns.Insert(ctx, to); err != nil {
		return nil, r.unreachable(err)
	}
	defer r.turns.Delete(0)
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, kit.Errorf(kit.Invalid, "ask metric source: %w", err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "evenkeel")
	res, err := r.client.Do(req)
	if err != nil {
		return nil, r.unreachable(err)
	}
	defer res.Body.Close()
	return r.receive(res, into)
}

// receive reads an answer within its bounds.
func (r *Remote) receive(res *http.Response, into any) (annotations.Annotations, error) {
	if res.StatusCode/100 == 3 {
		where, _ := url.Parse(res.Header.Get("Location"))
		if where == nil {
			where = &url.URL{}
		}
		return nil, r.status(res.StatusCode, "", fmt.Sprintf("redirects to %q; set metrics.url to the address that answers", shorten(where.Redacted())))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, r.opt.MaxBytes+1))
	if err != nil {
		return nil, r.unreachable(err)
	}
	if int64(len(body)) > r.opt.MaxBytes {
		return nil, kit.Errorf(kit.TooLarge, "metric source %s answered more than %s; ask for less at once", r.base.Redacted(), bytesText(r.opt.MaxBytes))
	}
	var got reply
	if err := json.Unmarshal(body, &got); err != nil || got.Status == "" {
		if res.StatusCode/100 != 2 {
			return nil, r.status(res.StatusCode, "", shorten(strings.TrimSpace(string(body))))
		}
		return nil, r.nonsense("answer", errors.New("no Prometheus API there"))
	}
	if got.Status != "success" {
		return nil, r.status(res.StatusCode, got.ErrorType, cut(got.Error, 300))
	}
	var warn annotations.Annotations
	for _, w := range append(got.Warnings, got.Infos...) {
		warn.Add(errors.New(cut(w, 300)))
	}
	if err := json.Unmarshal(got.Data, into); err != nil {
		return warn, r.nonsense("answer", err)
	}
	return warn, nil
}

// statusError is an answer that says no.
type statusError struct {
	code int
	text string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %s", e.code, e.text) }

func (r *Remote) status(code int, kind, text string) error {
	err := &statusError{code, text}
	at := r.base.Redacted()
	switch {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return kit.Errorf(kit.Denied, "metric source %s does not let us in: %w", at, err)
	case strings.Contains(text, "too many samples") || strings.Contains(text, "would load") || code == http.StatusRequestEntityTooLarge:
		return kit.Errorf(kit.TooLarge, "metric source %s: %w", at, err)
	case kind == "timeout" || kind == "canceled" || kind == "unavailable" || kind == "internal":
		return kit.Errorf(kit.Unavailable, "metric source %s: %w", at, err)
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity || kind == "bad_data" || kind == "execution":
		return kit.Errorf(kit.Invalid, "metric source %s: %w", at, err)
	}
	return kit.Errorf(kit.Unavailable, "metric source %s: %w", at, err)
}

func (r *Remote) unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // without the URL, which may hold a password
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s: %w", r.opt.Timeout, err)
	}
	return kit.Errorf(kit.Unavailable, "metric source %s is not reachable: %w", r.base.Redacted(), err)
}

// nonsense wraps what is wrong with an answer that came as a success.
func (r *Remote) nonsense(what string, err error) error {
	if err == nil {
		return nil
	}
	return kit.Errorf(kit.Unavailable, "metric source %s gave a %s that makes no sense: %s", r.base.Redacted(), what, cut(err.Error(), 300))
}
