package metric

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"evenkeel.dev/evenkeel/internal/kit"
)

const (
	firstStretch = 2 * time.Hour
	maxStretch   = day
	minStretch   = 10 * time.Second
)

// Raw implements Source by instant queries of a range selector, `sel[300000ms]` at the end of the stretch: the only
// question of the HTTP API that answers samples as they are stored. Long ranges are read in stretches, which grow and
// shrink with the size of the answers.
func (r *Remote) Raw(ctx context.Context, selector string, from, to time.Time, visit func(Series) error) error {
	if _, err := r.parsed.get(selector); err != nil {
		return err
	}
	a, end := ceilMS(from), ceilMS(to)
	length := firstStretch.Milliseconds()
	for a < end {
		b := min(a+length, end)
		found, size, err := r.stretch(ctx, selector, a, b)
		if kit.CodeOf(err) == kit.TooLarge && b-a > minStretch.Milliseconds() {
			length = max((b-a)/4, minStretch.Milliseconds())
			continue
		}
		if err != nil {
			return err
		}
		if err := visitAll(found, visit); err != nil {
			return err
		}
		if size < r.opt.MaxBytes/8 {
			length = min(length*2, maxStretch.Milliseconds())
		}
		a = b
	}
	return nil
}

func visitAll(found []Series, visit func(Series) error) error {
	for _, s := range found {
		for piece := range slices.Chunk(s.Points, PieceLen) {
			if err := visit(Series{Labels: s.Labels, Points: piece}); err != nil {
				return err
			}
		}
	}
	return nil
}

// stretch reads [a, b) ms and tells the size of the answer in bytes. Since Prometheus 3 a range selector leaves its
// begin out, before that it takes it in; asked at b-1 for b-a ms, both hold [a, b) and at most the millisecond before.
func (r *Remote) stretch(ctx context.Context, selector string, a, b int64) ([]Series, int64, error) {
	var res result
	_, err := r.post(ctx, "query", url.Values{
		"query": {fmt.Sprintf("%s[%dms]", selector, b-a)}, "time": {unixText(b - 1)}}, &res)
	if err != nil {
		return nil, 0, err
	}
	if res.Type != "matrix" {
		return nil, 0, r.nonsense("answer", fmt.Errorf("result type %q where a matrix was due", shorten(res.Type)))
	}
	var list []seriesJSON
	if err := json.Unmarshal(res.Result, &list); err != nil {
		return nil, 0, r.nonsense("answer", err)
	}
	out := make([]Series, 0, len(list))
	for _, s := range list {
		points := s.points()
		if n := len(points); n > 0 && (points[0].T < a-1 || points[n-1].T >= b) {
			return nil, 0, r.nonsense("answer", fmt.Errorf("samples from %d to %d where [%d, %d) was asked", points[0].T, points[n-1].T, a, b))
		}
		if len(points) > 0 && points[0].T < a {
			points = points[1:]
		}
		out = append(out, Series{Labels: labels.FromMap(s.Metric), Points: points})
	}
	return out, int64(len(res.Result)), nil
}
