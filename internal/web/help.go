package web

import (
	"context"
	"net/http"
)

var helpPage = Page{Route: "GET /help", Tmpl: "help.html", View: helpView{}, Load: loadHelp}

type helpView struct {
	Base
	Go     []option // key and section
	States []stateHelp
}

type stateHelp struct {
	State State
	Means string
}

func loadHelp(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := helpView{Base: base(ctx, s, r), States: stateHelps}
	for _, p := range sectionKeys {
		v.Go = append(v.Go, option{Value: p[0], Label: p[1]})
	}
	return v, nil
}

// sectionKeys are the letters behind "g"; a test holds them against All.
var sectionKeys = [][2]string{{"n", "Now"}, {"s", "Services"}, {"o", "Objectives"}, {"e", "Explore"}, {"d", "Estate"}, {"l", "Ledger"}, {"f", "Organisation"}, {"y", "System"}}

var stateHelps = []stateHelp{
	{Paging, "A page is open: at this rate the budget is gone within hours or days. Somebody is needed now."},
	{Spent, "More failed in the window than the objective allows."},
	{Burning, "Over the last hour the budget burned faster than 1×: it would not last the window."},
	{Ticketed, "A slow loss that will spend the budget within days. Somebody is needed in working hours."},
	{NoData, "Nothing is known: the source is silent or nothing matches. What such time counts as is part of the objective."},
	{Steady, "The budget burns at 1× or slower."},
	{Young, "Too few events for a verdict; the value is shown and nothing fires."},
	{Paused, "Evaluation is paused by its definition."},
	{Unset, "Nobody has agreed how much may fail."},
}
