package ingestbench

import (
	"fmt"
	"time"

	"github.com/gogo/protobuf/proto"
	"github.com/golang/snappy"
	"github.com/prometheus/prometheus/prompb"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
)

// writeRound is one sample of every series as remote write 1.0 requests.
func writeRound(at time.Time, round int) ([]request, error) {
	var out []request
	for first := 0; first < seriesCount; first += perRequest {
		var w prompb.WriteRequest
		for i := first; i < first+perRequest; i++ {
			w.Timeseries = append(w.Timeseries, prompb.TimeSeries{Labels: labelsOf(i),
				Samples: []prompb.Sample{{Timestamp: at.UnixMilli(), Value: float64(round * (i%7 + 1))}}})
		}
		plain, err := proto.Marshal(&w)
		if err != nil {
			return nil, err
		}
		out = append(out, request{snappy.Encode(nil, plain), perRequest})
	}
	return out, nil
}

// labelsOf are the ten labels of a series such as a service in Kubernetes has, sorted by name.
func labelsOf(i int) []prompb.Label {
	pod := i / 20
	return []prompb.Label{
		{Name: "__name__", Value: "http_requests_total"},
		{Name: "cluster", Value: "eu-1"},
		{Name: "code", Value: []string{"200", "201", "404", "500"}[i%4]},
		{Name: "container", Value: "app"},
		{Name: "instance", Value: fmt.Sprintf("10.0.%d.%d:8080", pod/250, pod%250)},
		{Name: "job", Value: fmt.Sprintf("service-%d", pod/10)},
		{Name: "method", Value: []string{"GET", "POST", "PUT", "DELETE", "HEAD"}[i/4%5]},
		{Name: "namespace", Value: "production"},
		{Name: "pod", Value: fmt.Sprintf("service-%d-7c9d8b6f5-%05d", pod/10, pod)},
		{Name: "zone", Value: "a"},
	}
}

// otlpRound is one point of every series as OTLP requests, ten resources each.
func otlpRound(at time.Time, round int) ([]request, error) {
	const points = 200 // of one resource
	var out []request
	for first := 0; first < seriesCount; first += perRequest {
		md := pmetric.NewMetrics()
		for r := first; r < first+perRequest; r += points {
			rm := md.ResourceMetrics().AppendEmpty()
			rm.Resource().Attributes().PutStr("service.name", fmt.Sprintf("service-%d", r/points))
			rm.Resource().Attributes().PutStr("service.instance.id", fmt.Sprintf("pod-%d", r/points))
			m := rm.ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
			m.SetName("http.server.requests")
			sum := m.SetEmptySum()
			sum.SetIsMonotonic(true)
			sum.SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
			for i := range points {
				p := sum.DataPoints().AppendEmpty()
				p.SetTimestamp(pcommon.NewTimestampFromTime(at))
				p.SetStartTimestamp(pcommon.NewTimestampFromTime(at.Add(-time.Duration(round+1) * 15 * time.Second)))
				p.SetDoubleValue(float64(round * (i%7 + 1)))
				p.Attributes().PutStr("http.route", fmt.Sprintf("/api/v1/things/%d", i/20))
				p.Attributes().PutStr("http.request.method", []string{"GET", "POST", "PUT", "DELETE", "HEAD"}[i%5])
				p.Attributes().PutInt("http.response.status_code", []int64{200, 201, 404, 500}[i/5%4])
			}
		}
		body, err := pmetricotlp.NewExportRequestFromMetrics(md).MarshalProto()
		if err != nil {
			return nil, err
		}
		out = append(out, request{body, perRequest})
	}
	return out, nil
}
