// Package pages arranges what the stores hold into what the pages show: one file a page, each from store types to the
// view types of package web. It decides nothing; what it keeps, it can make again.
package pages

import (
	"context"
	"math"
	"net/http"
	"regexp"
	"sync/atomic"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/command"
	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/store/ledger"
	"evenkeel.dev/evenkeel/internal/store/metric"
	"evenkeel.dev/evenkeel/internal/store/org"
	"evenkeel.dev/evenkeel/internal/store/trace"
	"evenkeel.dev/evenkeel/internal/web"
)

// Desk is where the pages look things up.
type Desk struct {
	Now       func() time.Time
	Version   string
	Demo      bool
	Local     bool // bound to loopback: cookies may go without TLS
	Started   time.Time
	Ledger    *ledger.Ledger
	Key       *ledger.Key
	Access    *auth.Keeper
	Commands  *command.Commands
	Org       *org.Live
	Budget    *budget.Engine
	Metrics   metric.Source // nil = none
	Traces    *trace.Store
	Leader    func(context.Context) (name string, heard time.Time, gone bool) // who evaluates where this server does not, else ""
	Changes   func() []Change                                                 // deploys and rollbacks of all services; nil = no source of them
	Telemetry func() []web.SourceState
	Stored    func(context.Context) []web.Stored
	Rates     func() []web.Rated
	Doors     func() []web.Door
	CPU       func() float64 // cores this process used over the last minute

	verdict atomic.Pointer[web.Verdict] // of the last whole verification
	last    atomic.Pointer[standing]
	beaten  atomic.Pointer[beats]
}

// Change is a deploy or rollback of a service.
type Change struct {
	Service string
	web.Change
}

// Sources are the pages' questions, answered from the desk.
func (d *Desk) Sources() web.Sources {
	s := web.Sources{
		Clock: d.Now, Who: d.who, Shell: d.shell,
		Objectives: d.objectives, Objective: d.objective, Backtest: d.backtest, Correct: d.correct, Reverse: d.reverse,
		Services: d.services, Service: d.service, Estate: d.estate,
		Ledger: d.ledger, Facts: d.facts, Fact: d.fact, Verify: d.verify,
		Org: d.org, OrgFile: d.orgFile,
		System: d.system, Senders: d.senders, Search: d.search,
		NewToken: d.newToken, RevokeToken: d.revokeToken, SignIn: d.signIn, SignOut: d.signOut,
	}
	if d.Metrics != nil {
		s.Query, s.Names, s.Labels = d.query, d.names, d.labels
	}
	return s
}

// directory is the org directory in force.
func (d *Desk) directory() *org.Directory { return d.Org.Current() }

// who is the caller of a page as the pages know people. Rights have the same names there, but for two.
func (d *Desk) who(r *http.Request) web.Person {
	c := auth.From(r.Context())
	if c.Role == "" {
		return web.Person{}
	}
	return web.Person{Name: c.Name, Role: string(c.Role), May: func(right web.Right) bool { return c.Has(auth.Right(right)) }}
}

// owner is who answers for an entity, as a handle.
func handle(r estate.Ref) string {
	if r == "" {
		return ""
	}
	return "@" + r.Name()
}

// onCall is who is on call, as a handle where it is one of the catalog.
func onCall(target string) string {
	if ref, err := estate.ParseRef(target, "", ""); err == nil {
		return handle(ref)
	}
	return target
}

var nan = math.NaN()

func quoteMeta(s string) string { return regexp.QuoteMeta(s) }
