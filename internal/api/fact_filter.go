package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// FactFilter are the conditions on facts in a query.
type FactFilter struct {
	Kind    []string `query:"kind" maxItems:"64" doc:"Kinds, separated by commas, such as alert.fired"`
	About   string   `query:"about" maxLength:"300" doc:"Such as slo:checkout-availability"`
	By      string   `query:"by" maxLength:"300" doc:"Such as user:ana or evaluator:slo"`
	Words   string   `query:"words" maxLength:"300" doc:"Words that each occur in kind, subject, author or body"`
	From    string   `query:"from" doc:"Happened at or after; RFC 3339, a day, or an age such as 7d"`
	To      string   `query:"to" doc:"Happened before"`
	KnownAt string   `query:"knownAt" doc:"Only what was recorded by then"`
}

// filter reads the conditions; every wrong one is named.
func (f FactFilter) filter(now time.Time) (ledger.Filter, error) {
	out := ledger.Filter{About: event.Ref(f.About), By: f.By, Words: strings.Fields(f.Words)}
	e := &kit.Error{Code: kit.Invalid, Msg: wrongValues}
	for _, k := range f.Kind {
		out.Kinds = append(out.Kinds, event.Kind(k))
	}
	for _, t := range []struct {
		name, text string
		to         *time.Time
	}{{"from", f.From, &out.At.From}, {"to", f.To, &out.At.To}, {"knownAt", f.KnownAt, &out.KnownAt}} {
		if t.text == "" {
			continue
		}
		var err error
		if *t.to, err = kit.ParseTime(t.text, now); err != nil {
			e.Fields = append(e.Fields, kit.Field{Path: "query." + t.name, Msg: err.Error()})
		}
	}
	if len(e.Fields) > 0 {
		return out, e
	}
	if !out.At.From.IsZero() && !out.At.To.IsZero() && !out.At.From.Before(out.At.To) {
		return out, queryError("from", fmt.Errorf("must be before to"))
	}
	return out, nil
}

// factFilter reads the conditions and names kinds that neither this program nor the ledger knows.
func (s *server) factFilter(ctx context.Context, in FactFilter) (ledger.Filter, error) {
	f, err := in.filter(s.Now())
	if err != nil {
		return f, err
	}
	known := event.Kinds()
	strange := func(k event.Kind) bool { return !slices.Contains(known, k) }
	if !slices.ContainsFunc(f.Kinds, strange) {
		return f, nil
	}
	st, err := s.Ledger.Stats(ctx) // a newer program may have recorded them
	if err != nil {
		return f, err
	}
	for _, k := range st.Kinds {
		known = append(known, k.Kind)
	}
	e := &kit.Error{Code: kit.Invalid, Msg: wrongValues}
	for _, k := range f.Kinds {
		if strange(k) {
			e.Fields = append(e.Fields, kit.Field{Path: "query.kind", Msg: fmt.Sprintf("%q is no kind of fact; write such as alert.fired. GET /api/v1/ledger counts the kinds there are", k)})
		}
	}
	if len(e.Fields) > 0 {
		return f, e
	}
	return f, nil
}
