package assess_test

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"evenkeel.dev/evenkeel/internal/assess"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/store/metric"
)

// now is the end of the synthetic history, which is a day long.
var now = time.Date(2026, 10, 22, 14, 30, 0, 0, time.UTC)

// counter grows by a number of events each minute from a day before now on.
func counter(perMinute float64, name string, pairs ...string) metric.Series {
	return counterOf(1440, perMinute, name, pairs...)
}

func counterOf(minutes int, perMinute float64, name string, pairs ...string) metric.Series {
	s := metric.Series{Labels: labels.FromStrings(append([]string{"__name__", name}, pairs...)...)}
	for i := range minutes {
		s.Points = append(s.Points, metric.Point{T: now.Add(time.Duration(i-minutes)*time.Minute).UnixMilli() + 15_000, V: float64(i) * perMinute})
	}
	return s
}

// gauge is 1, and 0 in each hundredth minute.
func gauge(name string, pairs ...string) metric.Series {
	s := counter(0, name, pairs...)
	for i := range s.Points {
		if s.Points[i].V = 1; i%100 == 7 {
			s.Points[i].V = 0
		}
	}
	return s
}

// store is an embedded store that holds the series.
func store(t *testing.T, series ...metric.Series) *metric.Store {
	t.Helper()
	dir, ctx := t.TempDir(), context.Background()
	if _, err := metric.BackfillBlocks(ctx, dir, slices.Values(series)); err != nil {
		t.Fatal(err)
	}
	s, err := metric.Open(ctx, metric.Options{Dir: dir, Retention: 3650 * 24 * time.Hour, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// synthetic is what services of a convention would send: one of a hundred requests fails, one of fifty is slow.
func synthetic(t *testing.T, c assess.Convention) []metric.Series {
	t.Helper()
	service := []string{c.Service[0], "shop/basket"}
	for _, s := range c.Scope {
		service = append(service, s, "live")
	}
	if c.Fixed != "" {
		ms, err := parser.NewParser(parser.Options{}).ParseMetricSelector("x{" + c.Fixed + "}")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range ms[:len(ms)-1] {
			service = append(service, m.Name, m.Value)
		}
	}
	with := func(more ...string) []string { return append(slices.Clone(service), more...) }
	if c.Gauge {
		return []metric.Series{gauge(c.Total, service...)}
	}
	good, bad := "200", strings.Split(c.Failed, "|")[0]
	bad = strings.ReplaceAll(bad, "5..", "503")
	out := []metric.Series{counter(990, c.Total, with(c.Codes[0], good)...), counter(10, c.Total, with(c.Codes[0], bad)...)}
	bound := map[time.Duration]string{time.Second: "0.25", time.Millisecond: "250"}[c.Unit]
	for le, n := range map[string]float64{"0.005": 100, bound: 995, "9999": 999, "+Inf": 1000} {
		out = append(out, counter(n, c.Bucket, with("le", le)...))
	}
	return out
}

func TestEachConventionIsFoundCountedAndDrafted(t *testing.T) {
	for _, c := range assess.Conventions {
		t.Run(c.Name, func(t *testing.T) {
			s := store(t, synthetic(t, c)...)
			a, err := assess.Run(context.Background(), assess.Options{Source: s, Days: 1, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Services) != 1 || a.Services[0].Name != "basket" || a.Services[0].Convention.Name != c.Name {
				t.Fatalf("services %+v; left out %v", a.Services, a.LeftOut)
			}
			want := []string{"basket-availability", "basket-latency"}
			if c.Gauge {
				want = want[:1]
			}
			var got []string
			for _, d := range a.Drafts {
				got = append(got, d.Objective.Name)
				if problems := d.Objective.Check(); len(problems) > 0 && problems[0].Severity == "error" {
					t.Errorf("%s: %s", d.Objective.Name, problems[0])
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("drafted %v, want %v; left out %v", got, want, a.LeftOut)
			}
			if d := a.Drafts[0]; math.Abs(d.Attained-0.99) > 0.001 || d.Objective.Target.Cmp(slo.MustDecimal("0.98")) != 0 {
				t.Errorf("availability attained %v, target %s; want 0.99 and 0.98", d.Attained, d.Objective.Target)
			}
			if c.Gauge {
				return
			}
			d := a.Drafts[1]
			if math.Abs(d.Attained-0.995) > 0.001 || d.Objective.Target.Cmp(slo.MustDecimal("0.99")) != 0 || d.Objective.Indicator.Threshold*c.Unit.Seconds() != 0.25 {
				t.Errorf("latency attained %v within %v, target %s; want 0.995 within a quarter second, 0.99", d.Attained, d.Objective.Indicator.Threshold, d.Objective.Target)
			}
		})
	}
}

func TestAServiceIsTakenFromTheMostTellingConvention(t *testing.T) {
	s := store(t, counter(100, "http_requests_total", "job", "basket", "code", "200"), gauge("up", "job", "basket", "instance", "a:1"),
		gauge("up", "job", "node", "instance", "a:9100"), counter(50, "istio_requests_total", "reporter", "source", "destination_canonical_service", "cart", "response_code", "200"))
	a, err := assess.Run(context.Background(), assess.Options{Source: s, Days: 1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range a.Services {
		got = append(got, s.Name+" by "+s.Convention.Total)
	}
	if want := []string{"basket by http_requests_total", "node by up"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLimitsAreKeptAndNamed(t *testing.T) {
	s := store(t, counter(100, "http_requests_total", "job", "a", "code", "200"), counter(200, "http_requests_total", "job", "b", "code", "200"))
	a, err := assess.Run(context.Background(), assess.Options{Source: s, Days: 1, Now: now, MaxServices: 1})
	if err != nil || len(a.Services) != 1 || a.Services[0].Name != "b" || !strings.Contains(strings.Join(a.LeftOut, ";"), "1 service: only the busiest 1") {
		t.Errorf("%v, services %v, left out %v", err, a.Services, a.LeftOut)
	}
	a, err = assess.Run(context.Background(), assess.Options{Source: s, Days: 1, Now: now, MaxQueries: 9, Parallel: 1})
	if err != nil || len(a.Drafts) != 1 || !strings.Contains(strings.Join(a.LeftOut, ";"), "9 queries were asked, which is the limit") {
		t.Errorf("%v, %d drafts, left out %v", err, len(a.Drafts), a.LeftOut)
	}
	if _, err := assess.Run(context.Background(), assess.Options{Source: s, Days: 400, Now: now}); err == nil {
		t.Error("400 days are taken")
	}
}
