package intake

import (
	"context"
	"fmt"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"evenkeel.dev/evenkeel/internal/kit"
)

// maxNesting bounds the depth of a message. A metric's attribute lies eight deep; each list in a list adds two.
const maxNesting = 64

// answer is any of the three export responses.
type answer interface {
	MarshalProto() ([]byte, error)
	MarshalJSON() ([]byte, error)
}

// request is any of the three export requests.
type request interface {
	UnmarshalProto([]byte) error
	UnmarshalJSON([]byte) error
}

// signal is one kind of telemetry: its path over HTTP, and how one message of it is taken.
type signal struct {
	path string
	take func(r *Receiver, ctx context.Context, body []byte, json bool) (answer, error)
}

var signals = []signal{
	{"/v1/metrics", func(r *Receiver, ctx context.Context, body []byte, json bool) (answer, error) {
		req := pmetricotlp.NewExportRequest()
		if err := decode(req, body, json); err != nil {
			return nil, err
		}
		return r.takeMetrics(ctx, req)
	}},
	{"/v1/traces", func(r *Receiver, ctx context.Context, body []byte, json bool) (answer, error) {
		req := ptraceotlp.NewExportRequest()
		if err := decode(req, body, json); err != nil {
			return nil, err
		}
		return r.takeTraces(ctx, req)
	}},
	{"/v1/logs", func(r *Receiver, ctx context.Context, body []byte, json bool) (answer, error) {
		req := plogotlp.NewExportRequest()
		if err := decode(req, body, json); err != nil {
			return nil, err
		}
		return r.takeLogs(ctx, req)
	}},
}

func decode(req request, body []byte, json bool) error {
	read := req.UnmarshalProto
	form, depth := "protobuf", protoDepth
	if json {
		read, form, depth = req.UnmarshalJSON, "JSON", jsonDepth
	}
	if depth(body, maxNesting) > maxNesting {
		return kit.Errorf(kit.Invalid, "message is nested deeper than %d levels", maxNesting)
	}
	if err := read(body); err != nil {
		return kit.Errorf(kit.Invalid, "read message as OTLP %s: %w", form, err)
	}
	return nil
}

func (r *Receiver) takeMetrics(ctx context.Context, req pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	resp := pmetricotlp.NewExportResponse()
	if r.opt.Metrics == nil {
		return resp, r.count(&r.counts.metrics, 0, &kit.Error{Code: kit.Conflict, Msg: r.opt.NoMetrics})
	}
	points := int64(req.Metrics().DataPointCount())
	rejected, reason, err := r.opt.Metrics(ctx, req.Metrics())
	if err == nil && (rejected > 0 || reason != "") {
		rejected = min(rejected, points)
		resp.PartialSuccess().SetRejectedDataPoints(rejected)
		resp.PartialSuccess().SetErrorMessage(reason)
		r.counts.metrics.rejected.Add(uint64(rejected))
	}
	return resp, r.count(&r.counts.metrics, points-rejected, err)
}

func (r *Receiver) takeTraces(_ context.Context, req ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	resp := ptraceotlp.NewExportResponse()
	if r.opt.Traces == nil {
		return resp, r.count(&r.counts.traces, 0, &kit.Error{Code: kit.Conflict, Msg: r.opt.NoTraces})
	}
	spans := int64(req.Traces().SpanCount())
	if n := int64(r.opt.Traces(req.Traces(), r.opt.Now())); n > 0 {
		resp.PartialSuccess().SetRejectedSpans(n)
		resp.PartialSuccess().SetErrorMessage(fmt.Sprintf(
			"%d of %d spans have no trace id, no span id or no service.name in their resource; set OTEL_SERVICE_NAME in the sender", n, spans))
		r.counts.traces.rejected.Add(uint64(n))
		spans -= n
	}
	return resp, r.count(&r.counts.traces, spans, nil)
}

// takeLogs declines all records in words; the protocol's partial success keeps senders from trying again.
func (r *Receiver) takeLogs(_ context.Context, req plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	resp := plogotlp.NewExportResponse()
	n := int64(req.Logs().LogRecordCount())
	if n > 0 {
		resp.PartialSuccess().SetRejectedLogRecords(n)
		resp.PartialSuccess().SetErrorMessage("log records are not stored by this version; send metrics and traces, and keep the logs exporter pointed at your log store")
		r.counts.logs.rejected.Add(uint64(n))
	}
	return resp, r.count(&r.counts.logs, 0, nil)
}
