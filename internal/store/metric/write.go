package metric

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/prometheus/prompb"
	"github.com/prometheus/prometheus/storage/remote"

	"evenkeel.dev/evenkeel/internal/kit"
)

// remoteWrite is Prometheus' own receiver (remote write 1.0 and 2.0) behind this store's limits. Where a batch holds
// samples that can never be stored, the others are stored and the answer is 400 with the first reason, so that the
// sender neither loses its good samples nor tries for ever.
func (s *Store) remoteWrite() http.Handler {
	quiet := slog.New(slog.DiscardHandler) // it logs each refused sample; the answer says it once
	next := remote.NewWriteHandler(quiet, s.reg, writer{s},
		remoteapi.MessageTypes{remoteapi.WriteV1MessageType, remoteapi.WriteV2MessageType}, false, true)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.space.refuse(); err != nil {
			writeError(w, err)
			return
		}
		if err := tooLong(r, s.opt.Limits.BodyBytes); err != nil {
			writeError(w, err)
			return
		}
		msg, err := remoteapi.ParseProtoMsg(r.Header.Get("Content-Type"))
		v := &verdict{keepGood: err != nil || msg == remoteapi.WriteV1MessageType}
		body := bufio.NewReader(http.MaxBytesReader(w, r.Body, s.opt.Limits.BodyBytes))
		if v.keepGood && s.onlyMetadata(w, body) {
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), verdictKey{}, v))
		r.Body = io.NopCloser(body)
		if err == nil && v.keepGood && s.quickWrite(w, r, v) {
			return
		}
		next.ServeHTTP(&answer{ResponseWriter: w, v: v, limit: s.opt.Limits.BodyBytes}, r)
	})
}

// onlyMetadata takes a remote write 1.0 request that carries metric descriptions, which Prometheus sends apart from
// samples and its receiver drops. It looks at the first byte under the compression before it takes anything.
func (s *Store) onlyMetadata(w http.ResponseWriter, body *bufio.Reader) bool {
	head, _ := body.Peek(16)
	if first, ok := firstByte(head); !ok || first != 0x1a { // WriteRequest.metadata is field 3
		return false
	}
	packed, err := io.ReadAll(body)
	if err != nil {
		writeError(w, bodyError(err))
		return true
	}
	if n, err := snappy.DecodedLen(packed); err != nil || n > maxDecoded {
		writeError(w, kit.Errorf(kit.Invalid, "read remote write body: bad compression, or more than %s unpacked", bytesText(maxDecoded)))
		return true
	}
	var req prompb.WriteRequest
	plain, err := snappy.Decode(nil, packed)
	if err == nil {
		err = proto.Unmarshal(plain, &req)
	}
	if err != nil {
		writeError(w, kit.Errorf(kit.Invalid, "read remote write metadata: %w", err))
		return true
	}
	for _, m := range req.Metadata {
		s.known.set(m.MetricFamilyName, Metadata{Type: typeName(m.Type), Help: m.Help, Unit: m.Unit})
	}
	if len(req.Timeseries) > 0 {
		writeError(w, kit.Errorf(kit.Invalid, "a remote write request that begins with metadata must hold no samples"))
		return true
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

const maxDecoded = 32 << 20 // as Prometheus' receiver

// firstByte is the first uncompressed byte of a snappy block: after the length comes a literal.
func firstByte(block []byte) (byte, bool) {
	i := 0
	for i < len(block) && block[i]&0x80 != 0 {
		i++
	}
	i++
	if i >= len(block) || block[i]&3 != 0 {
		return 0, false
	}
	i += 1 + max(0, int(block[i]>>2)-59)
	if i >= len(block) {
		return 0, false
	}
	return block[i], true
}

// answer turns the receiver's answer into ours where samples were refused, or where its words help nobody.
type answer struct {
	http.ResponseWriter
	v     *verdict
	limit int64
	code  int
	done  bool // ours is written
}

func (a *answer) WriteHeader(code int) {
	a.code = code
	err := a.v.err()
	switch {
	case a.v.fatal != nil && kit.CodeOf(a.v.fatal) == kit.Unavailable:
		a.write(a.v.fatal)
	case code/100 == 2 && err != nil:
		a.write(err)
	case code/100 == 2:
		a.ResponseWriter.WriteHeader(code)
	}
}

// Write gets the text of an error, in one piece from http.Error.
func (a *answer) Write(b []byte) (int, error) {
	if a.done {
		return len(b), nil
	}
	text := strings.TrimSpace(string(b))
	switch {
	case a.code == 0:
		return a.ResponseWriter.Write(b)
	case strings.HasPrefix(text, "s2: ") || strings.HasPrefix(text, "snappy: "):
		a.write(kit.Errorf(kit.Invalid, "read remote write body: it is not a snappy block (%s)", text))
	case text == new(http.MaxBytesError).Error():
		a.write(bodyError(&http.MaxBytesError{Limit: a.limit}))
	default:
		a.ResponseWriter.WriteHeader(a.code)
		a.done = true
		_, err := a.ResponseWriter.Write(append([]byte(cut(text, 800)), '\n'))
		return len(b), err
	}
	return len(b), nil
}

func (a *answer) write(err error) {
	if !a.done {
		a.done = true
		writeError(a.ResponseWriter, err)
	}
}

// tooLong refuses a body by its announced length.
func tooLong(r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return kit.Errorf(kit.TooLarge, "the body has %s (limit body_bytes=%s); send smaller batches", bytesText(r.ContentLength), bytesText(limit))
	}
	return nil
}

// bodyError names a body that could not be read.
func bodyError(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return kit.Errorf(kit.TooLarge, "the body is larger than %s (limit body_bytes); send smaller batches", bytesText(big.Limit))
	}
	return kit.Errorf(kit.Invalid, "read body: %w", err)
}

// writeError answers an error in plain text, which is what telemetry senders log.
func writeError(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	switch kit.CodeOf(err) {
	case kit.Invalid:
		code = http.StatusBadRequest
	case kit.TooLarge:
		code = http.StatusRequestEntityTooLarge
	case kit.Unavailable:
		code = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "10")
	}
	http.Error(w, err.Error(), code)
}

// serveMetadata is /api/v1/metadata, which Prometheus answers from its scrape targets only.
func (s *Store) serveMetadata(w http.ResponseWriter, r *http.Request) {
	limit, err := limitParam(r, "limit")
	if err != nil {
		respondError(w, err)
		return
	}
	found := s.known.get(r.FormValue("metric"))
	for name := range found {
		if limit < 0 || len(found) <= limit {
			break
		}
		delete(found, name)
	}
	respond(w, http.StatusOK, map[string]any{"status": "success", "data": found})
}

// limitParam reads a count; -1 where there is none.
func limitParam(r *http.Request, name string) (int, error) {
	text := r.FormValue(name)
	if text == "" {
		return -1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("invalid parameter %q: must be a number, got %q", name, shorten(text))
	}
	return n, nil
}

// respondError answers in the form of Prometheus' API.
func respondError(w http.ResponseWriter, err error) {
	respond(w, http.StatusBadRequest, map[string]any{"status": "error", "errorType": "bad_data", "error": err.Error()})
}

func respond(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // the client is gone when this fails
}
