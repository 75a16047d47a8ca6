package api

import (
	"context"
	"log/slog"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/command"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/org"
	"evenkeel.dev/evenkeel/internal/store/trace"
)

// Sources are the parts of the program that the API speaks for.
type Sources struct {
	Version   string
	Now       func() time.Time
	Log       *slog.Logger
	Access    *auth.Keeper
	Ledger    *ledger.Ledger
	Key       *ledger.Key
	Commands  *command.Commands
	Snapshot  func() *budget.Snapshot
	Budget    Budget
	Directory func() *org.Directory
	Refused   func() (problems []kit.Problem, at time.Time)
	Reload    func(context.Context) error
	Traces    *trace.Store
	Started   time.Time
	Ready     func() bool
	Telemetry func() []SourceState
	Stored    func(context.Context) []StoreState
}

// Budget answers about the past of an objective; *budget.Engine is one.
type Budget interface {
	Series(ctx context.Context, name, group string, from, to time.Time, step time.Duration, burns ...time.Duration) (budget.Series, error)
	Backtest(ctx context.Context, name, group string, q slo.BacktestQuestion, policies ...budget.Policy) (budget.Verdict, error)
}
