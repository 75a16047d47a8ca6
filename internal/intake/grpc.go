package intake

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip" // senders pack with it
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Server makes a gRPC server with the three OTLP services registered. The caller serves a listener with it and stops
// it. Source: OTLP 1.9, section OTLP/gRPC.
func (r *Receiver) Server(more ...grpc.ServerOption) *grpc.Server {
	opts := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(int(r.opt.MaxBody)),
		grpc.MaxConcurrentStreams(100),
		grpc.MaxHeaderListSize(16 << 10),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.InTapHandle(r.admit),
		grpc.ForceServerCodecV2(shallow{encoding.GetCodecV2("proto")}),
		grpc.UnaryInterceptor(r.limit),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionIdle: 15 * time.Minute,
			Time:              time.Minute,
			Timeout:           20 * time.Second,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
	}
	s := grpc.NewServer(append(opts, more...)...)
	pmetricotlp.RegisterGRPCServer(s, &metricsServer{r: r})
	ptraceotlp.RegisterGRPCServer(s, &tracesServer{r: r})
	plogotlp.RegisterGRPCServer(s, &logsServer{r: r})
	return s
}

// admit checks the token before any of the message is read.
func (r *Receiver) admit(ctx context.Context, info *tap.Info) (context.Context, error) {
	var header string
	if v := info.Header.Get("authorization"); len(v) > 0 {
		header = v[0]
	}
	var remote string
	if p, ok := peer.FromContext(ctx); ok {
		remote = p.Addr.String()
	}
	if err := r.authorize(ctx, header, remote); err != nil {
		return nil, r.grpcError(ctx, err)
	}
	return ctx, nil
}

// limit holds a share of the byte budget while a message is taken.
func (r *Receiver) limit(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	var weight int64 = 64 << 10
	if m, ok := req.(interface{ SizeProto() int }); ok {
		weight = min(r.opt.MaxBody, int64(m.SizeProto()))
	}
	if !r.budget.TryAcquire(weight) {
		return nil, r.grpcError(ctx, kit.Errorf(kit.Unavailable, "too many messages at once (%d MiB are being read); try again in a moment", r.opt.InFlight>>20))
	}
	defer r.budget.Release(weight)
	return next(ctx, req)
}

func (r *Receiver) grpcError(ctx context.Context, err error) error {
	return status.FromProto(r.status(ctx, err).proto()).Err()
}

type metricsServer struct {
	pmetricotlp.UnimplementedGRPCServer
	r *Receiver
}

func (s *metricsServer) Export(ctx context.Context, req pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	resp, err := s.r.takeMetrics(ctx, req)
	if err != nil {
		return pmetricotlp.NewExportResponse(), s.r.grpcError(ctx, err)
	}
	return resp, nil
}

type tracesServer struct {
	ptraceotlp.UnimplementedGRPCServer
	r *Receiver
}

func (s *tracesServer) Export(ctx context.Context, req ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	resp, err := s.r.takeTraces(ctx, req)
	if err != nil {
		return ptraceotlp.NewExportResponse(), s.r.grpcError(ctx, err)
	}
	return resp, nil
}

type logsServer struct {
	plogotlp.UnimplementedGRPCServer
	r *Receiver
}

func (s *logsServer) Export(ctx context.Context, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	resp, err := s.r.takeLogs(ctx, req)
	if err != nil {
		return plogotlp.NewExportResponse(), s.r.grpcError(ctx, err)
	}
	return resp, nil
}

// shallow is the protobuf codec, refusing messages nested so deep that reading them would exhaust the stack.
type shallow struct{ encoding.CodecV2 }

func (c shallow) Unmarshal(data mem.BufferSlice, v any) error {
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buf.Free()
	if protoDepth(buf.ReadOnlyData(), maxNesting) > maxNesting {
		return kit.Errorf(kit.Invalid, "message is nested deeper than %d levels", maxNesting)
	}
	return c.CodecV2.Unmarshal(mem.BufferSlice{buf}, v)
}
