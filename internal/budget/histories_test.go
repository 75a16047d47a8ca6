package budget_test

import (
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// A past that is kept from look to look must say what one that is read anew says, whatever happened in between.
func TestAPastLookedAtAgainFollowsNewMinutesLateSamplesAndCorrections(t *testing.T) {
	o := cart()
	o.Window.Rolling = 3 * time.Hour
	s := newShop(t, o)
	s.minutes(400, 1, false)
	s.start()
	s.round(s.at)
	look := func(what string) {
		t.Helper()
		for _, from := range []time.Time{s.at.Add(-6 * time.Hour), s.at.Add(-time.Hour), s.at.Add(-20 * time.Hour)} {
			got, err := s.engine.Series(t.Context(), o.Name, "", from, s.at, 5*time.Minute, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Points) < 10 {
				t.Fatalf("%s: %d points", what, len(got.Points))
			}
			for _, p := range got.Points {
				want, err := s.engine.At(t.Context(), o.Name, "", p.At, s.at)
				if err != nil {
					t.Fatal(err)
				}
				if p.Remaining != want.Remaining || p.Burn[0] != burnOver(want, time.Hour) {
					t.Fatalf("%s: at %v %v remains, burning %v; want %v, %v", what, p.At, p.Remaining, p.Burn[0], want.Remaining, burnOver(want, time.Hour))
				}
			}
		}
	}
	look("the first time")
	look("again in the same minute")
	s.minutes(17, 3, true)
	look("after some rounds")
	s.quiet = true
	s.minutes(4, 0, true)
	s.quiet = false
	s.minutes(3, 2, true)
	look("after a gap")
	s.src.arrive(s.bad, metric.Point{T: s.at.Add(-5*time.Minute - 10*time.Second).UnixMilli(), V: s.bads - 5})
	s.minutes(2, 2, true)
	look("after a late sample")
	s.facts.record(t, &event.BudgetCorrected{SLO: o.Name, CorrectionID: "c1", From: s.at.Add(-2 * time.Hour), To: s.at.Add(-time.Hour), Effect: string(slo.Exclude)}, s.at)
	s.minutes(2, 1, true)
	look("after a correction")
	s.facts.record(t, &event.BudgetCorrected{SLO: o.Name, CorrectionID: "c1", Revoked: true}, s.at)
	s.minutes(2, 1, true)
	look("after it was taken back")
	s.objs[0].Target = slo.MustDecimal("0.95")
	s.engine.Apply(s.objs, nil)
	s.minutes(40, 1, true)
	look("after a new target, through a fold")
}

func burnOver(b slo.Budget, w time.Duration) float64 {
	for _, x := range b.Burns {
		if x.Window == w {
			return x.Burn
		}
	}
	return -1
}

// BenchmarkSeries charges the charts of an objective's page: the first look after a restart, and one after each round.
func BenchmarkSeries(b *testing.B) {
	s := newShop(b, cart())
	s.minutes(60*1440, 1, false)
	s.opt.History = 60 * 24 * time.Hour
	s.start()
	s.round(s.at)
	page := func() {
		for _, x := range []struct{ back, step time.Duration }{{28 * 24 * time.Hour, 2 * time.Hour}, {6 * time.Hour, time.Minute}, {24 * time.Hour, 5 * time.Minute}} {
			if _, err := s.engine.Series(b.Context(), "cart-availability", "", s.at.Add(-x.back), s.at, x.step, time.Hour, 6*time.Hour); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			s.start()
			s.minutes(1, 1, true)
			begun := cpu()
			page()
			b.ReportMetric((cpu()-begun).Seconds()*1000, "cpu-ms")
		}
	})
	b.Run("next", func(b *testing.B) {
		page()
		spent := time.Duration(0)
		for b.Loop() {
			s.minutes(1, 1, true)
			begun := cpu()
			page()
			spent += cpu() - begun
		}
		b.ReportMetric(spent.Seconds()*1000/float64(b.N), "cpu-ms")
	})
}
