package metric

import (
	"log/slog"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// Options are what Open needs. Zero values are the defaults that the comments name.
type Options struct {
	Dir        string        // created when missing
	Retention  time.Duration // older samples are dropped block by block; 0 = 60 days
	MaxBytes   int64         // oldest blocks are dropped above it; 0 = no limit
	OutOfOrder time.Duration // how late a sample may come; 0 = 24 h 15 min, negative = only in order
	MinFree    int64         // bytes of free space below which samples are refused; 0 = 5 % of the disk, at most 1 GiB
	Exemplars  int           // how many are kept in memory; 0 = 20,000
	Limits     Limits
	Version    string // shown by /api/v1/status/buildinfo after "evenkeel-"

	Now func() time.Time // nil = time.Now
	Log *slog.Logger     // nil = slog.Default

	// OnRepair is called during Open, once, when the write-ahead log was damaged and cut. The stretch becomes a
	// source.gap fact.
	OnRepair func(Repair)

	// OnLate is told about samples that were accepted at or before the watermark set by Advance, after they were
	// committed. It runs on the writer's goroutine, must be quick and must not append. The labels may be kept.
	OnLate func([]Late)
}

// Repair tells what a cut of the write-ahead log may have cost.
type Repair struct {
	From   time.Time // newest sample that was read back; zero when there was none
	To     time.Time // when the store was opened
	Reason string
}

// Late is one series that got a sample in a stretch already read.
type Late struct {
	Labels labels.Labels
	T      int64 // Unix milliseconds of the oldest such sample of the batch
}

// Limits keep one sender or one question from taking the server down. Zero values are the defaults.
type Limits struct {
	Series       int           // in memory at once; 0 = 1,000,000
	Labels       int           // of one series, its name included; 0 = 64
	LabelBytes   int           // of one label's name or value; 0 = 4,096
	BodyBytes    int64         // of one request, as sent; 0 = 16 MiB
	QuerySamples int           // held by one query at once; 0 = 20,000,000
	QueryTime    time.Duration // of one query; 0 = 30 s
	Queries      int           // running at once, others wait; 0 = 16
}

const (
	day        = 24 * time.Hour
	lookback   = 5 * time.Minute
	futureSlop = 10 * time.Minute // Prometheus' receivers refuse samples further ahead
)

func (o *Options) setDefaults() {
	orDefault(&o.Retention, 60*day)
	orDefault(&o.OutOfOrder, day+futureSlop+5*time.Minute)
	o.OutOfOrder = max(o.OutOfOrder, 0)
	orDefault(&o.Exemplars, 20_000)
	orDefault(&o.Version, "devel")
	orDefault(&o.Limits.Series, 1_000_000)
	orDefault(&o.Limits.Labels, 64)
	orDefault(&o.Limits.LabelBytes, 4096)
	orDefault(&o.Limits.BodyBytes, 16<<20)
	orDefault(&o.Limits.QuerySamples, 20_000_000)
	orDefault(&o.Limits.QueryTime, 30*time.Second)
	orDefault(&o.Limits.Queries, 16)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
