package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
)

// kills is how often the server is killed: a hundred times in "make soak".
func kills() int {
	if os.Getenv("EVENKEEL_SOAK") == "" {
		return 3
	}
	return 100
}

// taken is what the server answered with 2xx.
type taken struct {
	mu      sync.Mutex
	samples map[string][]int64 // times by series, in ms
	facts   map[int64]string   // ids of corrections by the facts' numbers
}

func (k *taken) sample(series string, at ...int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.samples[series] = append(k.samples[series], at...)
}

func (k *taken) fact(seq int64, id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.facts[seq] = id
}

// TestNothingAcceptedIsLostToKill9 loads the whole program with remote write (in order and out of it), OTLP and facts at
// once, kills it at random moments, and counts what it had answered with 2xx.
func TestNothingAcceptedIsLostToKill9(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	dir := orgDir(t, "", availability("till-availability", `till_requests_total{code="500"}`, `till_requests_total`))
	k := &taken{samples: map[string][]int64{}, facts: map[int64]string{}}
	began := time.Now().Add(-30 * time.Minute).UnixMilli()
	for run := range kills() {
		s := serve(t, "--data", data, "--org", dir)
		kill := time.AfterFunc(time.Duration(300+rand.IntN(1500))*time.Millisecond, func() { _ = s.cmd.Process.Kill() })
		var load sync.WaitGroup
		load.Go(func() { repeat(s, func(i int64) bool { return k.remoteWrite(s, run, began+i*400) }) })
		load.Go(func() { repeat(s, func(i int64) bool { return k.otlp(s, run, began+i*400) }) })
		load.Go(func() { repeat(s, func(int64) bool { return k.correct(s) }) })
		load.Wait()
		kill.Stop()
		s.kill()
	}
	s := serve(t, "--data", data, "--org", dir)
	samples, lost := k.lostSamples(t, s)
	facts, lostFacts := k.lostFacts(t, s)
	t.Logf("%d kills: %d samples accepted, %d lost; %d facts accepted, %d lost", kills(), samples, lost, facts, lostFacts)
	if lost+lostFacts > 0 || samples < 20*kills() || facts < kills() {
		t.Fail()
	}
	s.end()
	if out, err := exec.Command(binary, "ledger", "verify", "--data", data).CombinedOutput(); err != nil {
		t.Errorf("verify the ledger: %v\n%s", err, out)
	}
}

// repeat does until the server is gone; a bound keeps a server that cannot be killed from being loaded for ever.
func repeat(s *server, do func(i int64) bool) {
	for i := range int64(4000) {
		if !do(i) || s.ended() {
			return
		}
	}
}

// send posts a body; nil when there was no answer of 2xx.
func send(url, contentType string, body []byte) []byte {
	res, err := client.Post(url, contentType, bytes.NewReader(body))
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode/100 != 2 {
		return nil
	}
	return append(answer, ' ') // never nil
}

// remoteWrite sends two samples in order and one from before the last request. False when it was not accepted.
func (k *taken) remoteWrite(s *server, run int, at int64) bool {
	name := fmt.Sprintf("kill_written_%d", run)
	series := prompb.TimeSeries{Labels: []prompb.Label{{Name: "__name__", Value: name}}}
	times := []int64{at, at + 100, at - 500}
	for _, ms := range times {
		series.Samples = append(series.Samples, prompb.Sample{Timestamp: ms, Value: 1})
	}
	plain, err := proto.Marshal(&prompb.WriteRequest{Timeseries: []prompb.TimeSeries{series}})
	if err != nil || send(s.web+"/prometheus/api/v1/write", "application/x-protobuf", snappy.Encode(nil, plain)) == nil {
		return false
	}
	k.sample(name, times...)
	return true
}

// otlp sends one point of a gauge.
func (k *taken) otlp(s *server, run int, at int64) bool {
	name := fmt.Sprintf("kill_pushed_%d", run)
	body := fmt.Sprintf(`{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":%q,"gauge":{"dataPoints":[
		{"timeUnixNano":"%d","asDouble":1}]}}]}]}]}`, name, at*1e6)
	if send(s.otlp+"/v1/metrics", "application/json", []byte(body)) == nil {
		return false
	}
	k.sample(name, at)
	return true
}

// correct records one correction of the budget, a fact.
func (k *taken) correct(s *server) bool {
	answer := send(s.web+"/api/v1/slos/till-availability/corrections", "application/json",
		[]byte(`{"from":"30m","to":"29m","effect":"exclude","reason":"a rehearsal"}`))
	var made struct {
		ID  string
		Seq int64
	}
	if answer == nil || json.Unmarshal(answer, &made) != nil {
		return false
	}
	k.fact(made.Seq, made.ID)
	return true
}

func (k *taken) lostSamples(t *testing.T, s *server) (all, lost int) {
	t.Helper()
	for name, times := range k.samples {
		status, body, _, err := fetch(s.web + "/prometheus/api/v1/query?query=" + url.QueryEscape(name+"[2h]"))
		var answer struct {
			Data struct{ Result []struct{ Values [][2]any } }
		}
		if err != nil || status != http.StatusOK || json.Unmarshal([]byte(body), &answer) != nil {
			t.Fatalf("query %s: %d %v %s", name, status, err, tail(body))
		}
		there := map[string]bool{}
		for _, r := range answer.Data.Result {
			for _, v := range r.Values {
				there[fmt.Sprintf("%.3f", v[0])] = true
			}
		}
		for _, ms := range times {
			all++
			if !there[fmt.Sprintf("%.3f", float64(ms)/1000)] {
				lost++
			}
		}
	}
	return all, lost
}

func (k *taken) lostFacts(t *testing.T, s *server) (all, lost int) {
	t.Helper()
	there := map[int64]string{}
	for cursor := ""; ; {
		status, body, _, err := fetch(s.web + "/api/v1/facts?kind=budget.corrected&limit=500&cursor=" + url.QueryEscape(cursor))
		var list struct {
			Items []struct {
				Seq  int64
				Fact struct{ CorrectionID string }
			}
			Next string
		}
		if err != nil || status != http.StatusOK || json.Unmarshal([]byte(body), &list) != nil {
			t.Fatalf("list facts: %d %v %s", status, err, tail(body))
		}
		for _, f := range list.Items {
			there[f.Seq] = f.Fact.CorrectionID
		}
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	for seq, id := range k.facts {
		if there[seq] != id {
			t.Log("lost fact " + strconv.FormatInt(seq, 10))
			lost++
		}
	}
	return len(k.facts), lost
}
