package kit

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestNumbersPrintAsTheDesignSays(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Percent(0.99954, 3), "99.954%"},
		{Percent(0.999999, 3), "99.999%"},
		{Percent(0.9999999, 3), "99.999%"},
		{Percent(1, 1), "100.0%"},
		{Percent(-0.124, 1), "−12.4%"},
		{Percent(-0.0001, 1), "0.0%"},
		{Percent(math.NaN(), 1), "–"},
		{Share(0.00012), "0.012%"},
		{Share(0.019), "1.9%"},
		{Share(0.42), "42%"},
		{Share(0), "0%"},
		{Share(0.99998), "99.998%"},
		{Count(1048213), "1,048,213"},
		{Count(9999999), "9,999,999"},
		{Count(12_400_000), "12.4 M"},
		{Count(-1234), "−1,234"},
		{Seq(1048201), "#1,048,201"},
		{Burn(4.23), "4.2×"},
		{Burn(97.4), "97×"},
		{Burn(9.96), "10×"},
		{Burn(0.24), "0.24×"},
		{Burn(0), "0×"},
		{Factor(14.4), "14.4×"},
		{Factor(6), "6×"},
		{Factor(0.1), "0.1×"},
		{Share(0.001), "0.1%"},
		{Number(0.012344), "0.01234"},
		{Number(512), "512"},
		{Number(12345.6), "12,346"},
		{Bytes(2_400_000), "2.4 MB"},
		{Bytes(186), "186 B"},
		{Duration(586 * time.Millisecond), "586 ms"},
		{Duration(48 * time.Second), "48 s"},
		{Duration(108 * time.Second), "1 min 48 s"},
		{Duration(5 * time.Minute), "5 min"},
		{Duration(46*time.Minute + 12*time.Second), "46 min"},
		{Duration(5*time.Hour + 58*time.Minute), "5 h 58 min"},
		{Duration(59*time.Minute + 45*time.Second), "1 h"},
		{Duration(12*24*time.Hour + 4*time.Hour), "12 d 4 h"},
		{Duration(28 * 24 * time.Hour), "28 d"},
		{Plural(1, "fact", "facts"), "1 fact"},
		{Plural(1200, "fact", "facts"), "1,200 facts"},
	} {
		if got := strings.ReplaceAll(c.got, nbsp, " "); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestTimesPrintInTheOrganisationsZone(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 22, 12, 32, 4, 0, time.UTC)
	w := When{Zone: zone, Now: now}
	night := func(h, m int) time.Time { return time.Date(2026, 10, 25, h, m, 0, 0, time.UTC) }
	for _, c := range []struct{ got, want string }{
		{w.Clock(now), "14:32"},
		{w.Second(now), "14:32:04"},
		{w.Clock(time.Date(2026, 10, 7, 7, 12, 0, 0, time.UTC)), "7 Oct 09:12"},
		{w.Clock(time.Date(2025, 10, 7, 7, 12, 0, 0, time.UTC)), "7 Oct 2025 09:12"},
		{w.Clock(night(0, 30)), "25 Oct 02:30 CEST"},
		{w.Clock(night(1, 30)), "25 Oct 02:30 CET"},
		{w.Clock(night(2, 30)), "25 Oct 03:30"},
		{w.Clock(time.Time{}), "–"},
		{w.Day(now), "22 Oct"},
		{w.Soon(now.Add(time.Hour)), "15:32"},
		{w.Soon(now.Add(5 * 24 * time.Hour)), "Tue 27 Oct"},
		{w.Ago(now.Add(-4 * time.Second)), "4 s ago"},
		{w.Ago(now.Add(-13 * time.Minute)), "13 min ago"},
		{w.Ago(now.Add(-2 * time.Hour)), "12:32"},
		{w.Span(Range{now, now.Add(35 * time.Minute)}), "14:32 to 15:07"},
		{w.Span(Range{From: now}), "since 14:32"},
		{w.ZoneText(), "Europe/Amsterdam (CEST, UTC+2)"},
		{When{Now: now}.ZoneText(), "UTC"},
		{w.ISO(now), "2026-10-22T14:32:04+02:00"},
	} {
		if got := strings.ReplaceAll(c.got, nbsp, " "); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
