package event

import "time"

var incidentKinds = map[Kind]func() Fact{
	"incident.detected": func() Fact { return new(IncidentDetected) },
	"incident.resolved": func() Fact { return new(IncidentResolved) },
	"incident.updated":  func() Fact { return new(IncidentUpdated) },
}

// Observed is how something about an incident became known.
type Observed struct {
	Source string    `json:"source"` // person: somebody entered it
	At     time.Time `json:"at"`
}

// IncidentDetected records that users are or were being hurt. About: "incident:ID"; it happened when the harm began. A
// later one of the same incident replaces the earlier.
type IncidentDetected struct {
	IncidentID string   `json:"incidentId"`
	Services   []string `json:"services,omitempty"` // catalog names of what was hurt; empty = everything
	SLOs       []string `json:"slos,omitempty"`     // objectives that should have paged; empty = all of the services
	Drill      bool     `json:"drill,omitempty"`
	Detection  Observed `json:"detection"`
	Title      Text     `json:"title"`
}

func (*IncidentDetected) Kind() Kind       { return "incident.detected" }
func (f *IncidentDetected) Texts() []*Text { return []*Text{&f.Title} }
func (f *IncidentDetected) Check() error {
	var c check
	c.need("/incidentId", f.IncidentID)
	c.need("/detection/source", f.Detection.Source)
	return c.err(f.Kind())
}

// IncidentResolved records that the harm ended. Cause: its incident.detected.
type IncidentResolved struct {
	IncidentID string   `json:"incidentId"`
	Restored   Observed `json:"restored"`
}

func (*IncidentResolved) Kind() Kind { return "incident.resolved" }
func (f *IncidentResolved) Check() error {
	var c check
	c.need("/incidentId", f.IncidentID)
	c.that(!f.Restored.At.IsZero(), "/restored/at", "is required")
	return c.err(f.Kind())
}

// IncidentUpdated records what changed about an incident otherwise. Cause: its incident.detected.
type IncidentUpdated struct {
	IncidentID string `json:"incidentId"`
	Status     string `json:"status"` // withdrawn: there was none
	Reason     Text   `json:"reason"`
}

func (*IncidentUpdated) Kind() Kind       { return "incident.updated" }
func (f *IncidentUpdated) Texts() []*Text { return []*Text{&f.Reason} }
func (f *IncidentUpdated) Check() error {
	var c check
	c.need("/incidentId", f.IncidentID)
	c.need("/status", f.Status)
	return c.err(f.Kind())
}
