package intake

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpc "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"evenkeel.dev/evenkeel/internal/kit"
)

// refusal is an error as the two transports say it. again > 0 asks the sender to come back.
type refusal struct {
	http  int
	grpc  codes.Code
	msg   string
	again time.Duration
}

// retryAfter is what a sender is asked to wait when we cannot take data now.
const retryAfter = 5 * time.Second

// status turns an error into a refusal, and logs the ones that are ours to mend. Senders drop what is refused for
// good, so anything that is not their fault is retryable. Source: OTLP 1.9, sections Failures and Retryable codes.
func (r *Receiver) status(ctx context.Context, err error) refusal {
	msg := err.Error()
	switch kit.CodeOf(err) {
	case kit.Invalid:
		return refusal{http.StatusBadRequest, codes.InvalidArgument, msg, 0}
	case kit.TooLarge:
		return refusal{http.StatusRequestEntityTooLarge, codes.InvalidArgument, msg, 0}
	case kit.Denied:
		return refusal{http.StatusUnauthorized, codes.Unauthenticated, msg, 0}
	case kit.Conflict, kit.NotFound:
		return refusal{http.StatusUnprocessableEntity, codes.FailedPrecondition, msg, 0}
	case kit.Unavailable:
		return refusal{http.StatusServiceUnavailable, codes.Unavailable, msg, retryAfter}
	}
	var own *httpError
	if errors.As(err, &own) {
		return refusal{own.status, codes.InvalidArgument, msg, 0}
	}
	if ctx.Err() == nil {
		r.opt.Log.Error("telemetry could not be stored", "err", err)
	}
	return refusal{http.StatusServiceUnavailable, codes.Unavailable, "could not store this now; the server's log says why", retryAfter}
}

// proto is the refusal as google.rpc.Status.
func (f refusal) proto() *rpc.Status {
	st := status.New(f.grpc, f.msg)
	if f.again > 0 {
		if with, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(f.again)}); err == nil {
			st = with
		}
	}
	return st.Proto()
}

func (f refusal) body(json bool) []byte {
	marshal := proto.Marshal
	if json {
		marshal = protojson.Marshal
	}
	out, err := marshal(f.proto())
	if err != nil {
		return nil // the status line says enough
	}
	return out
}

func (r *Receiver) authorize(ctx context.Context, header, remote string) error {
	if r.opt.Authorize == nil {
		return nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "bearer") {
		token = ""
	}
	err := r.opt.Authorize(ctx, strings.TrimSpace(token), remote)
	if err != nil && kit.CodeOf(err) == kit.Internal {
		return kit.Errorf(kit.Unavailable, "check token: %w", err)
	}
	return err
}

func seconds(d time.Duration) string { return strconv.Itoa(int((d + time.Second - 1) / time.Second)) }

// quote prints what a stranger sent, shortened.
func quote(s string) string {
	if len(s) > 60 {
		s = s[:60] + "..."
	}
	return strconv.Quote(s)
}
