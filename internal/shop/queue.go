package shop

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// withDemo marks a measurement.
var withDemo = metric.WithAttributes(demo)

// queue carries orders from checkout to notifications. It is bounded: what does not fit is a failed publish.
type queue struct{ orders chan trace.SpanContext }

func newQueue() *queue { return &queue{make(chan trace.SpanContext, 200)} }

func (q *queue) len() int { return len(q.orders) }

var messaging = trace.WithAttributes(attribute.String("messaging.system", "nats"), attribute.String("messaging.destination.name", topic))

// publish puts an order on the queue, with a producer span.
func (v *service) publish(ctx context.Context, g *generation) error {
	_, span := g.tel.tracer.Start(ctx, "send "+topic, trace.WithSpanKind(trace.SpanKindProducer), messaging)
	defer span.End()
	select {
	case v.shop.queue.orders <- span.SpanContext():
		return nil
	default:
		span.SetStatus(codes.Error, "queue is full")
		return failure{503, "queue is full"}
	}
}

// notify works off the queue until ctx ends: notifications' consumer. While that service is down, orders wait.
func (s *Shop) notify(ctx context.Context) error {
	v := s.services["notifications"]
	r := v.plan.routes[0]
	for {
		g := v.life()
		if g == nil {
			if err := wait(ctx, 200*ms); err != nil {
				return err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case from := <-s.queue.orders:
			v.deliver(ctx, g, r, from)
		}
	}
}

// deliver sends the message for one order.
func (v *service) deliver(ctx context.Context, g *generation, r route, from trace.SpanContext) {
	ctx, span := g.tel.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, from), "process "+topic,
		trace.WithSpanKind(trace.SpanKindConsumer), messaging)
	defer span.End()
	outcome := "delivered"
	if err := v.handle(ctx, g, r); err != nil {
		outcome = "failed"
		span.SetStatus(codes.Error, err.Error())
	}
	g.sent.Add(ctx, 1, metric.WithAttributes(demo, attribute.String("outcome", outcome)))
}
