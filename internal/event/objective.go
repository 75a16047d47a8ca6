package event

import "time"

var objectiveKinds = map[Kind]func() Fact{
	"alert.fired":      func() Fact { return new(AlertFired) },
	"alert.ended":      func() Fact { return new(AlertEnded) },
	"alert.proved":     func() Fact { return new(AlertProved) },
	"budget.corrected": func() Fact { return new(BudgetCorrected) },
	"budget.crossed":   func() Fact { return new(BudgetCrossed) },
	"measure.closed":   func() Fact { return new(MeasureClosed) },
}

// Counts is what a window held when a conclusion was drawn.
type Counts struct {
	WindowS int64   `json:"windowS"` // length, seconds
	Bad     float64 `json:"bad"`     // events, clamped
	Total   float64 `json:"total"`
	Allowed float64 `json:"allowed"` // events the target allows
	Burn    float64 `json:"burn"`    // bad / allowed, 0 when nothing is allowed
}

// AlertFired records that a rule began to fire. About: "slo:name"; Key: evaluator, slo, group, rule, tick.
type AlertFired struct {
	AlertID  string            `json:"alertId"`
	GroupKey string            `json:"groupKey"` // slo and group values
	Rule     string            `json:"rule"`     // page-1h, page-6h, ticket-1d, ticket-3d, trickle, or an own name
	Service  string            `json:"service"`
	Severity string            `json:"severity"` // page or ticket
	StartsAt time.Time         `json:"startsAt"`
	SLO      string            `json:"slo,omitempty"`
	Group    map[string]string `json:"group,omitempty"`
	Query    string            `json:"query,omitempty"` // PromQL that shows what was counted
	Factor   float64           `json:"factor,omitempty"`
	Long     *Counts           `json:"long,omitempty"`
	Short    *Counts           `json:"short,omitempty"`
}

func (*AlertFired) Kind() Kind { return "alert.fired" }
func (f *AlertFired) Check() error {
	var c check
	c.need("/alertId", f.AlertID)
	c.need("/rule", f.Rule)
	c.need("/severity", f.Severity)
	c.that(!f.StartsAt.IsZero(), "/startsAt", "is required")
	return c.err(f.Kind())
}

// AlertEnded records that a firing rule ended. Cause: its alert.fired.
type AlertEnded struct {
	AlertID string    `json:"alertId"`
	EndsAt  time.Time `json:"endsAt"`
	How     string    `json:"how"` // resolved, expired, removed (the objective or rule is gone)
	Long    *Counts   `json:"long,omitempty"`
	Short   *Counts   `json:"short,omitempty"`
}

func (*AlertEnded) Kind() Kind { return "alert.ended" }
func (f *AlertEnded) Check() error {
	var c check
	c.need("/alertId", f.AlertID)
	c.that(!f.EndsAt.IsZero(), "/endsAt", "is required")
	c.need("/how", f.How)
	return c.err(f.Kind())
}

// AlertProved records the outcome of injecting a total outage through the evaluator when an objective was created or
// edited. About: "slo:name".
type AlertProved struct {
	SLO     string      `json:"slo"`
	Version string      `json:"version"`
	Rate    float64     `json:"rate"` // events a minute the proof assumed
	Fires   bool        `json:"fires"`
	Rules   []RuleProof `json:"rules"`
	Problem string      `json:"problem,omitempty"` // why nothing can fire: no series match, rate 0, ...
}

// RuleProof is the outcome for one rule; nil seconds = never.
type RuleProof struct {
	Rule   string `json:"rule"`
	FiresS *int64 `json:"firesAfterS"`
	EndsS  *int64 `json:"endsAfterS"`
}

func (*AlertProved) Kind() Kind { return "alert.proved" }
func (f *AlertProved) Check() error {
	var c check
	c.need("/slo", f.SLO)
	return c.err(f.Kind())
}

// BudgetCorrected adds a correction of an objective's counts, or revokes one. About: "slo:name".
type BudgetCorrected struct {
	CorrectionID string    `json:"correctionId"`
	SLO          string    `json:"slo"`
	From         time.Time `json:"from"`
	To           time.Time `json:"to"`
	Effect       string    `json:"effect"` // exclude or good
	Revoked      bool      `json:"revoked,omitempty"`
	Reason       Text      `json:"reason"`
}

func (*BudgetCorrected) Kind() Kind       { return "budget.corrected" }
func (f *BudgetCorrected) Texts() []*Text { return []*Text{&f.Reason} }
func (f *BudgetCorrected) Check() error {
	var c check
	c.need("/correctionId", f.CorrectionID)
	c.need("/slo", f.SLO)
	if !f.Revoked {
		c.span("", f.From, f.To)
		c.that(!f.To.IsZero(), "/to", "is required")
		c.that(f.Effect == "exclude" || f.Effect == "good", "/effect", `must be "exclude" or "good"`)
	}
	return c.err(f.Kind())
}

// BudgetCrossed records that the consumed share of a budget passed a threshold of its policy, or came back under it.
type BudgetCrossed struct {
	SLO       string            `json:"slo"`
	Group     map[string]string `json:"group,omitempty"`
	Threshold float64           `json:"threshold"` // share consumed, 1 = all
	Consumed  float64           `json:"consumed"`
	Action    string            `json:"action"` // notify, warn, propose-freeze
	Rearmed   bool              `json:"rearmed,omitempty"`
}

func (*BudgetCrossed) Kind() Kind { return "budget.crossed" }
func (f *BudgetCrossed) Check() error {
	var c check
	c.need("/slo", f.SLO)
	c.that(f.Threshold > 0, "/threshold", "must be positive")
	return c.err(f.Kind())
}

// MeasureClosed freezes a day of telemetry for the measures that outlive samples. Late data makes a revision: the same
// measure, subject and day again with a higher revision. About: the subject.
type MeasureClosed struct {
	Measure       string    `json:"measure"` // slo, ...
	Subject       string    `json:"subject"` // slo:name or service:name
	Group         string    `json:"group,omitempty"`
	From          time.Time `json:"from"`
	To            time.Time `json:"to"`
	Num           float64   `json:"num"` // bad events
	Den           float64   `json:"den"` // all events
	Allowed       float64   `json:"allowed,omitempty"`
	ValidS        float64   `json:"validS"`
	UnknownS      float64   `json:"unknownS"` // seconds without knowledge
	Query         string    `json:"query"`
	ResultDigest  string    `json:"resultDigest"`
	PolicyVersion string    `json:"policyVersion"`
	Revision      int       `json:"revision,omitempty"`
}

func (*MeasureClosed) Kind() Kind { return "measure.closed" }
func (f *MeasureClosed) Check() error {
	var c check
	c.need("/measure", f.Measure)
	c.need("/subject", f.Subject)
	c.span("", f.From, f.To)
	return c.err(f.Kind())
}
