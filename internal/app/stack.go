package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"
)

// stack is what has been started, to be ended in reverse: first what takes work in, last the stores.
type stack struct {
	log    *slog.Logger
	closes []named
	group  *errgroup.Group // everything that runs until it is told to stop
	ctx    context.Context // ends when the first of them fails, or the caller says so
}

type named struct {
	name  string
	close func() error
}

func newStack(ctx context.Context, log *slog.Logger) *stack {
	group, ctx := errgroup.WithContext(ctx)
	return &stack{log: log, group: group, ctx: ctx}
}

// onClose ends something when the stack is unwound.
func (s *stack) onClose(name string, f func() error) { s.closes = append(s.closes, named{name, f}) }

// run starts something that ends with the context it gets; its own failure ends the whole program.
func (s *stack) run(name string, f func(context.Context) error) {
	s.group.Go(func() error {
		if err := f(s.ctx); err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

// wait returns when everything that was started has ended.
func (s *stack) wait() error { return s.group.Wait() }

// unwind closes everything in reverse and joins what went wrong.
func (s *stack) unwind() error {
	var errs []error
	for i := len(s.closes) - 1; i >= 0; i-- {
		c := s.closes[i]
		if err := c.close(); err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", c.name, err))
		}
	}
	s.closes = nil
	return errors.Join(errs...)
}
