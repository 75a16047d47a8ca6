package probe

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Run does one check now, within its timeout. The error is kit.Invalid and says that the probe is wrong; a target that
// fails is a Result with a Reason.
func Run(ctx context.Context, p Probe, n Network, now time.Time) (Result, error) {
	c, err := prepare(p)
	if err != nil {
		return Result{}, err
	}
	return c.run(ctx, n, now), nil
}

func (c *check) run(ctx context.Context, n Network, now time.Time) Result {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	r := Result{At: now}
	begin := time.Now()
	switch c.Kind {
	case "http":
		c.http(ctx, n, now, &r)
	case "tcp":
		c.tcp(ctx, n, &r)
	case "tls":
		c.tls(ctx, n, now, &r)
	case "dns":
		c.dns(ctx, n, &r)
	}
	r.Took = time.Since(begin)
	r.Success = r.Reason == ""
	return r
}

func (c *check) tcp(ctx context.Context, n Network, r *Result) {
	var t timing
	conn, err := n.dial(ctx, "tcp", c.Target, &t)
	r.record(t)
	if err != nil {
		r.fail("connect: %s", c.reason(ctx, err))
		return
	}
	_ = conn.Close()
}

// reason words a failure; a deadline says which.
func (c *check) reason(ctx context.Context, err error) string {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", c.Timeout)
	}
	return err.Error()
}
