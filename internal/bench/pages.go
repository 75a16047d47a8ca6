package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"time"
)

const (
	pageRequests = 200
	pageBudget   = 15 * time.Second // for one page; a slow one is asked less often
)

// pageTime asks each page in turn and takes the p99 of the slowest. One reader, the server evaluating meanwhile.
func pageTime(ctx context.Context, dir string) (_ figure, err error) {
	l, err := makeLarge(ctx, dir)
	if err != nil {
		return figure{}, err
	}
	s, err := l.serve(ctx, time.Minute)
	if err != nil {
		return figure{}, err
	}
	defer func() {
		if stopErr := s.stop(); err == nil {
			err = stopErr
		}
	}()
	if err := evaluated(ctx, s); err != nil {
		return figure{}, err
	}
	worst, largest := 0.0, 0
	for _, path := range []string{"/", "/services", "/services/svc0500", "/objectives", "/objectives/svc0500-availability", "/estate", "/estate?focus=svc0001",
		"/explore", "/ledger", "/organisation", "/system", "/find?q=svc05", "/help"} {
		p50, p99, size, err := askPage(ctx, s.url+path)
		if err != nil {
			return figure{}, err
		}
		fmt.Printf("%-34s first byte p50 %7.1f ms  p99 %7.1f ms  %6.1f kB gzipped\n", path, p50*1000, p99*1000, float64(size)/1000)
		worst, largest = max(worst, p99), max(largest, size)
	}
	fmt.Printf("largest page: %.1f kB gzipped\n", float64(largest)/1000)
	return figure{ours: worst * 1000, peer: math.NaN(), unit: "ms-p99-first-byte"}, nil
}

// evaluated waits until every objective has a budget.
func evaluated(ctx context.Context, s *server) error {
	ask := s.url + "/prometheus/api/v1/query?query=" + url.QueryEscape("count(evenkeel_slo_budget_remaining_ratio)")
	for begun := time.Now(); time.Since(begun) < 5*time.Minute; {
		res, err := http.Get(ask)
		if err != nil {
			return err
		}
		var answer struct {
			Data struct{ Result []struct{ Value [2]any } }
		}
		err = json.NewDecoder(res.Body).Decode(&answer)
		res.Body.Close()
		if err == nil && len(answer.Data.Result) == 1 && answer.Data.Result[0].Value[1] == fmt.Sprint(largeServices) {
			return nil
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
	return fmt.Errorf("not every objective has a budget after five minutes\n%s", s.output.String())
}

// askPage returns seconds to the first byte, and the bytes of the body as sent.
func askPage(ctx context.Context, url string) (p50, p99 float64, size int, err error) {
	var took []float64
	for begun := time.Now(); len(took) < pageRequests && (time.Since(begun) < pageBudget || len(took) < 20); {
		var first time.Duration
		var sent time.Time
		trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { first = time.Since(sent) }}
		req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, url, nil)
		if err != nil {
			return 0, 0, 0, err
		}
		req.Header.Set("Accept-Encoding", "gzip")
		sent = time.Now()
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, 0, 0, err
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil {
			return 0, 0, 0, err
		}
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Encoding") != "gzip" {
			return 0, 0, 0, fmt.Errorf("%s answers %s, encoding %q", url, res.Status, res.Header.Get("Content-Encoding"))
		}
		took, size = append(took, first.Seconds()), max(size, int(n))
	}
	slices.Sort(took)
	return took[len(took)/2], took[(len(took)*99-1)/100], size, nil
}
