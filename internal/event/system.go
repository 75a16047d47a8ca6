package event

import "time"

var systemKinds = map[Kind]func() Fact{
	"source.gap":           func() Fact { return new(SourceGap) },
	"event.amended":        func() Fact { return new(EventAmended) },
	"text.erased":          func() Fact { return new(TextErased) },
	"evaluator.beat":       func() Fact { return new(EvaluatorBeat) },
	"epoch.opened":         func() Fact { return new(EpochOpened) },
	"checkpoint.published": func() Fact { return new(CheckpointPublished) },
	"access.granted":       func() Fact { return new(AccessGranted) },
	"access.refused":       func() Fact { return new(AccessRefused) },
	"access.read":          func() Fact { return new(AccessRead) },
	"access.revoked":       func() Fact { return new(AccessRevoked) },
}

// SourceGap records a stretch without knowledge, so that missing data is unknown and not zero. About: the source
// ("source:prom-eu-1") or the objective ("slo:name") that missed it.
type SourceGap struct {
	Source string    `json:"source"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"` // zero while it lasts
	Reason string    `json:"reason"`
}

func (*SourceGap) Kind() Kind { return "source.gap" }
func (f *SourceGap) Check() error {
	var c check
	c.need("/source", f.Source)
	c.span("", f.From, f.To)
	return c.err(f.Kind())
}

// EventAmended corrects an earlier fact; the fact itself stays. Cause: the fact it corrects.
type EventAmended struct {
	Target int64          `json:"targetEventId"` // its seq
	Set    map[string]any `json:"set"`
	Reason Text           `json:"reason"`
}

func (*EventAmended) Kind() Kind       { return "event.amended" }
func (f *EventAmended) Texts() []*Text { return []*Text{&f.Reason} }
func (f *EventAmended) Check() error {
	var c check
	c.that(f.Target > 0, "/targetEventId", "must name a fact")
	c.that(len(f.Set) > 0, "/set", "is required")
	return c.err(f.Kind())
}

// TextErased records that the free texts of an earlier fact were erased; their digests stay in it. Cause: that fact.
type TextErased struct {
	Target int64  `json:"target"` // its seq
	Why    string `json:"why"`    // the ground, such as "request 2026-114 under GDPR art. 17"
}

func (*TextErased) Kind() Kind { return "text.erased" }
func (f *TextErased) Check() error {
	var c check
	c.that(f.Target > 0, "/target", "must name a fact")
	c.need("/why", f.Why)
	return c.err(f.Kind())
}

// EvaluatorBeat says that an evaluator is alive; one an hour, and one after each silence.
type EvaluatorBeat struct {
	Evaluator string `json:"evaluator"`
	Subjects  int    `json:"subjects"` // how many it evaluated in the last round
	RoundMS   int64  `json:"roundMs"`
	MissedS   int64  `json:"missedS,omitempty"` // seconds it had not run before this beat
}

func (*EvaluatorBeat) Kind() Kind { return "evaluator.beat" }
func (f *EvaluatorBeat) Check() error {
	var c check
	c.need("/evaluator", f.Evaluator)
	return c.err(f.Kind())
}

// EpochOpened declares that the ledger goes on from a backup: what came after it is lost, openly.
type EpochOpened struct {
	Epoch    int       `json:"epoch"`
	Restored int64     `json:"restoredSeq"` // the last fact of the backup
	TreeHash string    `json:"treeHash"`    // of the restored facts, base64
	BackupAt time.Time `json:"backupAt"`
	Why      string    `json:"why,omitempty"`
}

func (*EpochOpened) Kind() Kind { return "epoch.opened" }
func (f *EpochOpened) Check() error {
	var c check
	c.that(f.Epoch > 0, "/epoch", "must be positive")
	return c.err(f.Kind())
}

// CheckpointPublished records that a signed tree head was handed to somebody who can hold it against us.
type CheckpointPublished struct {
	Size  int64  `json:"size"`
	Hash  string `json:"hash"` // base64
	Where string `json:"where"`
}

func (*CheckpointPublished) Kind() Kind { return "checkpoint.published" }
func (f *CheckpointPublished) Check() error {
	var c check
	c.that(f.Size >= 0, "/size", "must not be negative")
	c.need("/where", f.Where)
	return c.err(f.Kind())
}

// AccessGranted records a new token, session or role. About: the user or token.
type AccessGranted struct {
	What    string    `json:"what"` // token, session, role
	ID      string    `json:"id"`
	To      string    `json:"to"`
	Role    string    `json:"role"`
	Scope   []string  `json:"scope,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
}

func (*AccessGranted) Kind() Kind { return "access.granted" }
func (f *AccessGranted) Check() error {
	var c check
	c.need("/what", f.What)
	c.need("/to", f.To)
	return c.err(f.Kind())
}

// AccessRevoked ends a token, session or role.
type AccessRevoked struct {
	What string `json:"what"`
	ID   string `json:"id"`
}

func (*AccessRevoked) Kind() Kind { return "access.revoked" }
func (f *AccessRevoked) Check() error {
	var c check
	c.need("/what", f.What)
	c.need("/id", f.ID)
	return c.err(f.Kind())
}

// AccessRefused records an attempt that was not allowed.
type AccessRefused struct {
	Who   string `json:"who"` // "" for an unknown caller
	Right string `json:"right"`
	On    string `json:"on"` // method and route
	Why   string `json:"why"`
}

func (*AccessRefused) Kind() Kind { return "access.refused" }
func (f *AccessRefused) Check() error {
	var c check
	c.need("/right", f.Right)
	return c.err(f.Kind())
}

// AccessRead records that somebody read or exported evidence.
type AccessRead struct {
	Who  string `json:"who"`
	What string `json:"what"` // "ledger export 1..1048201", "fact 17"
}

func (*AccessRead) Kind() Kind { return "access.read" }
func (f *AccessRead) Check() error {
	var c check
	c.need("/what", f.What)
	return c.err(f.Kind())
}
