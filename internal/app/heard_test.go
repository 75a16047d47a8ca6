package app

import (
	"fmt"
	"math"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"evenkeel.dev/evenkeel/internal/web"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func TestASendersRateIsThatOfTheLastMinute(t *testing.T) {
	var h heard
	for s := range 300 { // five minutes of 10 a second, then silence
		h.note("otlp", "till", message{samples: 10, spans: 5, newest: noon.Add(time.Duration(s)*time.Second - 400*time.Millisecond)}, noon.Add(time.Duration(s)*time.Second))
	}
	at := func(s int) web.SourceState { return h.states(noon.Add(time.Duration(s) * time.Second))[0] }
	for s, want := range map[int]float64{300: 10, 305: 10, 330: 5, 365: 0} {
		if got := at(s).Rate; math.Abs(got-want) > 1e-9 {
			t.Errorf("after %d s: %v samples a second, want %v", s, got, want)
		}
	}
	if now := at(300); now.Spans != 5 || now.Lag != 400*time.Millisecond || now.Silent || now.Series != -1 {
		t.Errorf("after 300 s: %+v", now)
	}
	if !at(299 + 301).Silent {
		t.Error("after five minutes of silence it is not silent")
	}
}

func TestTooManySendersShareALine(t *testing.T) {
	var h heard
	for i := range maxHeard + 50 {
		h.note("otlp", fmt.Sprint("sender-", i), message{samples: 1}, noon)
	}
	all := h.states(noon)
	if len(all) != maxHeard+1 {
		t.Fatalf("%d lines, want %d", len(all), maxHeard+1)
	}
	for _, s := range all {
		if s.Name == others && s.Rate != 5 { // 50 in the ten seconds that run
			t.Errorf("the others: %v a second", s.Rate)
		}
	}
}

func TestOTLPIsCountedByTheServiceThatSentIt(t *testing.T) {
	a := &app{now: func() time.Time { return noon }}
	md := pmetric.NewMetrics()
	for name, points := range map[string]int{"till": 3, "": 1} {
		rm := md.ResourceMetrics().AppendEmpty()
		if name != "" {
			rm.Resource().Attributes().PutStr("service.name", name)
			rm.Resource().Attributes().PutStr("service.namespace", "shop")
		}
		g := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptyGauge()
		for range points {
			g.DataPoints().AppendEmpty().SetTimestamp(pcommon.NewTimestampFromTime(noon.Add(-2 * time.Second)))
		}
	}
	a.hearMetrics(md, 40) // ten samples a point, as of histograms
	td := ptrace.NewTraces()
	rs := td.ResourceSpans().AppendEmpty()
	rs.Resource().Attributes().PutStr("service.name", "till")
	rs.Resource().Attributes().PutStr("service.namespace", "shop")
	rs.ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	a.hearSpans(td)
	got := map[string]web.SourceState{}
	for _, s := range a.heard.states(noon) {
		got[s.Name] = s
	}
	if s := got["shop/till"]; len(got) != 2 || s.Rate != 3 || s.Spans != 0.1 || s.Lag != 2*time.Second {
		t.Errorf("heard %+v", got)
	}
	if s := got["without service.name"]; s.Rate != 1 {
		t.Errorf("without a name: %+v", s)
	}
}

func TestRatesOfTheLastHourStandStillWhenTheClockGoesBack(t *testing.T) {
	total := 0.0
	f := flows{all: []*flow{{name: "Facts", unit: "a minute", per: time.Minute, total: func() float64 { return total }}}, at: noon}
	for i := 1; i <= 4; i++ {
		total += 30
		f.look(noon.Add(time.Duration(i) * 15 * time.Second))
	}
	total += 1000
	f.look(noon)
	r := f.rated()[0]
	if r.Rate != 120 || len(r.V) != flowKept || !math.IsNaN(r.V[0]) || r.V[flowKept-1] != 120 {
		t.Errorf("rated %v a minute, last %v", r.Rate, r.V[flowKept-5:])
	}
}
