package chart

import (
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

var bandLabel = regexp.MustCompile(`class="bad x2" x="([\d.]+)%" y="10"(?: text-anchor="(\w+)")?>([^<]+)<`)

func TestIncidentLabelsDoNotTouchEachOther(t *testing.T) {
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	p := Plot{ID: "c", From: from, To: from.Add(100 * time.Hour), When: kit.When{Zone: time.UTC, Now: from.Add(100 * time.Hour)}}
	for _, h := range []int{1, 3, 20, 28, 29, 50, 83, 93, 99} {
		at := from.Add(time.Duration(h) * time.Hour)
		p.Bands = append(p.Bands, Band{kit.Range{From: at, To: at.Add(time.Hour)}, "INC-" + strconv.Itoa(1000+h)})
	}
	html := string(p.HTML())
	found := bandLabel.FindAllStringSubmatch(html, -1)
	if len(found) < 4 || len(found) == len(p.Bands) {
		t.Fatalf("%d of %d labels are drawn:\n%s", len(found), len(p.Bands), html)
	}
	if last := found[0][3]; last != "INC-1099" {
		t.Errorf("the newest incident has no label; the first one drawn is %s", last)
	}
	slices.Reverse(found)
	end := -1.0
	for _, m := range found {
		x, _ := strconv.ParseFloat(m[1], 64)
		w := float64(len(m[3])) * 6.2 / 420 * 100 // on the narrowest screen that shows them
		left := map[string]float64{"": x, "middle": x - w/2, "end": x - w}[m[2]]
		if left < end {
			t.Errorf("%s begins at %.1f%%, the one before ends at %.1f%%", m[3], left, end)
		}
		end = left + w
	}
}

func TestALogAxisHasAtLeastTwoTicksAndAShareEndsAtOne(t *testing.T) {
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for _, v := range [][]float64{{0.2}, {0.66, 0.33}, {1}, {3e-5, 3e-4}, {0, 0, 1e-4}, {1e-6, 1}} {
		p := Plot{From: from, To: from.Add(time.Hour), Height: 100, Y: Axis{Log: true, Cap: 1}, Series: []Series{{From: from, Step: time.Minute, V: v}}}
		s := p.scale()
		if ticks := s.ticks(); len(ticks) < 2 || len(ticks) > 6 {
			t.Errorf("%v: ticks %v", v, ticks)
		}
		if s.max > 1 {
			t.Errorf("%v: the axis ends at %v", v, s.max)
		}
	}
}
