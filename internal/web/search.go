package web

import (
	"encoding/json"
	"net/http"
	"strings"
)

// search answers the palette: things whose names hold the words.
func (w *Web) search(rw http.ResponseWriter, r *http.Request) {
	if !w.s.Who(r).Can(Read) {
		http.Error(rw, "sign in first", http.StatusUnauthorized)
		return
	}
	hits := []Hit{}
	if words := strings.TrimSpace(r.URL.Query().Get("q")); words != "" && w.s.Search != nil {
		found, err := w.s.Search(r.Context(), short(200, words), 10)
		if err != nil {
			w.log.Error("search failed", "err", err)
			http.Error(rw, "search failed", http.StatusInternalServerError)
			return
		}
		hits = append(hits, found...)
	}
	answer(rw, r, map[string]any{"items": hits})
}

// complete answers Explore's field: metric names that begin with, then hold, what was typed.
func (w *Web) complete(rw http.ResponseWriter, r *http.Request) {
	if !w.s.Who(r).Can(QueryMetrics) {
		http.Error(rw, "sign in first", http.StatusUnauthorized)
		return
	}
	q := r.URL.Query()
	if metric := q.Get("metric"); metric != "" && w.s.Labels != nil {
		labels, err := w.s.Labels(r.Context(), short(200, metric), short(200, q.Get("label")), 100)
		if err != nil {
			http.Error(rw, sentenceOf(err), statusOf(err))
			return
		}
		answer(rw, r, map[string]any{"items": labels})
		return
	}
	names, err := w.s.Names(r.Context(), short(200, q.Get("q")), 30)
	if err != nil {
		http.Error(rw, sentenceOf(err), statusOf(err))
		return
	}
	answer(rw, r, map[string]any{"items": names})
}

func answer(rw http.ResponseWriter, r *http.Request, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(rw, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Cache-Control", "private, no-cache")
	reply(rw, r, body, http.StatusOK)
}
