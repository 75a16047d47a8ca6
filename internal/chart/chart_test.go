package chart

import (
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evenkeel.dev/evenkeel/internal/kit"
)

var update = flag.Bool("update", false, "write the golden files")

var start = time.Date(2026, 10, 24, 22, 0, 0, 0, time.UTC) // midnight in Amsterdam, the day before the clocks go back

// sample has one of everything.
func sample(t testing.TB) Plot {
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	h := func(n float64) time.Time { return start.Add(time.Duration(n * float64(time.Hour))) }
	span := func(a, b float64) kit.Range { return kit.Range{From: h(a), To: h(b)} }
	nan := math.NaN()
	return Plot{ID: "c", What: "Budget left", Unit: "% of 28 d", Over: "one day", Finding: "Falls <fast>.", From: h(0), To: h(24), When: kit.When{Zone: zone, Now: h(24)}, Height: 120,
		Y: Axis{Zero: true, Label: func(v float64) string { return kit.Percent(v, 0) }},
		Series: []Series{
			{Name: "Left", From: h(0), Step: 3 * time.Hour, V: []float64{0.9, 0.8, nan, nan, 0.7, 0.3, 0.2, nan, -0.1}, Lead: true, Area: true, End: "left"},
			{Name: "Was", From: h(0), Step: 6 * time.Hour, V: []float64{0.9, 0.9, 0.8, 0.8, 0.8}, Dash: true, End: "was"},
			{Name: "at 1 h", From: h(18), Step: 6 * time.Hour, V: []float64{0.2, 0}, Color: "sb", Proj: true},
		},
		Lines:   []Line{{At: 0.25, Label: "freeze at 25%", Kind: "policy"}, {At: 0, Label: "spent", Kind: "page", Below: true}},
		Bands:   []Band{{span(6, 7), "INC-1"}, {kit.Range{From: h(22)}, "INC-2"}},
		Gaps:    []Span{{span(8, 11), "no data & why"}},
		Fixes:   []Span{{span(13, 14), "corrected"}},
		Deploys: []Deploy{{h(5), "deploy", "v1"}, {h(7), "rollback", "v0"}, {h(6), "suspect", "v2"}},
		Marks:   []Mark{{At: h(23), V: 0, Label: "15:08", Color: "sb", Left: true}},
		Notes:   []Note{{h(9), 0.5, "no data"}},
		NowLine: h(24),
		Table:   Table{Head: []string{"Time", "Left"}, Rows: [][]string{{"00:00", "90%"}, {"03:00", "80%"}}},
	}
}

func TestChartsMatchTheirGoldenFiles(t *testing.T) {
	lanes := sample(t)
	lanes.Series, lanes.Lines, lanes.Marks, lanes.Notes, lanes.Deploys = nil, nil, nil, nil, nil
	lanes.Lanes = []Lane{{"Page", []Event{{kit.Range{From: start.Add(time.Hour), To: start.Add(2 * time.Hour)}, "page", "fired"}, {kit.Range{From: start.Add(23 * time.Hour)}, "page", "open"}}}, {"Ticket", nil}}
	log := sample(t)
	log.Y, log.Slim, log.Bands, log.Lines = Axis{Log: true, Label: kit.Share}, true, nil, []Line{{At: 0.01, Kind: "target", Right: true, Label: "allowed"}}
	log.Series = []Series{{Name: "Failing", From: start, Step: time.Hour, V: []float64{0.0001, 0.0002, 0, 0.3, 0.01}}}
	days := []Day{DayMet, DayBurned, DayMissed, DayNone, DayMet}
	for name, got := range map[string]string{
		"fluid":  string(sample(t).HTML()),
		"fixed":  string(sample(t).SVG(600)),
		"lanes":  string(lanes.HTML()),
		"log":    string(log.HTML()),
		"small":  string(Bar(0.087, "8.7% left") + "\n" + Bar(-0.124, "") + "\n" + Bar(math.NaN(), "") + "\n" + Strip(days, "checkout") + "\n" + Spark([]float64{1, math.NaN(), 2, 3}, 2, "rate")),
		"nobody": string(Plot{ID: "e", What: "Empty", From: start, To: start.Add(time.Hour), When: kit.When{Now: start}, Series: []Series{{Name: "x", From: start, Step: time.Minute}}}.HTML()),
	} {
		got = strings.ReplaceAll(got, "><", ">\n<") + "\n"
		file := "testdata/" + name + ".html"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
			t.Errorf("%s changed (-want +got), look at it and run with -update:\n%s", name, d)
		}
	}
}

func TestAxisLabelsAreRoundClockTimesAcrossTheEndOfSummerTime(t *testing.T) {
	p := sample(t)
	p.From, p.To = start, start.Add(25*time.Hour) // 25 October has 25 hours
	var got []string
	for _, k := range p.timeTicks() {
		got = append(got, k.label)
	}
	want := []string{"25 Oct", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "26 Oct"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestAGapIsNeverBridged(t *testing.T) {
	p := sample(t).ready()
	d := p.path(p.Series[0], p.scale(), 1000)
	if n := strings.Count(d, "M"); n != 3 {
		t.Errorf("three stretches gave %d moves: %s", n, d)
	}
}

func TestThinningKeepsTheWorstSpike(t *testing.T) {
	v := make([]float64, 10000)
	v[7777] = 9
	s := Series{From: start, Step: time.Minute, V: v, Keep: KeepMax}.thin()
	high := 0.0
	for _, x := range s.V {
		high = max(high, x)
	}
	if len(s.V) > 340 || high != 9 {
		t.Errorf("%d points, highest %v", len(s.V), high)
	}
}

// Any numbers whatever, hostile names included, give well-formed markup with finite coordinates.
func TestChartsOfAnyDataAreWellFormed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e300, 1e-300}))
		name := rapid.SampledFrom([]string{"ok", `"><script>alert(1)</script>`, "a&b", "é 日本"})
		p := Plot{ID: "p", What: name.Draw(t, "what"), Finding: name.Draw(t, "finding"), From: start, To: start.Add(time.Duration(rapid.Int64Range(1, 1e17).Draw(t, "span"))), When: kit.When{Now: start},
			Height: rapid.IntRange(1, 300).Draw(t, "h"), Y: Axis{Log: rapid.Bool().Draw(t, "log"), Zero: rapid.Bool().Draw(t, "zero")}}
		for i := range rapid.IntRange(0, 3).Draw(t, "series") {
			p.Series = append(p.Series, Series{Name: name.Draw(t, "name"), From: start, Step: time.Hour, V: rapid.SliceOfN(value, 0, 20).Draw(t, fmt.Sprint("v", i)), Area: i == 0, End: name.Draw(t, "end")})
		}
		p.Lines = []Line{{At: value.Draw(t, "line"), Label: name.Draw(t, "label")}}
		p.Bands = []Band{{kit.Range{From: start.Add(-time.Hour), To: start.Add(time.Hour)}, name.Draw(t, "band")}}
		for _, text := range []string{string(p.HTML()), string(p.SVG(400))} {
			if strings.Contains(text, "NaN\"") || strings.Contains(text, "Inf\"") || strings.Contains(text, "<script") {
				t.Fatalf("not finite or not escaped: %s", text)
			}
			d := xml.NewDecoder(strings.NewReader(strings.ReplaceAll(text, " data-chart", "")))
			for {
				if _, err := d.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%v in %s", err, text)
				}
			}
		}
	})
}
