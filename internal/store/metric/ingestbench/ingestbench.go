// Package ingestbench measures what it costs the metric store to take samples in, beside Prometheus' own receivers over
// a plain TSDB with the same requests.
package ingestbench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb"
	"github.com/prometheus/prometheus/util/compression"

	"evenkeel.dev/evenkeel/internal/store/metric"
)

// Rates are samples or data points taken in for each second of processor time. The time of the client, which shares the
// process and sends requests that were encoded before, counts on both sides.
type Rates struct{ Ours, Raw float64 }

const (
	seriesCount = 20_000
	perRequest  = 2_000
	rounds      = 24 // of all series, a quarter of a minute apart; the first makes the series and is not counted
)

// request is one encoded body.
type request struct {
	body  []byte
	count int
}

// kind is one protocol: where it is served, and how a round of requests is made.
type kind struct {
	path, contentType, encoding string
	raw                         func(*tsdb.DB) http.Handler
	round                       func(at time.Time, round int) ([]request, error)
}

// RemoteWrite measures remote write 1.0 over HTTP: 20,000 series of 10 labels, 2,000 samples a request.
func RemoteWrite(ctx context.Context, dir string) (Rates, error) {
	return measure(ctx, dir, kind{path: "/api/v1/write", contentType: "application/x-protobuf", encoding: "snappy", round: writeRound,
		raw: func(db *tsdb.DB) http.Handler {
			return remote.NewWriteHandler(slog.New(slog.DiscardHandler), nil, db, remoteapi.MessageTypes{remoteapi.WriteV1MessageType, remoteapi.WriteV2MessageType}, false, false)
		}})
}

// OTLP measures OTLP metrics over HTTP: the same series as cumulative sums of 100 resources.
func OTLP(ctx context.Context, dir string) (Rates, error) {
	return measure(ctx, dir, kind{path: "/api/v1/otlp/v1/metrics", contentType: "application/x-protobuf", round: otlpRound,
		raw: func(db *tsdb.DB) http.Handler {
			return remote.NewOTLPWriteHandler(slog.New(slog.DiscardHandler), nil, db, func() config.Config { return config.DefaultConfig }, remote.OTLPOptions{NativeDelta: true})
		}})
}

// measure sends the same rounds to both in turn, so that both meet the same noise.
func measure(ctx context.Context, dir string, k kind) (r Rates, err error) {
	quiet := slog.New(slog.DiscardHandler)
	store, err := metric.Open(ctx, metric.Options{Dir: filepath.Join(dir, "ours"), Log: quiet})
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	o := tsdb.DefaultOptions()
	o.WALCompression = compression.Snappy
	o.EnableExemplarStorage, o.MaxExemplars = true, 10_000
	db, err := tsdb.Open(filepath.Join(dir, "raw"), quiet, nil, o, nil)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ours, err := serve(store.Handler())
	if err != nil {
		return r, err
	}
	defer ours.Close()
	raw, err := serve(k.raw(db))
	if err != nil {
		return r, err
	}
	defer raw.Close()
	return k.run(ctx, ours.Addr+k.path, raw.Addr+k.path)
}

// listener is a server on a free loopback port.
type listener struct {
	http.Server
	Addr string
}

func serve(h http.Handler) (*listener, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &listener{Addr: "http://" + l.Addr().String()}
	s.Handler = h
	go func() { _ = s.Serve(l) }() // ends with Close
	return s, nil
}

func (k kind) run(ctx context.Context, ours, raw string) (Rates, error) {
	var spent [2]float64
	samples := 0
	begin := time.Now().Add(-rounds * 15 * time.Second)
	for i := range rounds {
		reqs, err := k.round(begin.Add(time.Duration(i)*15*time.Second), i)
		if err != nil {
			return Rates{}, err
		}
		for side, to := range []string{ours, raw} {
			runtime.GC()
			before := cpu()
			for _, q := range reqs {
				if err := k.send(ctx, to, q.body); err != nil {
					return Rates{}, err
				}
			}
			if i > 0 {
				spent[side] += cpu() - before
			}
		}
		for _, q := range reqs {
			if i > 0 {
				samples += q.count
			}
		}
	}
	return Rates{Ours: float64(samples) / spent[0], Raw: float64(samples) / spent[1]}, nil
}

func (k kind) send(ctx context.Context, to string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", k.contentType)
	if k.encoding != "" {
		req.Header.Set("Content-Encoding", k.encoding)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		return fmt.Errorf("%s answers %s: %s", to, res.Status, text)
	}
	return err
}

// cpu is the processor time of this process so far, in seconds.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		fmt.Fprintln(os.Stderr, "getrusage:", err)
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
