package web

import (
	"context"
	"math"
	"net/http"
	"time"

	"evenkeel.dev/evenkeel/internal/chart"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
)

// Sources is where the pages get what they show. A nil func means that this installation has no such part: its page and
// its line in the section list are not there. All are called concurrently and must answer from memory or within
// milliseconds; ctx ends with the request. Shares are ratios 0..1, NaN where nothing is known.
type Sources struct {
	Clock func() time.Time                     // required
	Who   func(*http.Request) Person           // required; the zero Person is nobody
	Shell func(context.Context) (Shell, error) // required

	Objectives func(context.Context) ([]Objective, error) // every objective in force, each group of it a row
	Objective  func(context.Context, ObjectiveAsk) (ObjectiveDetail, error)
	Backtest   func(context.Context, BacktestAsk) (Backtest, error)
	Correct    func(context.Context, Person, Correction) error // adds; kit.Error with Fields named as the form's
	Reverse    func(ctx context.Context, by Person, slo, correction, reason string) error

	Services func(context.Context) ([]Service, error) // every catalogued service
	Service  func(context.Context, ServiceAsk) (ServiceDetail, error)
	Estate   func(ctx context.Context, focus string) (Estate, error) // focus: the service whose blast radius is asked; "" = none

	Query  func(context.Context, QueryAsk) (QueryAnswer, error)
	Names  func(ctx context.Context, prefix string, limit int) ([]MetricName, error)
	Labels func(ctx context.Context, metric, label string, limit int) ([]string, error) // label "": names of labels, else its values

	Ledger func(context.Context) (LedgerState, error)
	Facts  func(context.Context, FactFilter) (FactPage, error)
	Fact   func(ctx context.Context, seq int64) (FactDetail, error)
	Verify func(ctx context.Context, progress func(done, total int64)) (Verdict, error) // recomputes every leaf; may take minutes

	Org     func(context.Context) (Org, error)
	OrgFile func(ctx context.Context, path string) (SourceText, error)

	System      func(context.Context) (System, error)
	Senders     func(context.Context) ([]SourceState, error) // of telemetry: those of System, asked by every page
	NewToken    func(context.Context, Person, TokenAsk) (secret string, err error)
	RevokeToken func(ctx context.Context, by Person, id string) error

	Search  func(ctx context.Context, words string, limit int) ([]Hit, error)
	SignIn  func(w http.ResponseWriter, r *http.Request, token string) error // sets its cookie
	SignOut func(w http.ResponseWriter, r *http.Request)

	verification *verification // of the whole ledger, kept by Web
}

// Person is who looks at a page.
type Person struct {
	Name string // handle without @, "" = not signed in
	Role string
	May  func(Right) bool // nil = nothing
}

// Right is what a page or an action needs. Names are shared with the API.
type Right string

const (
	Anyone       Right = "" // signed in or not
	Read         Right = "read"
	QueryMetrics Right = "metrics.query"
	CorrectSLO   Right = "slo.correct"
	VerifyLedger Right = "ledger.verify"
	ReadEvidence Right = "evidence.read"
	ManageToken  Right = "token.manage"
)

// Can says whether the person holds a right.
func (p Person) Can(r Right) bool { return r == Anyone || p.May != nil && p.May(r) }

// Shell is what every page shows around its content.
type Shell struct {
	Org        string // the organisation's name
	Demo       bool
	Zone       *time.Location
	Evaluated  time.Time // end of the last evaluation round; zero = none yet
	Leader     string    // the server that evaluates where this one does not; "" = this one does
	Heard      time.Time // its last sign of life
	Gone       bool      // and that is too long ago: this one takes over
	Facts      int64
	Checkpoint time.Time // last signed checkpoint
	Verified   time.Time // last whole verification; zero = never
	Broken     string    // what the last verification found; "" = nothing
	Sources    int       // of telemetry
	Fresh      int       // of these, heard within their interval
	Refused    *Refused  // the org directory's newest version has errors
}

// Refused is a version of the org directory that was not taken.
type Refused struct {
	Errors  int
	First   kit.Problem
	InForce string // the version that stays
	At      time.Time
}

// Objective is one objective, or one group of it, as it stands.
type Objective struct {
	Name    string
	Title   string // "" = Name
	Service string
	Owner   string // handle or team
	Group   string // `region="eu"`; "" = undivided
	Tier    int    // 0..3, -1 = none
	Target  slo.Decimal
	Window  slo.Window
	State   State
	Budget  Budget
	Burn    float64       // over the last hour
	Spent   kit.Range     // when what is left will be gone, at the slower and the faster of the 1 h and 5 min rates; zero = not at this rate
	SpentAt time.Time     // overspent since; zero = it is not
	Days    [28]chart.Day // oldest first, in the organisation's zone
	Firing  []Firing
	Held    time.Time // no data since; zero = data flows
	Down    *Down     // its metric source does not answer; nil = it does
}

// Down is a metric source that does not answer.
type Down struct {
	Source string
	Since  time.Time
	Reason string
}

// Budget is the arithmetic of one window.
type Budget struct {
	Left    float64 // share, 1 = untouched, below 0 = overspent
	SLI     float64
	Bad     float64 // events, or slices
	Total   float64
	Allowed float64
}

// Firing is a rule that fires now.
type Firing struct {
	Rule     string
	Severity string // page, ticket
	Since    time.Time
	Seq      int64 // its alert.fired
}

// State is how an objective or a service stands; worst first in this order.
type State string

const (
	Paging   State = "paging" // a page is open
	Spent    State = "spent"  // no budget left
	Burning  State = "burning"
	Ticketed State = "ticket" // a ticket is open
	NoData   State = "nodata"
	Steady   State = "steady"
	Young    State = "few" // too little data for a verdict
	Paused   State = "paused"
	Unset    State = "unset" // no objective
)

// ObjectiveAsk names an objective and the range its charts show.
type ObjectiveAsk struct {
	Name  string
	Group string
	Range kit.Range // zero = the objective's own window
}

// Track is equidistant values: V[i] at From + i*Step, NaN where nothing is known.
type Track struct {
	From time.Time
	Step time.Duration
	V    []float64
}

// Last is the newest value, NaN for none.
func (t Track) Last() float64 {
	if len(t.V) == 0 {
		return math.NaN()
	}
	return t.V[len(t.V)-1]
}

// ObjectiveDetail is everything about one objective.
type ObjectiveDetail struct {
	Objective
	Spec        slo.Objective
	Groups      []string // other groups of the same objective
	OnCall      string
	Range       kit.Range // what Left, Failing and Volume cover
	Left        Track     // budget left, share
	Recent      Track     // the same, last hours, finer
	Failing     Track     // share of events that fail
	Volume      Track     // events per step of Failing
	Rates       []Rate    // burn rates over the last 24 h, shortest window first
	Rules       []Rule
	Alerts      []Alert  // in Range, newest first
	Changes     []Change // deploys and rollbacks in Range
	Incidents   []Incident
	Gaps        []Gap
	Corrections []Corrected
	Definition  SourceText
	Versions    int
	Ceiling     *Ceiling
	Policy      []PolicyLine
	PolicyFile  string
	Deviations  []string // "good: evaluated as a whole expression once a minute, not counted exactly"
	Proof       *Proof
	Evidence    []Evidence
}

// Rate is a burn rate over time.
type Rate struct {
	Window time.Duration
	Track
}

// Rule is a burn-rate rule and its windows now.
type Rule struct {
	Name     string // "Page, fast"
	Severity string
	Factor   float64 // fires at
	Long     WindowNow
	Short    WindowNow
	Spend    float64 // share of the budget spent when it fires
	Since    time.Time
	Seq      int64  // of its alert.fired; 0 = quiet
	Held     string // why it may not fire now: significance gate, minimum failures; "" = it may
	Thin     bool   // the rule for traffic too thin for windows: no Factor, Spend; Short is the last 30 minutes
}

// WindowNow is one window of a rule.
type WindowNow struct {
	Len  time.Duration
	Burn float64
	Bad  float64
	All  float64
}

// Alert is a stretch in which a rule fired; an open end is still firing.
type Alert struct {
	kit.Range
	Rule     string
	Severity string
	Seq      int64
}

// Change is a deploy on a chart.
type Change struct {
	At    time.Time
	Kind  string // deploy, rollback, suspect
	Title string // "v5.18.1"
	Seq   int64
}

// Incident is a band on a chart.
type Incident struct {
	kit.Range
	Label string
	Href  string
}

// Gap is a stretch without knowledge.
type Gap struct {
	kit.Range
	Source string
	Reason string
	Effect slo.NoData // what it counts as
	Seq    int64
}

// Corrected is a correction in force, or one that was revoked.
type Corrected struct {
	ID      string
	Range   kit.Range
	Effect  string // exclude, good
	Reason  string
	By      string
	At      time.Time
	Seq     int64
	Revoked bool
	Delta   float64 // what it changes of the share left; NaN = not computed
}

// Correction is the form a person filled in.
type Correction struct {
	SLO    string
	From   time.Time
	To     time.Time
	Effect string
	Reason string
}

// SourceText is a file, or a stretch of it, as people wrote it.
type SourceText struct {
	File     string
	Line     int // of the first line of Text
	Mark     int // the line it is about; 0 = none
	Version  string
	Since    time.Time
	Text     string
	Problems []kit.Problem
}

// Ceiling is the availability that hard dependencies allow.
type Ceiling struct {
	Service string
	Target  float64 // the objective's
	Value   float64
	From    []string // the dependencies it comes from, worst first
}

// PolicyLine is one threshold of a budget policy.
type PolicyLine struct {
	Left   float64 // applies when at most this share is left
	Action string  // notify, warn, propose-freeze
	At     time.Time
	Seq    int64 // of its budget.crossed; 0 = not reached in this window
}

// Proof is the outcome of an outage injected through the evaluator.
type Proof struct {
	At      time.Time
	Fires   bool
	Rules   []ProofRule
	Problem string
	Seq     int64
}

// ProofRule is how long a total outage takes to fire and to clear one rule; negative = never.
type ProofRule struct {
	Rule        string
	Fires, Ends time.Duration
	Thin        bool // the rule for traffic too thin for windows
}

// Evidence is a fact, or a link, that a figure rests on.
type Evidence struct {
	Seq   int64
	Kind  event.Kind
	Words string
	Href  string // instead of a fact
}

// BacktestAsk names an objective and what to try beside the policy in force.
type BacktestAsk struct {
	SLO   string
	Days  int // 0 = 30
	Pairs []slo.Pair
}

// Backtest is a set of alert policies over the same history.
type Backtest struct {
	Range     kit.Range
	At        time.Time // when it was computed
	Incidents int
	Against   string // "2 incidents from the ledger, impact start from the SLI"
	Rows      []BacktestRow
	Pick      int    // index of the recommended row; -1 = none
	Why       string // its trade-off, one sentence
}

// BacktestRow is one policy's result.
type BacktestRow struct {
	Policy  string
	InForce bool
	Pages   int
	Caught  int
	Nothing int           // pages that no incident explains
	Median  time.Duration // from the start of an incident to its page; negative = no page
	Longest time.Duration
	Spend   float64 // share of the budget spent before the page, median
	Clears  time.Duration
	Weekly  float64 // pages a week
}
