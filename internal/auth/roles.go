// Package auth says who is asking and what they may do: roles and rights, API tokens, browser sessions.
package auth

import (
	"slices"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Role is a named set of rights.
type Role string

const (
	Viewer    Role = "viewer"    // reads pages and numbers
	Responder Role = "responder" // and acts on alerts and incidents
	Owner     Role = "owner"     // and changes what belongs to the own teams' services
	Operator  Role = "operator"  // and runs the program: sources, reload, corrections of any service
	Auditor   Role = "auditor"   // reads everything, evidence included, and changes nothing
	Admin     Role = "admin"     // everything, access included
)

// Roles lists all roles, least powerful first.
var Roles = []Role{Viewer, Responder, Owner, Operator, Auditor, Admin}

// Right is one thing a caller may do.
type Right string

const (
	Read           Right = "read"            // pages, objectives, services, facts
	QueryMetrics   Right = "metrics.query"   // PromQL
	WriteMetrics   Right = "metrics.write"   // remote write, OTLP
	CorrectBudget  Right = "slo.correct"     // add or revoke a correction
	RecordIncident Right = "incident.record" // record that users were hurt, or take that back
	ReadEvidence   Right = "evidence.read"   // export the ledger, free text, checkpoints
	VerifyLedger   Right = "ledger.verify"
	ReloadOrg      Right = "org.reload"
	ManageAccess   Right = "token.manage" // tokens
)

// Rights lists all rights with what they allow, for help texts and the token form.
var Rights = []struct {
	Right Right
	Means string
}{
	{Read, "see pages, objectives, services and facts"},
	{QueryMetrics, "run PromQL queries"},
	{WriteMetrics, "send metrics and traces (remote write, OTLP)"},
	{CorrectBudget, "exclude time from a budget, or take that back"},
	{RecordIncident, "record an incident, or withdraw it"},
	{ReadEvidence, "export the ledger and read free text"},
	{VerifyLedger, "verify the ledger"},
	{ReloadOrg, "read the org directory again"},
	{ManageAccess, "issue and revoke tokens"},
}

var grants = map[Role][]Right{
	Viewer:    {Read, QueryMetrics},
	Responder: {Read, QueryMetrics, RecordIncident},
	Owner:     {Read, QueryMetrics, CorrectBudget, RecordIncident},
	Operator:  {Read, QueryMetrics, WriteMetrics, CorrectBudget, RecordIncident, VerifyLedger, ReloadOrg},
	Auditor:   {Read, QueryMetrics, VerifyLedger, ReadEvidence},
	Admin:     {Read, QueryMetrics, WriteMetrics, CorrectBudget, RecordIncident, ReadEvidence, VerifyLedger, ReloadOrg, ManageAccess},
}

// ParseRole reads a role's name.
func ParseRole(s string) (Role, error) {
	if slices.Contains(Roles, Role(s)) {
		return Role(s), nil
	}
	return "", &kit.Error{Code: kit.Invalid, Msg: "role " + s + " does not exist", Hint: "use viewer, responder, owner, operator, auditor or admin",
		Fields: []kit.Field{{Path: "/role", Msg: "unknown role"}}}
}

// Caller is who asks.
type Caller struct {
	Name   string   // "ana", "token:ci"; "" for nobody
	Role   Role     // "" for nobody
	Teams  []string // group refs, for owners
	Scopes []Right  // narrows the role's rights; empty = all of them
	Via    string   // loopback, token, session
}

// By is how facts name the caller: "user:ana"; "user:" for nobody.
func (c Caller) By() string { return "user:" + c.Name }

// Has says whether the caller's role and scopes hold a right at all.
func (c Caller) Has(r Right) bool {
	return slices.Contains(grants[c.Role], r) && (len(c.Scopes) == 0 || slices.Contains(c.Scopes, r))
}

// May decides a right over something that team owns ("" for what no team owns). The error says why not.
func (c Caller) May(r Right, team string) error {
	switch {
	case c.Role == "":
		return &kit.Error{Code: kit.Denied, Msg: "nobody is signed in", Hint: "sign in, or send a token as Authorization: Bearer"}
	case !c.Has(r):
		return &kit.Error{Code: kit.Denied, Msg: "role " + string(c.Role) + " may not " + meaning(r), Hint: "an admin can grant " + string(r)}
	case c.Role == Owner && r == CorrectBudget && !slices.Contains(c.Teams, team):
		return &kit.Error{Code: kit.Denied, Msg: "this belongs to " + orNoTeam(team) + ", and you own services of other teams", Hint: "ask its owner or an operator"}
	}
	return nil
}

func meaning(r Right) string {
	for _, x := range Rights {
		if x.Right == r {
			return x.Means
		}
	}
	return string(r)
}

func orNoTeam(team string) string {
	if team == "" {
		return "no team"
	}
	return team
}
