package assess

import "time"

// Convention is one well-known way in which services show their requests. All of them are listed in Conventions.
type Convention struct {
	Name    string        // for people, "OpenTelemetry HTTP server"
	Total   string        // metric: a counter of requests, or the gauge
	Service []string      // labels that may name the service; the first one that is filled does
	Scope   []string      // labels that tell services of one name apart
	Fixed   string        // matchers that always hold, `reporter="destination"`; "" = none
	Codes   []string      // labels that may hold the outcome; the first one that a service has counts
	Failed  string        // regular expression of outcomes that are the server's fault
	Bucket  string        // metric: classic histogram of latency; "" = none
	Unit    time.Duration // of the histogram's bounds
	Gauge   bool          // Total is 1 while the service is well, 0 while it is not
}

const (
	http5xx   = "5.."
	grpcWords = "Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"
	grpcUpper = "UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS"
	grpcCodes = "2|4|12|13|14|15"
)

// Conventions lists what services are found by, the most telling first: what a service says about itself, then what a
// proxy before it says, then probes, then whether it can be scraped at all. A service that several show is taken from
// the first. Sources: OpenTelemetry semantic conventions 1.20 and 1.37 (HTTP and RPC metrics), client_golang's promhttp,
// go-grpc-middleware, and the metric references of Istio, Envoy, ingress-nginx and Traefik.
var Conventions = []Convention{
	{Name: "OpenTelemetry HTTP server", Total: "http_server_request_duration_seconds_count", Service: []string{"job", "service_name"},
		Codes: []string{"http_response_status_code"}, Failed: http5xx, Bucket: "http_server_request_duration_seconds_bucket", Unit: time.Second},
	{Name: "OpenTelemetry HTTP server, before 1.21", Total: "http_server_duration_milliseconds_count", Service: []string{"job", "service_name"},
		Codes: []string{"http_status_code", "http_response_status_code"}, Failed: http5xx, Bucket: "http_server_duration_milliseconds_bucket", Unit: time.Millisecond},
	{Name: "OpenTelemetry HTTP server, before 1.21, in seconds", Total: "http_server_duration_seconds_count", Service: []string{"job", "service_name"},
		Codes: []string{"http_status_code", "http_response_status_code"}, Failed: http5xx, Bucket: "http_server_duration_seconds_bucket", Unit: time.Second},
	{Name: "OpenTelemetry RPC server", Total: "rpc_server_call_duration_seconds_count", Service: []string{"job", "service_name"},
		Codes: []string{"rpc_response_status_code"}, Failed: grpcUpper, Bucket: "rpc_server_call_duration_seconds_bucket", Unit: time.Second},
	{Name: "OpenTelemetry RPC server, in milliseconds", Total: "rpc_server_duration_milliseconds_count", Service: []string{"job", "service_name"},
		Codes: []string{"rpc_grpc_status_code"}, Failed: grpcCodes, Bucket: "rpc_server_duration_milliseconds_bucket", Unit: time.Millisecond},
	{Name: "http_requests_total", Total: "http_requests_total", Service: []string{"job", "service", "app"},
		Codes: []string{"code", "status", "status_code"}, Failed: "5..|5xx", Bucket: "http_request_duration_seconds_bucket", Unit: time.Second},
	{Name: "http_request_duration_seconds", Total: "http_request_duration_seconds_count", Service: []string{"job", "service", "app"},
		Codes: []string{"code", "status", "status_code"}, Failed: "5..|5xx", Bucket: "http_request_duration_seconds_bucket", Unit: time.Second},
	{Name: "gRPC server (go-grpc-middleware)", Total: "grpc_server_handled_total", Service: []string{"job", "service", "app"},
		Codes: []string{"grpc_code"}, Failed: grpcWords, Bucket: "grpc_server_handling_seconds_bucket", Unit: time.Second},
	{Name: "Istio", Total: "istio_requests_total", Service: []string{"destination_canonical_service", "destination_service_name", "destination_workload"},
		Scope: []string{"destination_workload_namespace"}, Fixed: `reporter="destination"`,
		Codes: []string{"response_code"}, Failed: http5xx, Bucket: "istio_request_duration_milliseconds_bucket", Unit: time.Millisecond},
	{Name: "NGINX ingress", Total: "nginx_ingress_controller_requests", Service: []string{"exported_service", "ingress"},
		Scope: []string{"exported_namespace"}, Codes: []string{"status"}, Failed: http5xx,
		Bucket: "nginx_ingress_controller_request_duration_seconds_bucket", Unit: time.Second},
	{Name: "Traefik", Total: "traefik_service_requests_total", Service: []string{"exported_service", "service"},
		Codes: []string{"code"}, Failed: http5xx, Bucket: "traefik_service_request_duration_seconds_bucket", Unit: time.Second},
	{Name: "Envoy cluster", Total: "envoy_cluster_upstream_rq_xx", Service: []string{"envoy_cluster_name"},
		Codes: []string{"envoy_response_code_class"}, Failed: "5", Bucket: "envoy_cluster_upstream_rq_time_bucket", Unit: time.Millisecond},
	{Name: "Envoy listener", Total: "envoy_http_downstream_rq_xx", Service: []string{"envoy_http_conn_manager_prefix"},
		Codes: []string{"envoy_response_code_class"}, Failed: "5", Bucket: "envoy_http_downstream_rq_time_bucket", Unit: time.Millisecond},
	{Name: "probe", Total: "probe_success", Service: []string{"service", "probe", "instance", "job"}, Gauge: true},
	{Name: "scrape (up)", Total: "up", Service: []string{"job"}, Gauge: true},
}
