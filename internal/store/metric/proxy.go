package metric

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// readPaths are what the Prometheus API of a remote source is passed on for; anything that changes its state is not.
var readPaths = []string{"query", "query_range", "query_exemplars", "series", "labels", "label/", "metadata", "format_query",
	"parse_query", "status/buildinfo", "status/tsdb", "rules", "alerts", "targets"}

// Handler serves /api/v1/... by passing reading questions on to the source, with our credentials and without the
// caller's. Remote write and OTLP are forwarded to metrics.write_url, or refused with the reason.
func (r *Remote) Handler() http.Handler {
	proxy := &httputil.ReverseProxy{
		Transport: r.client.Transport,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL = r.base.JoinPath(p.In.URL.EscapedPath())
			p.Out.URL.RawQuery = p.In.URL.RawQuery
			p.Out.Host = ""
			dropCredentials(p.Out.Header)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { writeError(w, r.unreachable(err)) },
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/v1/", func(w http.ResponseWriter, req *http.Request) {
		if !passedOn(req) {
			http.Error(w, "this part of the Prometheus API is not passed on to "+r.base.Redacted(), http.StatusNotFound)
			return
		}
		req.Body = http.MaxBytesReader(w, req.Body, 1<<20)
		proxy.ServeHTTP(w, req)
	})
	mux.Handle("POST /api/v1/write", r.writeProxy())
	mux.HandleFunc("POST /api/v1/otlp/v1/metrics", func(w http.ResponseWriter, req *http.Request) {
		serveOTLP(w, req, defaultBody, r.WriteOTLP)
	})
	return mux
}

const defaultBody = 16 << 20

func passedOn(req *http.Request) bool {
	if req.Method != http.MethodGet && req.Method != http.MethodPost {
		return false
	}
	path := strings.TrimPrefix(req.URL.Path, "/api/v1/")
	for _, p := range readPaths {
		if path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(path, p) && strings.HasSuffix(path, "/values") {
			return true
		}
	}
	return false
}

func (r *Remote) writeProxy() http.Handler {
	to, _ := url.Parse(r.opt.WriteURL) // checked by NewRemote
	proxy := &httputil.ReverseProxy{
		Transport: r.client.Transport,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL, p.Out.Host = to, ""
			dropCredentials(p.Out.Header)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { writeError(w, r.unreachable(err)) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := r.canForward(); err != nil {
			writeError(w, err)
			return
		}
		if err := tooLong(req, defaultBody); err != nil {
			writeError(w, err)
			return
		}
		req.Body = http.MaxBytesReader(w, req.Body, defaultBody)
		proxy.ServeHTTP(w, req)
	})
}

func dropCredentials(h http.Header) {
	for _, name := range []string{"Authorization", "Cookie", "X-Forwarded-For", "Origin", "Referer"} {
		h.Del(name)
	}
}
