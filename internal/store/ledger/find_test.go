package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// beat is a fact of a kind, subject and actor, that happened at a minute and was recorded by the clock.
func beat(n int, by string, about event.Ref, minute int) event.Event {
	return event.Event{At: noon.Add(time.Duration(minute) * time.Minute), By: by, About: about, Key: fmt.Sprint("beat", n),
		Fact: &event.EvaluatorBeat{Evaluator: "burn"}}
}

func TestFindSelectsAndPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := noon
		l := open(t, d, ledger.Options{Now: func() time.Time { return now }})
		// Facts 1 to 6 are recorded a minute apart; 2 and 4 tell of earlier times.
		for i, e := range []event.Event{
			beat(1, "user:ana", "slo:a", 0), beat(2, "user:ben", "slo:a", -60), gap("g"),
			beat(4, "user:ana", "slo:b", -30), beat(5, "user:ana", "slo:a", 4), amend(3, "late"),
		} {
			now = noon.Add(time.Duration(i) * time.Minute)
			add(t, l, e)
		}
		minutes := func(from, to int) kit.Range {
			return kit.Range{From: noon.Add(time.Duration(from) * time.Minute), To: noon.Add(time.Duration(to) * time.Minute)}
		}
		for name, c := range map[string]struct {
			f    ledger.Filter
			want []int64
		}{
			"all, newest first":          {ledger.Filter{}, []int64{6, 5, 4, 3, 2, 1}},
			"a kind":                     {ledger.Filter{Kinds: []event.Kind{"evaluator.beat"}}, []int64{5, 4, 2, 1}},
			"two kinds":                  {ledger.Filter{Kinds: []event.Kind{"source.gap", "event.amended"}}, []int64{6, 3}},
			"a subject":                  {ledger.Filter{About: "slo:a"}, []int64{5, 2, 1}},
			"an actor and a subject":     {ledger.Filter{About: "slo:a", By: "user:ana"}, []int64{5, 1}},
			"by when it happened":        {ledger.Filter{At: minutes(-60, 0)}, []int64{3, 4, 2}},
			"a kind, in an hour":         {ledger.Filter{Kinds: []event.Kind{"evaluator.beat"}, At: minutes(-60, 0)}, []int64{4, 2}},
			"two kinds, in 90 days":      {ledger.Filter{Kinds: []event.Kind{"evaluator.beat", "source.gap"}, At: minutes(-90*1440, 2)}, []int64{1, 3, 4, 2}},
			"happened since":             {ledger.Filter{At: kit.Range{From: noon}}, []int64{6, 5, 1}},
			"as known two minutes in":    {ledger.Filter{KnownAt: noon.Add(2 * time.Minute)}, []int64{3, 2, 1}},
			"happened then, known later": {ledger.Filter{At: minutes(-61, -20), KnownAt: noon.Add(2 * time.Minute)}, []int64{2}},
			"a word of the body":         {ledger.Filter{Words: []string{"BURN"}}, []int64{5, 4, 2, 1}},
			"words of several places":    {ledger.Filter{Words: []string{"beat", "ana", "slo:a"}}, []int64{5, 1}},
			"a word and a time":          {ledger.Filter{Words: []string{"burn"}, At: minutes(-60, 1)}, []int64{1, 4, 2}},
			"a wildcard is no wildcard":  {ledger.Filter{Words: []string{"b%n"}}, nil},
			"nor is an underscore":       {ledger.Filter{Words: []string{"b_rn"}}, nil},
			"known before all":           {ledger.Filter{KnownAt: noon.Add(-time.Second)}, nil},
		} {
			for _, limit := range []int{0, 1, 2} { // pages of any size give the same list
				c.f.Limit, c.f.Before = limit, ledger.Cursor{}
				var got []int64
				for more := true; more; {
					page, err := l.Find(t.Context(), c.f)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					for _, e := range page.Events {
						got = append(got, e.Seq)
					}
					more, c.f.Before = page.More, page.Next
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("%s, pages of %d: %s", name, limit, diff)
				}
			}
		}
		page, err := l.Find(t.Context(), ledger.Filter{Limit: 1})
		if err != nil || page.Events[0].Fact.(*event.EventAmended).Reason.Plain() != "late" {
			t.Errorf("free text of a page: %v %+v", err, page)
		}
		if _, err := l.Find(t.Context(), ledger.Filter{Limit: 1001}); kit.CodeOf(err) != kit.Invalid {
			t.Errorf("got %v", err)
		}
	})
}

func TestAChainRunsToBothSides(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		l := open(t, d, ledger.Options{})
		cause := func(n int, causes ...int64) event.Event {
			e := gap(fmt.Sprint(n))
			e.Cause = causes
			return e
		}
		// 1 -> 2 -> 4 -> 5, 1 -> 3 -> 4, 6 apart
		for _, e := range []event.Event{cause(1), cause(2, 1), cause(3, 1), cause(4, 2, 3), cause(5, 4), cause(6)} {
			add(t, l, e)
		}
		seqs := func(es []event.Event) (out []int64) {
			for _, e := range es {
				out = append(out, e.Seq)
			}
			return out
		}
		for seq, want := range map[int64][2][]int64{
			1: {nil, {2, 3, 4, 5}}, 3: {{1}, {4, 5}}, 4: {{1, 2, 3}, {5}}, 5: {{1, 2, 3, 4}, nil}, 6: {nil, nil},
		} {
			causes, effects, err := l.Chain(t.Context(), seq)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, [2][]int64{seqs(causes), seqs(effects)}); diff != "" {
				t.Errorf("fact %d: %s", seq, diff)
			}
		}
		if _, _, err := l.Chain(t.Context(), 7); kit.CodeOf(err) != kit.NotFound {
			t.Errorf("got %v", err)
		}
	})
}

func TestStatsCountKindsAndRates(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := noon.Add(-30 * time.Hour)
		l := open(t, d, ledger.Options{Now: func() time.Time { return now }})
		if s, err := l.Stats(t.Context()); err != nil || s.Head.Seq != 0 || len(s.Kinds) != 0 || !s.FirstAt.IsZero() {
			t.Fatalf("empty: %v %+v", err, s)
		}
		add(t, l, gap("a"))
		now = noon.Add(-2 * time.Hour)
		add(t, l, gap("b"), gap("c"))
		now = noon.Add(-time.Minute)
		add(t, l, beat(1, "evaluator:burn", "", 0))
		now = noon
		s, err := l.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if s.LastHour != 1 || s.LastDay != 3 || s.Bytes == 0 || !s.FirstSeen.Equal(noon.Add(-30*time.Hour)) || !s.LastAt.Equal(noon) {
			t.Errorf("%+v", s)
		}
		want := []ledger.KindStats{
			{Kind: "source.gap", Facts: 3, LastSeq: 3, FirstAt: noon.Add(-time.Minute), LastAt: noon.Add(-time.Minute)},
			{Kind: "evaluator.beat", Facts: 1, LastSeq: 4, FirstAt: noon, LastAt: noon},
		}
		if diff := cmp.Diff(want, s.Kinds); diff != "" {
			t.Error(diff)
		}
		days, err := l.Days(t.Context(), noon)
		if err != nil {
			t.Fatal(err)
		}
		day := noon.Truncate(24 * time.Hour)
		if diff := cmp.Diff([]ledger.DayStats{{Day: day, Kind: "evaluator.beat", Facts: 1}, {Day: day, Kind: "source.gap", Facts: 2}}, days); diff != "" {
			t.Error(diff)
		}
	})
}
