package web

import (
	"context"
	"html"
	"math"
	"strings"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// shows fails for each text that a page does not hold.
func shows(t *testing.T, w *Web, path string, texts ...string) {
	t.Helper()
	body := strings.ReplaceAll(html.UnescapeString(get(t, w, path).Body.String()), "\u00a0", " ")
	for _, want := range texts {
		if !strings.Contains(body, want) {
			t.Errorf("%s does not show %q", path, want)
		}
	}
}

func TestAMetricSourceThatDoesNotAnswerIsSaidWhereItMatters(t *testing.T) {
	for policy, means := range map[slo.NoData]string{
		slo.HoldData: "The budget is held", slo.BadData: "count as failed", slo.GoodData: "count as good", slo.Excluded: "left out of the budget",
	} {
		s := fixture()
		s.Objective = func(ctx context.Context, ask ObjectiveAsk) (ObjectiveDetail, error) {
			d, err := objectiveFixture(ctx, ask)
			d.Down, d.Spec.NoData = &Down{Source: "prom-eu-2", Since: ago(13 * time.Minute), Reason: "connection refused"}, policy
			return d, err
		}
		shows(t, newWeb(t, s), "/objectives/checkout-availability", "Metric source prom-eu-2 has not answered since", "13 min", "connection refused", means,
			"the missed minutes are read and counted", `href="/system#sources"`)
	}
	w := newWeb(t, fixture())
	shows(t, w, "/", "Metric source prom-eu-2 has not answered for 13 min", "Connection refused.", "7 objectives have no data until it answers")
	shows(t, w, "/system", "connection refused", "7 objectives have no data until it answers")
	if body := get(t, w, "/objectives/checkout-availability").Body.String(); strings.Contains(body, "has not answered") {
		t.Error("an objective whose source answers says that it does not")
	}
}

func TestASilentSenderSaysNothingThatIsNotKnown(t *testing.T) {
	s := fixture()
	s.Senders = func(context.Context) ([]SourceState, error) {
		return []SourceState{{Name: "till", Kind: "otlp", Last: ago(9 * time.Minute), Silent: true, Lag: -1, Series: -1, Rate: 0, Spans: math.NaN()}}, nil
	}
	w := newWeb(t, s)
	shows(t, w, "/", "Source till has been silent for 9 min", "Objectives over what it sends have no data until it is back.")
	if body := get(t, w, "/").Body.String(); strings.Contains(body, "No objective") {
		t.Error("it claims to know that no objective depends on a sender")
	}
}

func TestAServerThatStandsByNamesWhoLeadsOnEveryPage(t *testing.T) {
	s := fixture()
	shell := s.Shell
	gone := false
	s.Shell = func(ctx context.Context) (Shell, error) {
		out, err := shell(ctx)
		out.Leader, out.Heard, out.Gone, out.Evaluated = "eu-1:/data", ago(20*time.Second), gone, ago(2*time.Minute)
		return out, err
	}
	w := newWeb(t, s)
	for _, path := range []string{"/", "/objectives", "/ledger", "/nowhere"} {
		shows(t, w, path, "This server stands by", "<code>eu-1:/data</code> evaluates", "2 min ago")
	}
	gone = true
	shows(t, w, "/", "<code>eu-1:/data</code>, which evaluates, was last heard", "this server takes over within seconds")
}

func TestTheRuleForThinTrafficSaysWhatItDoes(t *testing.T) {
	s := fixture()
	busy := 4200.0
	s.Objective = func(ctx context.Context, ask ObjectiveAsk) (ObjectiveDetail, error) {
		d, err := objectiveFixture(ctx, ask)
		d.Rules = append(d.Rules, Rule{Name: RuleName("page", 0), Severity: "page", Thin: true, Long: WindowNow{Len: 72 * time.Hour}, Short: WindowNow{Len: 30 * time.Minute, All: busy}})
		return d, err
	}
	w := newWeb(t, s)
	path := "/objectives/checkout-availability"
	shows(t, w, path, "Page, thin traffic", "Half of the last 10 events failed, 5 at least", "4,200</a>", ">rests<", "Page, thin traffic rests at this much traffic")
	busy = 3
	body := get(t, w, path+"?frag=rates").Body.String()
	if row := body[strings.LastIndex(body, "Page, thin traffic</th>"):]; strings.Contains(row[:strings.Index(row, "</tr>")], "rests") {
		t.Error("with 3 events in half an hour it rests")
	}
}
