package intake

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// bodyTimeout is how long a sender may take over one body.
const bodyTimeout = 30 * time.Second

// Handler serves POST /v1/metrics, /v1/traces and /v1/logs. Source: OTLP 1.9, section OTLP/HTTP.
func (r *Receiver) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, s := range signals {
		mux.HandleFunc(s.path, func(w http.ResponseWriter, req *http.Request) { r.serve(w, req, s) })
	}
	return mux
}

func (r *Receiver) serve(w http.ResponseWriter, req *http.Request, s signal) {
	form, json, err := form(req)
	if err == nil {
		err = r.authorize(req.Context(), req.Header.Get("Authorization"), req.RemoteAddr)
	}
	if err != nil {
		r.refuse(w, req, form, err)
		return
	}
	body, done, err := r.body(w, req)
	defer done()
	if err != nil {
		r.refuse(w, req, form, err)
		return
	}
	resp, err := s.take(r, req.Context(), body.Bytes(), json)
	if err != nil {
		r.refuse(w, req, form, err)
		return
	}
	marshal := resp.MarshalProto
	if json {
		marshal = resp.MarshalJSON
	}
	out, err := marshal()
	if err != nil {
		r.refuse(w, req, form, err)
		return
	}
	w.Header().Set("Content-Type", form)
	_, _ = w.Write(out) // the sender has gone; it will try again
}

const (
	formProto = "application/x-protobuf"
	formJSON  = "application/json"
)

// form is the request's and so the response's content type.
func form(req *http.Request) (form string, json bool, err error) {
	if req.Method != http.MethodPost {
		return formProto, false, &httpError{http.StatusMethodNotAllowed, "send OTLP with POST"}
	}
	kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	switch {
	case err == nil && (kind == formProto || kind == "application/protobuf"):
		return kind, false, nil
	case err == nil && kind == formJSON:
		return formJSON, true, nil
	}
	return formProto, false, &httpError{http.StatusUnsupportedMediaType,
		"content type must be " + formProto + " or " + formJSON + ", not " + quote(req.Header.Get("Content-Type"))}
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}
var unzips = sync.Pool{New: func() any { return new(gzip.Reader) }}

// body reads the whole message, unpacked, within the limits. done gives its memory back; it must be called after the
// message was taken.
func (r *Receiver) body(w http.ResponseWriter, req *http.Request) (*bytes.Buffer, func(), error) {
	packed := req.Header.Get("Content-Encoding")
	if packed != "" && packed != "identity" && packed != "gzip" {
		return nil, func() {}, &httpError{http.StatusUnsupportedMediaType, "content encoding " + quote(packed) + " is not read here; send gzip or none"}
	}
	if req.ContentLength > r.opt.MaxBody {
		return nil, func() {}, r.tooLarge()
	}
	weight := r.opt.MaxBody
	if req.ContentLength >= 0 {
		weight = min(weight, req.ContentLength+1)
	}
	if packed == "gzip" {
		weight = min(r.opt.MaxBody, weight*10)
	}
	if !r.budget.TryAcquire(weight) {
		return nil, func() {}, kit.Errorf(kit.Unavailable, "too many messages at once (%d MiB are being read); try again in a moment", r.opt.InFlight>>20)
	}
	buf := bodies.Get().(*bytes.Buffer)
	buf.Reset()
	done := func() {
		r.budget.Release(weight)
		if buf.Cap() <= 1<<20 {
			bodies.Put(buf)
		}
	}
	_ = http.NewResponseController(w).SetReadDeadline(r.opt.Now().Add(bodyTimeout)) // not every writer has one
	return buf, done, r.read(buf, req.Body, packed == "gzip")
}

func (r *Receiver) read(buf *bytes.Buffer, src io.Reader, packed bool) error {
	src = io.LimitReader(src, r.opt.MaxBody+1)
	if packed {
		z := unzips.Get().(*gzip.Reader)
		defer unzips.Put(z)
		if err := z.Reset(src); err != nil {
			return kit.Errorf(kit.Invalid, "unpack gzip body: %w", err)
		}
		src = io.LimitReader(z, r.opt.MaxBody+1)
	}
	n, err := buf.ReadFrom(src)
	switch {
	case n > r.opt.MaxBody:
		return r.tooLarge()
	case err != nil && packed:
		return kit.Errorf(kit.Invalid, "unpack gzip body: %w", err)
	case err != nil:
		return kit.Errorf(kit.Invalid, "read body: %w", err)
	}
	return nil
}

func (r *Receiver) tooLarge() error {
	return kit.Errorf(kit.TooLarge, "message is larger than %d bytes; send smaller batches", r.opt.MaxBody)
}

// httpError is a refusal that has a status of its own in HTTP and cannot happen elsewhere.
type httpError struct {
	status int
	msg    string
}

func (e *httpError) Error() string { return e.msg }

// refuse answers with the protocol's Status message in the form of the request.
func (r *Receiver) refuse(w http.ResponseWriter, req *http.Request, form string, err error) {
	st := r.status(req.Context(), err)
	code := st.http
	var own *httpError
	if errors.As(err, &own) {
		code = own.status
	}
	if st.again > 0 {
		w.Header().Set("Retry-After", seconds(st.again))
	}
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="evenkeel"`)
	}
	if code == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.Header().Set("Content-Type", form)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write(st.body(strings.HasSuffix(form, "json")))
}
