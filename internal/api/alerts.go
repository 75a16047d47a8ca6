package api

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/projection"
)

// Alert is one burn-rate alert: when it fired, on what, and how it ended.
type Alert struct {
	ID       string            `json:"id"`
	SLO      string            `json:"slo"`
	Group    map[string]string `json:"group,omitempty"`
	Service  string            `json:"service,omitempty"`
	Rule     string            `json:"rule"`
	Severity string            `json:"severity" enum:"page,ticket"`
	From     time.Time         `json:"from"`
	To       *time.Time        `json:"to" doc:"null while it fires"`
	Ended    string            `json:"ended,omitempty" doc:"resolved, removed or expired"`
	Factor   float64           `json:"factor,omitempty"`
	Query    string            `json:"query,omitempty" doc:"PromQL that shows what was counted"`
	Long     *event.Counts     `json:"long,omitempty" doc:"What the long window held when it fired"`
	Short    *event.Counts     `json:"short,omitempty"`
	Seq      int64             `json:"seq" doc:"Of the fact that it fired"`
	EndSeq   int64             `json:"endSeq,omitempty" doc:"Of the fact that it ended"`
}

const (
	alertsBack = 7 * 24 * time.Hour
	maxAlerts  = 10_000 // of one question
)

func (s *server) alerts() {
	const tag = "Alerts"
	handle(s, operation{id: "list-alerts", method: http.MethodGet, path: "/alerts", tag: tag, needs: auth.Read, summary: "Alerts that fire or fired",
		about: "From the ledger, newest first: those that fired at any time between from (7 days ago) and to (now)."}, s.listAlerts)
	handle(s, operation{id: "get-alert", method: http.MethodGet, path: "/alerts/{id}", tag: tag, needs: auth.Read, summary: "One alert"}, s.getAlert)
}

type listAlertsIn struct {
	Paging
	Conditional
	State string `query:"state" enum:"firing,all" default:"all" doc:"firing: only those that fire now, whenever they began"`
	SLO   string `query:"slo" doc:"Only this objective's"`
	From  string `query:"from" doc:"RFC 3339, a day, or an age such as 7d"`
	To    string `query:"to" doc:"Default now"`
}

func (s *server) listAlerts(ctx context.Context, in *listAlertsIn) (*page[Alert], error) {
	r, err := span(in.From, in.To, alertsBack, s.Now())
	if err != nil {
		return nil, err
	}
	q := s.Ledger.DB().Read()
	var found []projection.Alert
	if in.State == "firing" {
		found, err = projection.OpenAlerts(ctx, q)
	} else {
		found, err = projection.AlertsOf(ctx, q, in.SLO, r.From, r.To, maxAlerts)
	}
	if err != nil {
		return nil, err
	}
	var all []Alert
	for _, a := range found {
		if in.SLO == "" || a.SLO == in.SLO {
			all = append(all, alertOf(a))
		}
	}
	slices.SortFunc(all, func(a, b Alert) int { return strings.Compare(newest(a), newest(b)) })
	return cut(in.Paging, in.Conditional, all, newest)
}

// newest sorts the latest begin first, as a text that a cursor can hold.
func newest(a Alert) string {
	return fmt.Sprintf("%019d/%s", math.MaxInt64-a.From.UnixMicro(), a.ID)
}

type oneAlertIn struct {
	Conditional
	ID string `path:"id"`
}

func (s *server) getAlert(ctx context.Context, in *oneAlertIn) (*one[Alert], error) {
	a, ok, err := projection.AlertByID(ctx, s.Ledger.DB().Read(), in.ID)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, &kit.Error{Code: kit.NotFound, Msg: "alert " + in.ID + " does not exist", Hint: "GET /api/v1/alerts lists those of the last days"}
	}
	return tagged(in.Conditional, alertOf(a))
}

func alertOf(a projection.Alert) Alert {
	return Alert{ID: a.AlertID, SLO: a.SLO, Group: a.Group, Service: a.Service, Rule: a.Rule, Severity: a.Severity, From: a.StartsAt, To: moment(a.To),
		Ended: a.How, Factor: a.Factor, Query: a.Query, Long: a.Long, Short: a.Short, Seq: a.Seq, EndSeq: a.EndSeq}
}

// moment is nil for the zero time.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
