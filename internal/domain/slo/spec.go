// Package slo is the objective engine, pure: samples to counts, counts to budgets, burn rates, alerts, back-tests.
// Its semantics are written down in docs/slo.md; section numbers (§) in comments refer to that page.
package slo

import (
	"time"
)

// Objective is one service level objective as agreed in a file.
type Objective struct {
	Name        string // unique in the organisation, DNS label
	Title       string
	Description string
	Service     string            // catalog component it belongs to
	Tier        int               // 0..3; -1 = as the service
	Labels      map[string]string // kept through import and export
	Annotations map[string]string
	File        string // where it was read, for messages and links
	Line        int

	Indicator   Indicator
	Target      Decimal // of the version in force; 0 <= T < 1
	Window      Window
	Method      Method
	Slice       time.Duration // slices only
	SliceTarget Decimal       // timeslices only
	NoData      NoData
	Staleness   time.Duration // how long a sample speaks for its series; 0 = 5 min
	GroupBy     []string      // one budget per distinct tuple of these labels
	MaxGroups   int           // 0 = 100
	Pairs       []Pair        // nil = the tier's defaults
	NoAlerts    bool          // evaluates and never alerts
	Policy      []Threshold   // budget policy; nil = defaults
	Composite   *Composite    // nil = Indicator counts
	Runbook     string        // URL or path
	Start       time.Time     // counts before it do not exist; zero = when first applied
}

// Indicator says which telemetry counts. Queries are PromQL.
type Indicator struct {
	Kind      IndicatorKind
	Total     Query
	Good      Query // good_total
	Bad       Query // bad_total
	Threshold float64
	Op        string // gauge: lt lte gt gte eq ne; what makes a sample good
	Delta     bool   // values are increments already (OpenSLO counter: false, OTLP delta)
	Metrics   string // name of the metric source; "" = the default one
}

// IndicatorKind is how counts are made (§3).
type IndicatorKind string

const (
	BadTotal  IndicatorKind = "bad_total"
	GoodTotal IndicatorKind = "good_total"
	Gauge     IndicatorKind = "gauge"     // gauge or probe, compared by Op with Threshold; Total holds the query
	Histogram IndicatorKind = "histogram" // classic; Total selects the _bucket series
	Native    IndicatorKind = "native"    // native histogram; Total selects it
	// Ratio is for rules that give only a share of bad events (Sloth "raw", OpenSLO "raw"): Total holds the expression;
	// each slot counts as one unit. Named as a deviation wherever it is used.
	Ratio IndicatorKind = "ratio"
)

// Query is where events come from.
type Query struct {
	Text  string // as the author wrote it; a range is [{{.window}}], [$__range] or a duration
	Terms []Term // what it reduces to, read raw and counted exactly; nil = Text is evaluated once a slot (see Exact)
}

// Exact says whether the query reduces to raw counters: sums and differences of counters selected by labels. Others
// are evaluated as they stand over each slot, and the objective says so.
func (q Query) Exact() bool { return len(q.Terms) > 0 }

// Term is one selector of a linear combination.
type Term struct {
	Selector string  // `http_requests_total{code=~"5.."}`
	Factor   float64 // 1 or -1, or what a constant multiplied it with
}

// Method is OpenSLO's budgeting method.
type Method string

const (
	Occurrences     Method = "occurrences"
	Timeslices      Method = "timeslices"
	RatioTimeslices Method = "ratio_timeslices"
)

// NoData says what a slot without knowledge counts as (§4).
type NoData string

const (
	Excluded NoData = "excluded" // the default
	GoodData NoData = "good"
	BadData  NoData = "bad"
	HoldData NoData = "hold"
)

// Window is rolling (Rolling > 0) or calendar (Unit != "").
type Window struct {
	Rolling time.Duration
	Unit    string // day, week, month, quarter, year
	Count   int
	Zone    string // IANA name
	Anchor  string // local wall time "2006-01-02T15:04"; "" = the default anchor of §6
}

// Pair is a burn-rate rule (§8): fires when both windows burn faster than its factor.
type Pair struct {
	Name     string
	Severity string  // page or ticket
	Spend    float64 // share of the budget spent over Long; 0 = Factor is given
	Factor   float64 // 0 = from Spend
	Long     time.Duration
	Short    time.Duration
}

// Threshold is one line of a budget policy (§11).
type Threshold struct {
	Consumed float64 // 0.5 = half the budget
	Action   string  // notify, warn, propose-freeze
}

// Composite joins parts into one objective (§7).
type Composite struct {
	Kind  string // pooled, any_slice, openslo
	Parts []Part
}

// Part is one member of a composite.
type Part struct {
	Name      string
	Weight    float64
	Objective Objective // its own indicator, target, no-data policy
}
