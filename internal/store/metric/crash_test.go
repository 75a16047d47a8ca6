package metric

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
)

const crashDir = "EVENKEEL_TEST_CRASH_DIR"

// TestMain lets the test binary be the server that is killed.
func TestMain(m *testing.M) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := Open(context.Background(), Options{Dir: dir, Log: slog.New(slog.DiscardHandler), MinFree: 1,
		OnRepair: func(r Repair) { fmt.Println("REPAIRED", r) }})
	if err != nil {
		fmt.Println("FAILED", err)
		os.Exit(1)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println("FAILED", err)
		os.Exit(1)
	}
	h := s.Handler()
	fmt.Println("READY", l.Addr())
	_ = http.Serve(l, h)
}

// server runs this test binary as a server on dir.
func server(t *testing.T, dir string) (addr string, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	t.Cleanup(kill)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "READY "); ok {
			go io.Copy(io.Discard, out)
			return rest, kill
		}
		t.Errorf("the server says: %s", lines.Text())
	}
	t.Fatal("the server ended before it was ready")
	return "", nil
}

// post sends one remote write 1.0 request and returns the status, 0 when there was no answer.
func post(url string, series ...prompb.TimeSeries) (int, string) {
	plain, err := proto.Marshal(&prompb.WriteRequest{Timeseries: series})
	if err != nil {
		return 0, err.Error()
	}
	return postRaw(url, snappy.Encode(nil, plain))
}

func postRaw(url string, body []byte) (int, string) {
	res, err := http.Post(url+"/api/v1/write", "application/x-protobuf", bytes.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(text)
}

func series(name string, v float64, at ...int64) prompb.TimeSeries {
	s := prompb.TimeSeries{Labels: []prompb.Label{{Name: "__name__", Value: name}}}
	for _, t := range at {
		s.Samples = append(s.Samples, prompb.Sample{Timestamp: t, Value: v})
	}
	return s
}

// kills is how often the server is killed: a hundred times in "make soak".
func kills() int {
	if os.Getenv("EVENKEEL_SOAK") == "" {
		return 6
	}
	return 100
}

// TestAcceptedSamplesSurviveKill writes in and out of order, kills the server at any moment, and counts.
func TestAcceptedSamplesSurviveKill(t *testing.T) {
	if testing.Short() {
		t.Skip("kills servers")
	}
	dir := t.TempDir()
	accepted := map[string]map[int64]bool{}
	at := base.UnixMilli()
	for round := range kills() {
		addr, kill := server(t, dir)
		stop := make(chan struct{})
		time.AfterFunc(time.Duration(400+rand.IntN(800))*time.Millisecond, func() { kill(); close(stop) })
		var mu sync.Mutex
		var wg sync.WaitGroup
		for w := range 4 {
			name := fmt.Sprintf("crash_%d_%d", round, w)
			accepted[name] = map[int64]bool{}
			wg.Go(func() {
				for i := int64(1); ; i++ {
					// Each request holds two samples in order and one from before the last request.
					times := []int64{at + i*300, at + i*300 + 100, at + i*300 - 400}
					code, text := post("http://"+addr, series(name, float64(i), times...))
					if code/100 == 2 {
						mu.Lock()
						for _, x := range times {
							accepted[name][x] = true
						}
						mu.Unlock()
					}
					if code == 0 && i == 1 {
						t.Logf("no answer: %s", text)
					}
					if code == 0 {
						return
					}
					if code/100 != 2 {
						t.Errorf("refused: %d %s", code, text)
						return
					}
				}
			})
		}
		wg.Wait()
		<-stop
	}
	s := openStore(t, func(o *Options) { o.Dir = dir; o.OnRepair = func(r Repair) { t.Errorf("repaired: %+v", r) } })
	total, missing := 0, 0
	for name, times := range accepted {
		got := map[int64]bool{}
		for _, points := range read(t, s, name, base.Add(-time.Hour), base.Add(300*time.Hour)) {
			for _, p := range points {
				got[p.T] = true
			}
		}
		for x := range times {
			total++
			if !got[x] {
				missing++
			}
		}
	}
	t.Logf("%d samples accepted over %d kills", total, kills())
	if total < 500 || missing > 0 {
		t.Errorf("%d of %d accepted samples are missing", missing, total)
	}
}

func TestADamagedLogIsCutAndReported(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, func(o *Options) { o.Dir = dir })
	for i := range 100 {
		appendAll(t, s, sample("a", time.Duration(i)*time.Second, float64(i)))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	name := dir + "/wal/00000000"
	log, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := 600; i < 700; i++ {
		log[i] ^= 0xff
	}
	if err := os.WriteFile(name, log, 0o600); err != nil {
		t.Fatal(err)
	}
	var got []Repair
	s = openStore(t, func(o *Options) { o.Dir = dir; o.OnRepair = func(r Repair) { got = append(got, r) } })
	if len(got) != 1 || got[0].From.Before(base) || !got[0].To.After(got[0].From) || got[0].Reason == "" {
		t.Errorf("repairs: %+v", got)
	}
	appendAll(t, s, sample("a", 200*time.Second, 200))
	if p := read(t, s, "a", base, base.Add(time.Hour))[`{__name__="a"}`]; len(p) < 2 || p[0].V != 0 || p[len(p)-1].V != 200 {
		t.Errorf("after the repair: %v", p)
	}
}
