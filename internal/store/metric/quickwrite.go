package metric

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/golang/snappy"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"evenkeel.dev/evenkeel/internal/kit"
)

// quickWrite takes the usual remote write 1.0 request, float samples of series, about three times as fast as Prometheus'
// receiver: it finds a series it has met before by the bytes of its labels and never decodes them again. It says false,
// with the body as it was, where a request holds anything else or is not well-formed; Prometheus' receiver then has it.
func (s *Store) quickWrite(w http.ResponseWriter, r *http.Request, v *verdict) bool {
	if enc := r.Header.Get("Content-Encoding"); enc != "" && enc != "snappy" {
		return false
	}
	q := quickWrites.Get().(*quick)
	packed := &q.packed
	packed.Reset()
	if _, err := packed.ReadFrom(r.Body); err != nil {
		writeError(w, bodyError(err))
		return true
	}
	n, err := snappy.DecodedLen(packed.Bytes())
	if err == nil && n <= maxDecoded {
		q.plain, err = snappy.Decode(q.plain[:cap(q.plain)], packed.Bytes())
	}
	if err != nil || n > maxDecoded || !q.wire.read(q.plain) {
		r.Body = io.NopCloser(bytes.NewReader(packed.Bytes())) // q stays with the request
		return false
	}
	defer quickWrites.Put(q)
	if err := s.storeWire(r.Context(), &q.wire, v); err != nil {
		writeError(w, err)
		return true
	}
	w.WriteHeader(http.StatusNoContent)
	return true
}

// quick is what one request needs, kept for the next.
type quick struct {
	packed bytes.Buffer
	plain  []byte
	wire   wire
}

var quickWrites = sync.Pool{New: func() any { return new(quick) }}

// storeWire appends what a request holds in one transaction. A kit.Invalid error names the samples left out.
func (s *Store) storeWire(ctx context.Context, in *wire, v *verdict) error {
	app := s.appenderV2(ctx, v)
	latest := s.opt.Now().Add(futureSlop).UnixMilli()
	refs, _ := app.(*appender)
	for _, x := range in.series {
		met, ls, err := s.met.find(x.labels)
		if err != nil {
			v.refused += x.n
			if v.first == "" {
				v.first = err.Error()
			}
			continue
		}
		var ref storage.SeriesRef
		if met != nil {
			ref = met.ref()
		}
		known := ref
		for _, p := range in.samples[x.first : x.first+x.n] {
			if p.t > latest {
				_ = v.refuse(ls, p.t, fmt.Errorf("%w: the timestamp is more than %s in the future", storage.ErrOutOfBounds, futureSlop))
				continue
			}
			got, err := app.Append(ref, ls, 0, p.t, p.v, nil, nil, storage.AOptions{})
			if err != nil {
				_ = app.Rollback()
				return unavailable(err)
			}
			if got != 0 {
				ref = got
			}
		}
		if ref != known && refs != nil {
			s.met.learn(x.labels, met, ref, refs.stored(ls))
		}
	}
	if err := app.Commit(); err != nil {
		return err
	}
	return v.err()
}

// unavailable gives an error without a class the one that makes senders come again.
func unavailable(err error) error {
	if kit.CodeOf(err) != kit.Internal {
		return err
	}
	return kit.Errorf(kit.Unavailable, "store samples: %w", err)
}

// labelsOf decodes the labels of a series and judges them as Prometheus' receiver does.
func labelsOf(wire []byte) (labels.Labels, error) {
	b := labels.NewScratchBuilder(16)
	for name, value := range wireLabels(wire) {
		b.Add(string(name), string(value))
	}
	b.Sort()
	ls := b.Labels()
	if name, twice := ls.HasDuplicateLabelNames(); twice {
		return ls, fmt.Errorf("series %s has the label %s twice", shorten(ls.Get(model.MetricNameLabel)), shorten(name))
	}
	if !ls.Has(model.MetricNameLabel) || !ls.IsValid(model.UTF8Validation) {
		return ls, fmt.Errorf("series %s has no metric name, or a name or label that is not valid", shorten(ls.String()))
	}
	return ls, nil
}
