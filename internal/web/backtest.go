package web

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

// backtestView is the back-test section of an objective.
type backtestView struct {
	Backtest
	Said   string
	Rows   []backtestRow
	Form   backtestForm
	Wrong  string
	Asked  bool
	Caught string
	Range  string
}

type backtestRow struct {
	BacktestRow
	Picked bool
}

// backtestForm is the policy a person wants to try: up to two pairs.
type backtestForm struct {
	Factor1, Long1, Short1 string
	Factor2, Long2, Short2 string
	Days                   string
}

// loadBacktest runs it when the page is asked for it; it takes a moment, so it is not part of every view.
func loadBacktest(ctx context.Context, s Sources, b Base, d ObjectiveDetail) (*backtestView, error) {
	v := &backtestView{Form: formOf(b, d), Asked: b.Query("backtest") != ""}
	if !v.Asked {
		return v, nil
	}
	ask, err := readPolicy(v.Form)
	if err != nil {
		v.Wrong = sentenceOf(err)
		return v, nil
	}
	if !b.asksForPolicy() {
		ask.Pairs = nil // nothing was typed: the one in force is tried anyway
	}
	ask.SLO = d.Objective.Name
	if v.Backtest, err = s.Backtest(ctx, ask); err != nil {
		if kit.CodeOf(err) == kit.Internal {
			return nil, err
		}
		v.Wrong = sentenceOf(err)
		return v, nil
	}
	for i, r := range v.Backtest.Rows {
		v.Rows = append(v.Rows, backtestRow{r, i == v.Pick})
	}
	v.Said = v.Backtest.sentence()
	v.Range = b.When.Span(v.Backtest.Range)
	return v, nil
}

// asksForPolicy says whether the address holds a policy of its own.
func (b Base) asksForPolicy() bool {
	for _, key := range []string{"f1", "l1", "s1", "f2", "l2", "s2"} {
		if b.URL.Query().Has(key) {
			return true
		}
	}
	return false
}

// sentence says what the policy in force would have done.
func (t Backtest) sentence() string {
	days := int(t.Range.Len().Hours()/24 + 0.5)
	for _, r := range t.Rows {
		if !r.InForce {
			continue
		}
		out := fmt.Sprintf("The policy in force would have paged %s in %d days", times(r.Pages), days)
		if t.Incidents > 0 {
			out += fmt.Sprintf(" and caught %d of %s", r.Caught, kit.Plural(t.Incidents, "incident", "incidents"))
			if r.Caught > 0 {
				out += ", after a median of " + kit.Duration(r.Median.Round(time.Minute))
			}
		}
		out += "."
		switch {
		case t.Incidents > 0 && r.Nothing == 1:
			out += " One page was for nothing."
		case t.Incidents > 0 && r.Nothing > 1:
			out += fmt.Sprintf(" %d pages were for nothing.", r.Nothing)
		}
		return out
	}
	return ""
}

func times(n int) string {
	switch n {
	case 0:
		return "not once"
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return strconv.Itoa(n) + " times"
}

// formOf fills the form with what was asked, or with the pages' pairs in force.
func formOf(b Base, d ObjectiveDetail) backtestForm {
	f := backtestForm{Factor1: "14.4", Long1: "1h", Short1: "5m", Factor2: "6", Long2: "6h", Short2: "30m", Days: "30"}
	n := 0
	for _, r := range d.Rules {
		if r.Severity != "page" || r.Factor <= 0 || n > 1 {
			continue
		}
		factor := strconv.FormatFloat(r.Factor, 'g', 4, 64)
		if n++; n == 1 {
			f.Factor1, f.Long1, f.Short1 = factor, rangeText(r.Long.Len), rangeText(r.Short.Len)
		} else {
			f.Factor2, f.Long2, f.Short2 = factor, rangeText(r.Long.Len), rangeText(r.Short.Len)
		}
	}
	if n == 1 {
		f.Factor2, f.Long2, f.Short2 = "", "", ""
	}
	for _, p := range []struct {
		key string
		to  *string
	}{{"f1", &f.Factor1}, {"l1", &f.Long1}, {"s1", &f.Short1}, {"f2", &f.Factor2}, {"l2", &f.Long2}, {"s2", &f.Short2}, {"days", &f.Days}} {
		if b.URL.Query().Has(p.key) {
			*p.to = b.Query(p.key)
		}
	}
	return f
}

// rangeText is a length as the form writes it, "5m", "6h", "3d".
func rangeText(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0 && d > 24*time.Hour:
		return strconv.Itoa(int(d/(24*time.Hour))) + "d"
	case d%time.Hour == 0:
		return strconv.Itoa(int(d/time.Hour)) + "h"
	}
	return strconv.Itoa(int(d/time.Minute)) + "m"
}

func readPolicy(f backtestForm) (BacktestAsk, error) {
	var ask BacktestAsk
	days, err := strconv.Atoi(f.Days)
	if err != nil || days < 1 || days > 400 {
		return ask, kit.Errorf(kit.Invalid, "days must be a whole number from 1 to 400, such as 30")
	}
	ask.Days = days
	for i, p := range [][3]string{{f.Factor1, f.Long1, f.Short1}, {f.Factor2, f.Long2, f.Short2}} {
		if strings.Join(p[:], "") == "" {
			continue
		}
		factor, err := strconv.ParseFloat(p[0], 64)
		if err != nil || !(factor > 0) || factor > 1e5 {
			return ask, kit.Errorf(kit.Invalid, "pair %d: the factor must be a positive number, such as 14.4", i+1)
		}
		long, err1 := parseRange(p[1])
		short, err2 := parseRange(p[2])
		if err1 != nil || err2 != nil || short >= long {
			return ask, kit.Errorf(kit.Invalid, "pair %d: windows must be lengths such as 1h and 5m, the short one shorter", i+1)
		}
		ask.Pairs = append(ask.Pairs, slo.Pair{Name: fmt.Sprintf("try-%d", i+1), Severity: "page", Factor: factor, Long: long, Short: short})
	}
	return ask, nil
}
