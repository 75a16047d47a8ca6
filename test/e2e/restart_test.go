package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
)

func TestFactsAndBudgetsSurviveAKill(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); survive(t, "") })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); survive(t, dbtest.Postgres(t)) })
}

// survive pushes a known number of requests, waits for the budget, kills the server and expects the same again within
// half a minute after the new start.
func survive(t *testing.T, ledger string) {
	const good, bad = 1980, 20
	dir := orgDir(t, "", availability("till-availability", `till_requests_total{code="500"}`, `till_requests_total`))
	args := []string{"--data", t.TempDir(), "--org", dir}
	if ledger != "" {
		args = append(args, "--ledger", ledger)
	}
	s := serve(t, args...)
	push(t, s, map[string]float64{"200": good, "500": bad})
	before := s.counted(t, "till-availability", good+bad, 90*time.Second)
	facts := s.facts(t, "")
	if len(facts) == 0 {
		t.Fatal("no facts before the kill")
	}
	s.kill()

	s = serve(t, args...)
	after := s.counted(t, "till-availability", good+bad, 30*time.Second)
	for when, o := range map[string]objective{"before": before, "after": after} {
		if b := o.Groups[0].Budget; b.Bad != bad || b.Total != good+bad {
			t.Errorf("%s the kill: %v bad of %v, want %d of %d", when, b.Bad, b.Total, bad, good+bad)
		}
	}
	now := s.facts(t, "")
	for seq, row := range facts {
		if now[seq] != row {
			t.Errorf("fact %s was\n%s\nand is after the kill\n%s", seq, row, now[seq])
		}
	}
}

// push sends the counter till_requests_total over OTLP, by code, growing evenly from zero in the last two whole minutes: all
// of it late, in slots that have been evaluated without it.
func push(t *testing.T, s *server, totals map[string]float64) {
	t.Helper()
	type point map[string]any
	const steps, step = 24, 5 * time.Second
	began := time.Now().Truncate(time.Minute).Add(-steps * step)
	nanos := func(at time.Time) string { return strconv.FormatInt(at.UnixNano(), 10) }
	var points []point
	for code, total := range totals {
		for i := range steps + 1 {
			points = append(points, point{"timeUnixNano": nanos(began.Add(time.Duration(i) * step)),
				"asDouble": total * float64(i) / steps, "attributes": []any{attribute("code", code)}})
		}
	}
	body, err := json.Marshal(map[string]any{"resourceMetrics": []any{map[string]any{
		"resource": map[string]any{"attributes": []any{attribute("service.name", "till")}},
		"scopeMetrics": []any{map[string]any{"metrics": []any{map[string]any{"name": "till_requests", "sum": map[string]any{
			"aggregationTemporality": 2, "isMonotonic": true, "dataPoints": points}}}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Post(s.otlp+"/v1/metrics", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK || bytes.Contains(answer, []byte("rejected")) {
		t.Fatalf("push: %d %s", res.StatusCode, answer)
	}
}

// attribute is an OTLP attribute in JSON.
func attribute(key, value string) any {
	return map[string]any{"key": key, "value": map[string]any{"stringValue": value}}
}
