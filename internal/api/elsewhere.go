package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"evenkeel.dev/evenkeel/internal/kit"
)

// description is where the API says what it can.
const description = "/api/openapi.json"

// elsewhere answers what is under /api/ and no operation: the way to the description, or a problem that names it.
func elsewhere(mux *http.ServeMux) {
	for _, start := range []string{"/api", "/api/{$}", "/api/v1", "/api/v1/{$}"} {
		mux.Handle("GET "+start, http.RedirectHandler(description, http.StatusTemporaryRedirect))
	}
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		allowed := methods(mux, r)
		if len(allowed) == 0 && ofPrometheus(r.URL.Path) {
			writeProblem(w, http.StatusNotFound, "the Prometheus API is under /prometheus here: use /prometheus"+r.URL.Path)
			return
		}
		if len(allowed) == 0 {
			writeProblem(w, http.StatusNotFound, r.URL.Path+" is no operation of this API; "+description+" lists those there are")
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeProblem(w, http.StatusMethodNotAllowed, r.URL.Path+" knows "+strings.Join(allowed, ", ")+" and not "+r.Method)
	})
}

// ofPrometheus says whether somebody looks for the Prometheus API, which programs ask under the address they are given.
func ofPrometheus(path string) bool {
	rest, ok := strings.CutPrefix(path, "/api/v1/")
	first, _, _ := strings.Cut(rest, "/")
	return ok && slices.Contains([]string{"query", "query_range", "query_exemplars", "format_query", "parse_query", "series", "labels", "label", "metadata", "status", "targets", "rules",
		"alertmanagers", "write", "read", "otlp"}, first)
}

// methods are those that a path has operations for; none for a path that is no operation's.
func methods(mux *http.ServeMux, r *http.Request) []string {
	var out []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		other := r.Clone(r.Context())
		other.Method = m
		if _, pattern := mux.Handler(other); pattern != "/api/" {
			out = append(out, m)
		}
	}
	return slices.Clip(out)
}

// Refuse answers a request to the API whose sender could not be made out.
func Refuse(w http.ResponseWriter, err error) {
	status := http.StatusUnauthorized
	if kit.CodeOf(err) != kit.Denied {
		status = http.StatusServiceUnavailable
	}
	writeProblem(w, status, err.Error())
}

func writeProblem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: detail}) // a reader that went away is no failure of ours
}

// wording puts one sentence in the place of huma's own, which says that something is wrong and not what.
func wording(_ huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*huma.ErrorModel); ok && p.Detail == "validation failed" {
		p.Detail = wrongValues
	}
	return v, nil
}
