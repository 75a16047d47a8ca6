package trace

import (
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// Metrics is the current state as cumulative OpenTelemetry metrics, ready for the metric store. Names follow the
// Collector's span metrics and service graph connectors, so that their dashboards fit; docs/telemetry.md lists them.
//
//	traces.span.metrics.calls      sum        service.name span.name span.kind status.code
//	traces.span.metrics.duration   histogram  service.name span.name span.kind   (classic and native, seconds)
//	traces_service_graph_request*  sums, histograms   client server connection_type
//
// An entry without calls for longer than Options.Idle is left out, so that its series end.
func (s *Store) Metrics(now time.Time) pmetric.Metrics {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	md := pmetric.NewMetrics()
	byService := map[string]pmetric.MetricSlice{}
	for _, op := range s.ops {
		if now.Sub(op.last) > s.opt.Idle {
			continue
		}
		ms, ok := byService[op.key.service]
		if !ok {
			ms = scope(md, op.key.service)
			byService[op.key.service] = ms
		}
		op.emit(ms, now)
	}
	ms := scope(md, "evenkeel")
	for _, e := range s.edges {
		if now.Sub(e.last) <= s.opt.Idle {
			e.emit(ms, now)
		}
	}
	s.emitStats(ms, now)
	return md
}

func scope(md pmetric.Metrics, service string) pmetric.MetricSlice {
	rm := md.ResourceMetrics().AppendEmpty()
	rm.Resource().Attributes().PutStr("service.name", service)
	sm := rm.ScopeMetrics().AppendEmpty()
	sm.Scope().SetName("evenkeel/trace")
	return sm.Metrics()
}

func (o *operation) emit(ms pmetric.MetricSlice, now time.Time) {
	label := func(m pcommon.Map) {
		m.PutStr("service.name", o.key.service)
		m.PutStr("span.name", o.key.name)
		m.PutStr("span.kind", spanKind(o.key.kind))
	}
	calls := sum(ms, "traces.span.metrics.calls", "Spans of an operation, by status.")
	for status, n := range map[string]uint64{"STATUS_CODE_UNSET": o.fine, "STATUS_CODE_ERROR": o.erred} {
		p := number(calls, o.born, now, n)
		label(p.Attributes())
		p.Attributes().PutStr("status.code", status)
	}
	x := o.exemplars.list
	if o.sent == o.durations.count {
		x = nil // nothing new since the last time
	}
	o.sent = o.durations.count
	o.durations.emit(ms, "traces.span.metrics.duration", "Duration of an operation's spans.", o.born, now, label, x)
}

func (e *edge) emit(ms pmetric.MetricSlice, now time.Time) {
	label := func(m pcommon.Map) {
		m.PutStr("client", e.key.from)
		m.PutStr("server", e.key.to)
		m.PutStr("connection_type", connection(e))
	}
	label(number(sum(ms, "traces_service_graph_request", "Calls between two services."), e.born, now, e.calls).Attributes())
	label(number(sum(ms, "traces_service_graph_request_failed", "Failed calls between two services."), e.born, now, e.failed).Attributes())
	e.client.emit(ms, "traces_service_graph_request_client", "Duration of calls as the caller saw them.", e.born, now, label, e.exemplars.list)
	if e.server.count > 0 {
		e.server.emit(ms, "traces_service_graph_request_server", "Duration of calls as the called service saw them.", e.born, now, label, nil)
	}
}

// connection is the service graph connector's connection_type.
func connection(e *edge) string {
	switch {
	case e.via == "db":
		return "database"
	case e.via == "messaging":
		return "messaging_system"
	case e.uninstrumented:
		return "virtual_node"
	}
	return ""
}

func (s *Store) emitStats(ms pmetric.MetricSlice, now time.Time) {
	st := s.stats
	number(sum(ms, "traces_service_graph_unpaired_spans", "Spans whose other half never came and that name no peer."), s.began, now, st.Unpaired)
	number(sum(ms, "traces_service_graph_dropped_spans", "Spans given up early because too many were waiting."), s.began, now, st.DroppedPairs)
	over := sum(ms, "evenkeel_trace_over_limit", "Spans or calls counted under {other} because a limit was reached.")
	for what, n := range map[string]uint64{"service": st.OtherServices, "operation": st.OtherOps, "edge": st.OtherEdges} {
		number(over, s.began, now, n).Attributes().PutStr("limit", what)
	}
}

func sum(ms pmetric.MetricSlice, name, help string) pmetric.NumberDataPointSlice {
	m := ms.AppendEmpty()
	m.SetName(name)
	m.SetDescription(help)
	s := m.SetEmptySum()
	s.SetIsMonotonic(true)
	s.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	return s.DataPoints()
}

func number(ps pmetric.NumberDataPointSlice, born, now time.Time, n uint64) pmetric.NumberDataPoint {
	p := ps.AppendEmpty()
	p.SetStartTimestamp(pcommon.NewTimestampFromTime(born))
	p.SetTimestamp(pcommon.NewTimestampFromTime(now))
	p.SetIntValue(int64(n))
	return p
}

// emit writes the histogram twice under one name: with classic buckets and with native (exponential) ones.
func (d *durations) emit(ms pmetric.MetricSlice, name, help string, born, now time.Time, label func(pcommon.Map), x []Exemplar) {
	from, at := pcommon.NewTimestampFromTime(born), pcommon.NewTimestampFromTime(now)
	m := ms.AppendEmpty()
	m.SetName(name)
	m.SetDescription(help)
	m.SetUnit("s")
	h := m.SetEmptyHistogram()
	h.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	p := h.DataPoints().AppendEmpty()
	p.SetStartTimestamp(from)
	p.SetTimestamp(at)
	p.SetCount(d.count)
	p.SetSum(d.sum)
	p.ExplicitBounds().FromRaw(bounds)
	p.BucketCounts().FromRaw(d.classic[:])
	label(p.Attributes())
	putExemplars(p.Exemplars(), x)

	n := ms.AppendEmpty()
	n.SetName(name)
	n.SetDescription(help)
	n.SetUnit("s")
	eh := n.SetEmptyExponentialHistogram()
	eh.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
	q := eh.DataPoints().AppendEmpty()
	q.SetStartTimestamp(from)
	q.SetTimestamp(at)
	q.SetCount(d.count)
	q.SetSum(d.sum)
	q.SetScale(scale)
	q.Positive().SetOffset(d.offset)
	q.Positive().BucketCounts().FromRaw(d.native)
	label(q.Attributes())
}

func putExemplars(to pmetric.ExemplarSlice, x []Exemplar) {
	for _, e := range x {
		p := to.AppendEmpty()
		p.SetTimestamp(pcommon.NewTimestampFromTime(e.At))
		p.SetDoubleValue(e.Took.Seconds())
		p.SetTraceID(e.trace)
		p.SetSpanID(e.span)
	}
}

func spanKind(k ptrace.SpanKind) string {
	switch k {
	case ptrace.SpanKindServer:
		return "SPAN_KIND_SERVER"
	case ptrace.SpanKindClient:
		return "SPAN_KIND_CLIENT"
	case ptrace.SpanKindProducer:
		return "SPAN_KIND_PRODUCER"
	default:
		return "SPAN_KIND_CONSUMER"
	}
}
