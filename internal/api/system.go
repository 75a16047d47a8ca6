package api

import (
	"context"
	"net/http"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
)

// System is the running program.
type System struct {
	Version   string        `json:"version"`
	Started   time.Time     `json:"started"`
	Ready     bool          `json:"ready"`
	Evaluator Evaluator     `json:"evaluator"`
	Sources   []SourceState `json:"sources" doc:"What sends telemetry, and what is asked for it"`
	Stores    []StoreState  `json:"stores"`
	You       You           `json:"you"`
}

// Evaluator is the live evaluation.
type Evaluator struct {
	Objectives int        `json:"objectives"`
	Last       *time.Time `json:"last" doc:"The minute it evaluated last; null before the first"`
	TookS      float64    `json:"tookS"`
	LagS       float64    `json:"lagS" doc:"Since the minute it evaluated last"`
	Problems   []string   `json:"problems" doc:"Objectives that cannot be evaluated, and why"`
}

// SourceState is one source of telemetry.
type SourceState struct {
	Name   string     `json:"name"`
	Kind   string     `json:"kind" doc:"otlp, remote-write, scrape, probe or prometheus"`
	Last   *time.Time `json:"last" doc:"null = never heard"`
	EveryS float64    `json:"everyS,omitempty"`
	Error  string     `json:"error,omitempty"`
	Silent bool       `json:"silent"`
}

// StoreState is something that lies on disk.
type StoreState struct {
	Name  string  `json:"name"`
	Place string  `json:"place"`
	Bytes float64 `json:"bytes"`
	Free  float64 `json:"free" doc:"Bytes left on its disk; 0 where unknown"`
}

// You is who asks.
type You struct {
	Name   string   `json:"name"`
	Role   string   `json:"role"`
	Teams  []string `json:"teams,omitempty"`
	Rights []string `json:"rights"`
}

func (s *server) system() {
	handle(s, operation{id: "get-system", method: http.MethodGet, path: "/system", tag: "System", needs: auth.Read, summary: "Version, readiness, sources, and what you may do"}, s.getSystem)
}

func (s *server) getSystem(ctx context.Context, in *Conditional) (*one[System], error) {
	snap, now := s.snapshot(), s.Now()
	out := System{Version: s.Version, Started: s.Started, Ready: s.Ready(), Sources: append([]SourceState{}, s.Telemetry()...), Stores: append([]StoreState{}, s.Stored(ctx)...),
		Evaluator: Evaluator{Objectives: len(snap.Objectives), Last: moment(snap.At), TookS: snap.Took.Seconds(), Problems: []string{}}}
	if !snap.At.IsZero() {
		out.Evaluator.LagS = now.Sub(snap.At).Seconds()
	}
	for _, p := range snap.Problems {
		out.Evaluator.Problems = append(out.Evaluator.Problems, p.String())
	}
	c := auth.From(ctx)
	out.You = You{Name: c.Name, Role: string(c.Role), Teams: c.Teams, Rights: []string{}}
	for _, r := range auth.Rights {
		if c.Has(r.Right) {
			out.You.Rights = append(out.You.Rights, string(r.Right))
		}
	}
	return tagged(*in, out)
}
