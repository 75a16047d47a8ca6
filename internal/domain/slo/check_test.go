package slo

import (
	"strings"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

func mustPlan(t testing.TB, o Objective) *Plan {
	t.Helper()
	p, err := NewPlan(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func parseTime(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func sound() Objective {
	return Objective{Name: "o", Tier: 1, Target: MustDecimal("0.999"), Window: Window{Rolling: 28 * 24 * time.Hour}}
}

func TestEachRefusalNamesItsRule(t *testing.T) {
	pair := func(p Pair) func(*Objective) { return func(o *Objective) { o.Pairs = []Pair{p} } }
	parts := func(kind string, ps ...Part) func(*Objective) {
		return func(o *Objective) { o.Composite = &Composite{kind, ps} }
	}
	for name, c := range map[string]struct {
		edit func(*Objective)
		rule string
		says string
	}{
		"target 1":            {func(o *Objective) { o.Target = MustDecimal("1") }, "slo-target", "leaves no error budget"},
		"13 digits":           {func(o *Objective) { o.Target = MustDecimal("0.9999999999999") }, "slo-target", "more than 12 fraction digits"},
		"no target":           {func(o *Objective) { o.Target = Decimal{} }, "slo-target", "missing"},
		"half a minute":       {func(o *Objective) { o.Window.Rolling = 90 * time.Second }, "slo-window", "not a positive multiple"},
		"two windows":         {func(o *Objective) { o.Window.Unit = "day" }, "slo-window", "both rolling and calendar"},
		"unknown zone":        {func(o *Objective) { o.Window = Window{Unit: "day", Count: 1, Zone: "Europe/Atlantis"} }, "slo-window", "Atlantis"},
		"anchor with seconds": {func(o *Objective) { o.Window = Window{Unit: "day", Count: 1, Anchor: "2026-01-01T00:00:30"} }, "slo-window", "whole minutes"},
		"slice of 7 minutes": {func(o *Objective) {
			o.Method, o.Slice, o.SliceTarget = Timeslices, 7*time.Minute, MustDecimal("0.9")
		}, "slo-slice", "divides the hour"},
		"slice target 0": {func(o *Objective) { o.Method, o.Slice, o.SliceTarget = Timeslices, time.Minute, MustDecimal("0") }, "slo-slice", "slice target 0"},
		"weight 0":       {parts(Pooled, Part{Name: "a"}), "slo-weight", "not above 0"},
		"weighted slices": {func(o *Objective) {
			o.Method, o.Slice, o.SliceTarget = Timeslices, time.Minute, MustDecimal("0.9")
			parts(AnySlice, Part{Name: "a", Weight: 2})(o)
		}, "slo-weight", "has no meaning"},
		"long below short": {pair(Pair{Name: "p", Severity: Page, Spend: 0.1, Long: time.Minute, Short: time.Hour}), "slo-alerts", "longer than the long one"},
		"factor below 1":   {pair(Pair{Name: "p", Severity: Page, Factor: 0.5, Long: time.Hour, Short: time.Minute}), "slo-alerts", "below 1"},
		"no policy known":  {func(o *Objective) { o.NoData = "maybe" }, "slo-no-data", "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			o := sound()
			c.edit(&o)
			_, err := NewPlan(o, nil)
			if kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("plan: %v, want %q", err, c.says)
			}
			for _, p := range o.Check() {
				if p.Severity == kit.SeverityError && p.Rule == c.rule && strings.Contains(p.Msg, c.says) {
					return
				}
			}
			t.Errorf("check: %v, want %s: %q", o.Check(), c.rule, c.says)
		})
	}
}

func TestVersionsMustRise(t *testing.T) {
	o := sound()
	_, err := NewPlan(o, []Version{{5, o.Target}, {5, o.Target}})
	if err == nil || !strings.Contains(err.Error(), "does not begin after") {
		t.Fatal(err)
	}
}

func TestAPairThatNoOutageExceedsIsAnErrorWhereSomebodyWroteIt(t *testing.T) {
	o := sound()
	o.Target, o.Window.Rolling = MustDecimal("0.93"), 30*24*time.Hour
	var notes []string
	for _, p := range o.Check() {
		notes = append(notes, string(p.Severity)+" "+p.String())
	}
	if len(notes) != 1 || !strings.HasPrefix(notes[0], "note ") || !strings.Contains(notes[0], "page-1h is left out: even a total outage burns only 14.29x") {
		t.Errorf("default pairs: %q", notes)
	}
	o.Pairs = []Pair{{Name: "mine", Severity: Page, Factor: 14.4, Long: time.Hour, Short: 5 * time.Minute}}
	ps := o.Check()
	if len(ps) != 2 || ps[0].Severity != kit.SeverityError || ps[0].Remedy != "use a factor below 14.29" || !strings.Contains(ps[1].Msg, "no burn-rate rule can page") {
		t.Errorf("own pair: %v", ps)
	}
	if _, err := NewPlan(o, nil); err != nil {
		t.Errorf("an objective whose alerts cannot work still counts: %v", err)
	}
}

func TestGroupsOverTheLimitAreRefusedByName(t *testing.T) {
	o := sound()
	o.GroupBy, o.MaxGroups = []string{"region"}, 1
	c := NewCounter(mustPlan(t, o), 0, benchStart, 0)
	for i, region := range []string{"eu", "us"} {
		_, err := c.Series(SeriesKey{Role: RoleTotal, Labels: []kit.Label{{Name: "region", Value: region}}})
		if i == 0 && err != nil || i == 1 && (kit.CodeOf(err) != kit.TooLarge || !strings.Contains(err.Error(), `group "us" is refused`)) {
			t.Errorf("%s: %v", region, err)
		}
	}
}
