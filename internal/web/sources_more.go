package web

import (
	"encoding/json"
	"math"
	"time"

	"evenkeel.dev/evenkeel/internal/chart"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Service is one catalogued service as it stands: its worst objective speaks for it.
type Service struct {
	Name       string
	Title      string
	Owner      string
	System     string
	Lifecycle  string
	Tier       int
	State      State
	Objectives int
	Worst      string        // name of the objective with the least budget left
	Left       float64       // of that one
	Burn       float64       // the fastest, over the last hour
	Days       [28]chart.Day // the worst objective's
	Rate       float64       // requests a second; NaN = not seen
	Errors     float64       // share of requests
	P95        float64       // seconds
}

// ServiceAsk names a service and the range its charts show.
type ServiceAsk struct {
	Name  string
	Range kit.Range // zero = the last 6 hours
}

// ServiceDetail is everything about one service.
type ServiceDetail struct {
	Service
	Description string
	Kind        string // Component, API, Resource
	Type        string
	OnCall      string
	File        string
	Line        int
	Version     string // running, from telemetry; "" = not known
	Since       time.Time
	Links       []Link
	Objectives  []Objective
	Range       kit.Range
	Rate        Track // requests a second
	Errors      Track // share
	Latency     []Quantile
	Changes     []Change
	Incidents   []Incident
	Graph       Graph // itself, who calls it, what it needs
	Ceiling     *Ceiling
	Removed     time.Time // tombstone: gone from the catalog since
	Facts       []event.Event
}

// Seen says whether its telemetry shows anything in the range.
func (d ServiceDetail) Seen() bool {
	for _, v := range d.Rate.V {
		if !math.IsNaN(v) {
			return true
		}
	}
	return false
}

// Link is a place outside.
type Link struct{ Title, Href string }

// Quantile is a latency quantile over time, in seconds.
type Quantile struct {
	Q float64
	Track
}

// Graph is services and what they need.
type Graph struct {
	Nodes []Node
	Edges []Edge
}

// Node is a box of the graph.
type Node struct {
	Name     string
	Kind     string // service, resource, external
	Tier     int
	Left     float64 // worst budget; NaN = none
	State    State
	Owner    string
	External bool // not in the catalog
}

// Edge says From needs To.
type Edge struct {
	From, To string
	Hard     bool
	Declared bool
	Observed bool
	Failing  bool
	Rate     float64 // requests a second; NaN = not seen
	Errors   float64 // share
}

// Estate is the whole graph and what it says.
type Estate struct {
	Graph        Graph
	Blast        *Blast
	Points       []Point // single points of failure, widest first
	Ceilings     []Ceiling
	Cycles       [][]string
	Inversions   []Edge // a higher tier needs a lower one, hard
	Uncatalogued []Seen
	Undeclared   []Edge // seen and not declared
	Unseen       []Edge // declared and not seen
}

// Blast is who is hurt when a service fails.
type Blast struct {
	Name string
	Hard []string // fail with it, nearest first
	Soft []string // degrade
}

// Point is a single point of failure.
type Point struct {
	Name string
	Tier int
	Hits int // services that fail with it
	Top  int // the highest tier among these
}

// Seen is a workload that telemetry shows and no catalog entry claims.
type Seen struct {
	Name   string
	Source string
	First  time.Time
	Seq    int64
}

// QueryAsk is a PromQL expression over a range; an equal From and To asks for one moment.
type QueryAsk struct {
	Expr  string
	Range kit.Range
	Step  time.Duration
}

// QueryAnswer is what it gave.
type QueryAnswer struct {
	Series   []QuerySeries // at most a few hundred; Cut says how many were left off
	Cut      int
	Scalar   bool
	Warnings []string
	Samples  int64
	Took     time.Duration
}

// QuerySeries is one series of the answer.
type QuerySeries struct {
	Labels []kit.Label // sorted, the metric's name under "__name__"
	Track
}

// MetricName is a metric with what its source says about it.
type MetricName struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
	Help string `json:"help,omitempty"`
}

// LedgerState is the ledger as a whole.
type LedgerState struct {
	Facts      int64
	LastDay    int64
	Root       string // tree hash
	Epoch      int
	EpochWords string // "of 3 Oct, facts 1 to 988,102"; "" for the first
	Checkpoint Checkpoint
	Published  *Checkpoint // the last one held by somebody else
	Where      string      // who holds it
	Verdict    *Verdict    // the last whole verification
	Kinds      []event.Kind
}

// Checkpoint is a signed tree head.
type Checkpoint struct {
	Size int64
	Hash string
	At   time.Time
	By   string // key name
	Note string // the signed text
}

// Verdict is the outcome of a verification.
type Verdict struct {
	At    time.Time
	Facts int64
	Took  time.Duration
	Break string // what was found, naming the fact; "" = nothing
	Seq   int64  // the fact it names
}

// FactFilter is what the ledger page asks for; zero values do not restrict.
type FactFilter struct {
	Kinds  []event.Kind
	About  event.Ref
	By     string
	Words  []string  // each occurs in it
	Range  kit.Range // when it happened; a zero From or To leaves that side open
	Before Cursor    // the Next of the page before; zero = from the newest
	Limit  int
}

// Cursor is where a page of facts ended. The zero Cursor is the list's start.
type Cursor struct {
	At  time.Time
	Seq int64
}

// FactPage is some facts, newest first.
type FactPage struct {
	Facts []event.Event
	Next  Cursor // zero = no more; with words there may be more to look through than was found
}

// FactDetail is one fact with its place in the tree.
type FactDetail struct {
	event.Event
	Body    json.RawMessage // as recorded
	Hash    string          // leaf hash
	Proof   []string        // hashes from the leaf to the checkpoint's root; nil = not yet under a checkpoint
	Against *Checkpoint
	Causes  []event.Event // oldest first
	Effects []event.Event
}

// Org is the org directory.
type Org struct {
	Source   string // directory or remote
	Version  string // in force
	Digest   string
	Applied  time.Time
	Files    []OrgFile
	Versions []OrgVersion // newest first
	Problems []kit.Problem
	Refused  *Refused
	Entities map[string]int // by kind
}

// OrgFile is one file.
type OrgFile struct {
	Path     string
	Holds    string // "3 components, 1 group"
	Errors   int
	Warnings int
}

// OrgVersion is one version that came, taken or not.
type OrgVersion struct {
	Version string
	At      time.Time
	Files   int
	Changed []string // entity refs
	Errors  int      // refused when > 0
	Seq     int64
}

// System is the machine's own state.
type System struct {
	Version   string
	Started   time.Time
	Memory    float64 // bytes
	CPU       float64 // cores, last minute
	Goroutine int
	Sources   []SourceState
	Rates     []Rated
	Stores    []Stored
	Evaluator EvaluatorState
	Doors     []Door // where OTLP goes in
	Tokens    []Token
}

// Door is an address that takes telemetry.
type Door struct {
	Name    string // "OTLP over HTTP"
	Address string
}

// SourceState is one source of telemetry.
type SourceState struct {
	Name   string
	Kind   string // otlp, scrape, remote-write, probe, prometheus
	Last   time.Time
	Every  time.Duration // expected interval; 0 = none
	Lag    time.Duration // between the newest sample's time and its arrival; negative = not known
	Rate   float64       // samples a second over the last minute; NaN = not known
	Spans  float64       // spans a second over the last minute; NaN = not known
	Series int64         // in memory; negative = not known
	Error  string        // "" = fine
	Silent bool
	Held   int // objectives without data because of it
}

// Rated is something that flows.
type Rated struct {
	Name  string  // "Samples stored"
	Unit  string  // "a second"
	Rate  float64 // over the last minute; NaN = not known yet
	Track         // last hour
}

// Stored is something that lies on disk.
type Stored struct {
	Name   string
	Place  string
	Bytes  float64
	Free   float64 // bytes left on its disk
	Detail string
}

// EvaluatorState is the live evaluation.
type EvaluatorState struct {
	Subjects int           // objectives
	Budgets  int           // of these: one each, or one a group
	Round    time.Duration // how long the last round took
	Last     time.Time
	Every    time.Duration
	Missed   time.Duration // in the last day
	Beat     time.Time     // its last sign of life in the ledger; zero = none in the last day
	BeatSeq  int64
}

// Token is an API token, without its secret.
type Token struct {
	ID      string
	Name    string
	Role    string
	Created time.Time
	Expires time.Time
	Used    time.Time
	Revoked bool
}

// TokenAsk is the form for a new one.
type TokenAsk struct {
	Name string
	Role string
	Days int
}

// Hit is a search result.
type Hit struct {
	Label string `json:"label"`
	Href  string `json:"href"`
	Hint  string `json:"hint"`
}
