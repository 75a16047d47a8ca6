package budget_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/prometheus/model/labels"

	"evenkeel.dev/evenkeel/internal/budget"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func cart() slo.Objective {
	return slo.Objective{Name: "cart-availability", Service: "cart", Tier: 1, Target: slo.MustDecimal("0.99"), Window: slo.Window{Rolling: 28 * 24 * time.Hour},
		Indicator: slo.Indicator{Kind: slo.BadTotal,
			Total: slo.Query{Terms: []slo.Term{{Selector: "requests_total", Factor: 1}}},
			Bad:   slo.Query{Terms: []slo.Term{{Selector: `requests_total{code="500"}`, Factor: 1}}}}}
}

// shop is a rig whose service counts 100 requests a minute, some of them bad.
type shop struct {
	*rig
	good, bad   *fakeSeries
	goods, bads float64
	at          time.Time
	quiet       bool
}

func newShop(t testing.TB, o ...slo.Objective) *shop {
	r := newRig(t, dbtest.Open(t, dbtest.SQLite(t)), o...)
	s := &shop{rig: r, at: noon}
	base := labels.FromStrings("__name__", "requests_total", "job", "cart", "instance", "a")
	s.good = r.src.add(labels.NewBuilder(base).Set("code", "200").Labels())
	s.bad = r.src.add(labels.NewBuilder(base).Set("code", "500").Labels())
	return s
}

// minutes lets n minutes pass with a number of bad requests in each, scraped in the middle.
func (s *shop) minutes(n int, bad float64, evaluate bool) {
	s.t.Helper()
	for range n {
		s.goods, s.bads = s.goods+100-bad, s.bads+bad
		if at := s.at.Add(30 * time.Second).UnixMilli(); !s.quiet {
			s.src.arrive(s.good, metric.Point{T: at, V: s.goods})
			s.src.arrive(s.bad, metric.Point{T: at, V: s.bads})
		}
		s.at = s.at.Add(time.Minute)
		if evaluate {
			s.round(s.at)
		}
	}
}

func (s *shop) budget() slo.Budget {
	s.t.Helper()
	o := s.engine.Now().Objectives[0]
	if len(o.Groups) != 1 {
		s.t.Fatalf("%d groups; problems %v", len(o.Groups), s.engine.Now().Problems)
	}
	return o.Groups[0].Budget
}

func TestANewObjectiveCountsItsWholeWindowAndWhatIsOlderFromAnAgreedBeginOn(t *testing.T) {
	const days = 50
	for name, c := range map[string]struct {
		window int // days
		start  time.Time
		want   float64 // events in the window
		since  time.Time
	}{
		"a window longer than what is read of any": {90, time.Time{}, (days*1440 - 1) * 100, noon},
		"an agreed begin before all samples":       {90, noon.AddDate(0, 0, -20), (days*1440 - 1) * 100, noon.AddDate(0, 0, -20)},
		"an agreed begin among the samples":        {90, noon.AddDate(0, 0, 10), 40 * 1440 * 100, noon.AddDate(0, 0, 10)},
		"a short window, an agreed begin":          {7, noon.AddDate(0, 0, 2), 7 * 1440 * 100, noon.AddDate(0, 0, 2)},
	} {
		o := cart()
		o.Window.Rolling, o.Start = time.Duration(c.window)*24*time.Hour, c.start
		s := newShop(t, o)
		s.minutes(days*1440, 1, false)
		s.start()
		s.round(s.at)
		b, g := s.budget(), s.engine.Now().Objectives[0].Groups[0]
		if b.Total != c.want || !g.Since.Equal(c.since) {
			t.Errorf("%s: %v events, since %v; want %v, %v", name, b.Total, g.Since, c.want, c.since)
		}
		bad, total, _, _, err := s.engine.Sums(t.Context(), o.Name, "", noon, s.at)
		if from := max(0, c.start.Sub(noon)); err != nil || total < (days*1440-from.Minutes()-1)*100 || bad == 0 {
			t.Errorf("%s: %v of %v events in all, %v", name, bad, total, err)
		}
	}
}

func TestANewObjectiveCountsTheHistoryThatIsThere(t *testing.T) {
	s := newShop(t, cart())
	s.minutes(3*1440, 1, false)
	s.start()
	s.round(s.at)
	// The first sample is the baseline of its series.
	if b := s.budget(); b.Total != (3*1440-1)*100 || b.Bad != 3*1440-1 || !b.From.Time().Equal(noon) {
		t.Fatalf("%v bad of %v since %v", b.Bad, b.Total, b.From.Time())
	}
	if p := s.engine.Now().Objectives[0].Proof; p == nil || !p.Fires {
		t.Fatalf("proof %+v", p)
	}
	if len(s.facts.of("alert.fired")) != 0 {
		t.Fatal("history made alerts")
	}
	if n := len(s.facts.of("measure.closed")); n != 3 { // noon to noon: three midnights
		t.Fatalf("%d days closed", n)
	}
}

func TestAnOutagePagesOnceAndRestartsAddNothing(t *testing.T) {
	s := newShop(t, cart())
	s.start()
	s.minutes(90, 0, true)
	s.minutes(10, 100, true)
	fired := len(s.facts.of("alert.fired"))
	if fired == 0 || s.engine.Now().Objectives[0].State() != budget.Paging {
		t.Fatalf("%d alerts, %v", fired, s.engine.Now().Objectives[0].State())
	}
	for range 3 {
		s.start()
		s.round(s.at) // the last tick once more
		s.minutes(1, 100, true)
	}
	if n := len(s.facts.of("alert.fired")); n != fired {
		t.Fatalf("%d alerts before restarts, %d after", fired, n)
	}
	before := len(s.facts.events)
	other := *s.rig // a second leader that concludes the same
	other.start()
	other.round(s.at)
	if n := len(s.facts.events); n != before {
		t.Fatalf("a second evaluator added %d facts: %v", n-before, s.facts.events[before:])
	}
	s.start()
	s.minutes(200, 0, true)
	ended := s.facts.of("alert.ended")
	if len(ended) == 0 || len(ended[0].Cause) != 1 || s.facts.events[ended[0].Cause[0]-1].Kind != "alert.fired" {
		t.Fatalf("ended %+v", ended)
	}
	f := s.facts.of("alert.fired")[0].Fact.(*event.AlertFired)
	if f.Long == nil || f.Long.Burn <= f.Factor || !strings.Contains(f.Query, `requests_total{code="500"}`) {
		t.Fatalf("alert without its evidence: %+v", f)
	}
}

func TestASourceThatIsAwayIsAGapAndIsReadWhenItAnswers(t *testing.T) {
	s := newShop(t, cart())
	s.remote = true
	s.start()
	s.minutes(60, 1, true)
	s.src.down = true
	s.minutes(30, 1, true)
	if g := s.engine.Now().Gaps; len(g) != 1 || g[0].Reason == "" {
		t.Fatalf("gaps %+v", g)
	}
	s.start() // and a restart in between
	s.minutes(5, 1, true)
	s.src.down = false
	s.minutes(1, 1, true)
	if b := s.budget(); b.Bad != 95 && b.Bad != 96 {
		t.Fatalf("%v bad of %v", b.Bad, b.Total)
	}
	gaps := s.facts.of("source.gap")
	var of []string
	for _, g := range gaps {
		if g.About == "source:metrics" {
			of = append(of, g.Fact.(*event.SourceGap).To.Format("15:04"))
		}
	}
	if d := cmp.Diff([]string{"00:00", s.at.Format("15:04")}, of); d != "" {
		t.Fatal(d)
	}
}

func TestAnEditedTargetLeavesHistoryAloneAndANewIndicatorCountsFromNow(t *testing.T) {
	s := newShop(t, cart())
	s.start()
	s.minutes(60, 1, true)
	tight := cart()
	tight.Target = slo.MustDecimal("0.999")
	s.engine.Apply([]slo.Objective{tight}, nil)
	s.minutes(60, 1, true)
	b := s.budget()
	// The minute that had passed when the edit came still counts under the old target.
	if want := 6000*.01 + 5900*.001; math.Abs(b.Allowed-want) > 1e-6 {
		t.Fatalf("allowed %v, want %v", b.Allowed, want)
	}
	all := tight
	all.Indicator.Bad.Terms = []slo.Term{{Selector: `requests_total`, Factor: 1}}
	s.engine.Apply([]slo.Objective{all}, nil)
	s.minutes(10, 1, true)
	if got := s.budget().Bad; got < 119+900 || got > 119+1100 {
		t.Fatalf("%v bad: history before the edit stays, all after is bad", got)
	}
	s.objs = []slo.Objective{all}
	s.start()
	s.minutes(1, 1, true)
	if got := s.budget().Bad; got < 119+1000 || got > 119+1200 {
		t.Fatalf("%v bad after a restart", got)
	}
}

func TestARemovedObjectiveEndsItsAlerts(t *testing.T) {
	s := newShop(t, cart())
	s.start()
	s.minutes(90, 0, true)
	s.minutes(10, 100, true)
	s.engine.Apply(nil, nil)
	s.minutes(1, 100, true)
	fired, ended := s.facts.of("alert.fired"), s.facts.of("alert.ended")
	if len(fired) == 0 || len(fired) != len(ended) || ended[0].Fact.(*event.AlertEnded).How != "removed" {
		t.Fatalf("%d fired, %d ended", len(fired), len(ended))
	}
}

func TestAnObjectiveThatMatchesNothingSaysSo(t *testing.T) {
	o := cart()
	o.Indicator.Total.Terms[0].Selector = "request_total"
	o.Indicator.Bad.Terms[0].Selector = `request_total{code="500"}`
	s := newShop(t, o)
	s.start()
	s.minutes(3, 1, true)
	proved := s.facts.of("alert.proved")
	if len(proved) != 1 || proved[0].Fact.(*event.AlertProved).Problem != "no series matches request_total" {
		t.Fatalf("%+v", proved)
	}
	if st := s.engine.Now().Objectives[0].State(); st != budget.NoData {
		t.Fatal(st)
	}
}

func TestALedgerThatRefusesLosesNoConclusion(t *testing.T) {
	s := newShop(t, cart())
	s.start()
	s.minutes(90, 0, true)
	s.facts.down = true
	for range 10 {
		s.minutes(1, 100, false)
		if err := s.engine.Round(t.Context(), s.at, nil); err == nil {
			continue
		}
	}
	if len(s.facts.of("alert.fired")) != 0 {
		t.Fatal("recorded while down")
	}
	s.start() // and the process dies
	s.facts.down = false
	s.minutes(1, 100, true)
	fired := s.facts.of("alert.fired")
	if len(fired) == 0 || fired[0].At.After(noon.Add(95*time.Minute)) {
		t.Fatalf("%+v", fired)
	}
}

func TestChartsAndBacktestsReadTheSameCounts(t *testing.T) {
	s := newShop(t, cart())
	s.minutes(2*1440, 0, false)
	s.minutes(60, 30, false)
	s.minutes(600, 0, false)
	s.start()
	s.round(s.at)
	points, err := s.engine.Series(t.Context(), "cart-availability", "", s.at.Add(-24*time.Hour), s.at, time.Hour, time.Hour)
	if err != nil || len(points.Points) != 24 {
		t.Fatal(len(points.Points), err)
	}
	bad := 0.0
	for _, p := range points.Points {
		bad += p.Bad
	}
	if last := points.Points[23]; bad != 1800 || math.Abs(last.Remaining-s.budget().Remaining) > 1e-12 {
		t.Fatalf("%v bad in the chart, remaining %v, %v", bad, last.Remaining, s.budget().Remaining)
	}
	outage := noon.Add(48 * time.Hour)
	q := slo.BacktestQuestion{From: slo.At(noon.Add(24 * time.Hour)), To: slo.At(s.at), Incidents: []slo.Incident{{From: slo.At(outage), To: slo.At(outage.Add(time.Hour))}}}.DefaultGrace()
	grid := []budget.Policy{{Name: "default"}, {Name: "slow", Pairs: []slo.Pair{{Name: "slow", Severity: slo.Page, Factor: 20, Long: 6 * time.Hour, Short: time.Hour}}}}
	stored, err := s.engine.Backtest(t.Context(), "cart-availability", "", q, grid...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := budget.Backtest(t.Context(), cart(), s.src, q, grid...)
	if err != nil || len(raw) != 1 {
		t.Fatal(raw, err)
	}
	if d := cmp.Diff(trials(stored), trials(raw[0])); d != "" || stored.Events != raw[0].Events || stored.Slots != raw[0].Slots {
		t.Fatal(d, stored.Events, raw[0].Events, stored.Slots, raw[0].Slots)
	}
	if first := stored.Trials[0]; first.Policy.Name != "default" || *first.Recall != 1 || *first.Precision != 1 || stored.Tradeoff == "" {
		t.Fatalf("%+v", first)
	}
}

func trials(v budget.Verdict) []string {
	var out []string
	for _, t := range v.Trials {
		out = append(out, t.Policy.Name)
		for _, p := range t.Pages {
			out = append(out, p.From.Time().String()+p.To.Time().String())
		}
	}
	return out
}

func TestLateSamplesReviseClosedDays(t *testing.T) {
	s := newShop(t, cart())
	s.start()
	s.minutes(11*60, 1, true)
	s.quiet = true
	held := s.at
	goods, bads := s.goods, s.bads
	s.minutes(30, 50, true) // the service goes on, nobody hears of it
	s.quiet = false
	s.minutes(90, 1, true)
	// Its samples of that half hour arrive an hour late.
	for i := range 30 {
		goods, bads = goods+50, bads+50
		at := held.Add(time.Duration(i)*time.Minute + 30*time.Second).UnixMilli()
		s.src.arrive(s.good, metric.Point{T: at, V: goods})
		s.src.arrive(s.bad, metric.Point{T: at, V: bads})
	}
	s.minutes(60, 1, true)
	bad, _, _, _, err := s.engine.Sums(t.Context(), "cart-availability", "", held, held.Add(30*time.Minute))
	if err != nil || bad != 1500 {
		t.Fatal(bad, err)
	}
	if b := s.budget(); b.Bad != s.bads-1 {
		t.Fatalf("%v bad, want %v", b.Bad, s.bads-1)
	}
}

func TestACounterThatReturnsAfterADayOfSilenceStartsAnewAlsoAfterARestart(t *testing.T) {
	for name, restart := range map[string]bool{"running": false, "restarted": true} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, cart())
			s.src.arrive(s.bad, metric.Point{T: s.at.UnixMilli(), V: 50})
			s.start()
			s.silentBad(40)
			s.at = s.at.Add(30 * time.Hour) // nobody looks and nothing runs, the bad counter stands still
			s.silentBad(30)
			if restart {
				s.start()
			}
			s.silentBad(1)
			before := s.budget()
			s.bads = 60
			s.minutes(1, 0, true)
			s.minutes(1, 1, true)
			if got := s.budget().Bad - before.Bad; got != 1 {
				t.Fatalf("%v bad events, want the one after the return", got)
			}
			s.at = s.at.Add(time.Hour)
			s.minutes(1, 0, true)
			s.minutes(1440, 0, false) // a new count of the last day says the same
			s.round(s.at)
			if got := s.budget().Bad - before.Bad; got != 1 {
				t.Fatalf("%v bad events after a day", got)
			}
		})
	}
}

// silentBad lets minutes pass in which only the good series has samples.
func (s *shop) silentBad(n int) {
	s.t.Helper()
	for range n {
		s.goods += 100
		s.src.arrive(s.good, metric.Point{T: s.at.Add(30 * time.Second).UnixMilli(), V: s.goods})
		s.at = s.at.Add(time.Minute)
		s.round(s.at)
	}
}
