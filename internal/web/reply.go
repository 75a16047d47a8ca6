package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

// write answers HTML with an ETag and, where it pays and the browser reads it, gzip.
func write(rw http.ResponseWriter, r *http.Request, body []byte, status int) {
	h := rw.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-cache")
	}
	h.Add("Vary", "Cookie")
	reply(rw, r, body, status)
}

func reply(rw http.ResponseWriter, r *http.Request, body []byte, status int) {
	h := rw.Header()
	h.Add("Vary", "Accept-Encoding")
	if status == http.StatusOK {
		sum := sha256.Sum256(body)
		tag := `W/"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
		h.Set("ETag", tag)
		if strings.Contains(r.Header.Get("If-None-Match"), tag) {
			rw.WriteHeader(http.StatusNotModified)
			return
		}
	}
	if len(body) < 1024 || !acceptsGzip(r) {
		rw.WriteHeader(status)
		_, _ = rw.Write(body) // a reader who went away is not our error
		return
	}
	h.Set("Content-Encoding", "gzip")
	rw.WriteHeader(status)
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	z.Reset(rw)
	_, _ = z.Write(body)
	_ = z.Close()
}

var zippers = sync.Pool{New: func() any { z, _ := gzip.NewWriterLevel(io.Discard, 5); return z }}

func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name == "gzip" && strings.ReplaceAll(params, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// static answers the embedded files, compressed once; a browser asks again only whether they changed.
func (w *Web) static(dir fs.FS) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		name := path.Clean(r.URL.Path)
		body, err := fs.ReadFile(dir, name)
		if err != nil {
			http.NotFound(rw, r)
			return
		}
		kind := mime.TypeByExtension(path.Ext(name))
		if strings.HasSuffix(name, ".js") {
			kind = "text/javascript; charset=utf-8" // not what a machine's registry may say
			body = bytes.ReplaceAll(body, []byte("__LIVE__"), []byte("/live"))
		}
		rw.Header().Set("Content-Type", kind)
		rw.Header().Set("Cache-Control", "no-cache")
		reply(rw, r, body, http.StatusOK)
	})
}
