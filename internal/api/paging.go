package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Paging is the part of a list's query that every list has. A cursor names the last item seen, so pages stay right while
// the list changes.
type Paging struct {
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"Items a page"`
	Cursor string `query:"cursor" doc:"next of the page before"`
}

// Conditional answers 304 where the caller has the current answer already.
type Conditional struct {
	IfNoneMatch string `header:"If-None-Match" doc:"ETags of answers the caller holds"`
}

// page is one page of a list.
type page[T any] struct {
	ETag string `header:"ETag"`
	Body list[T]
}

type list[T any] struct {
	Items []T    `json:"items"`
	Total int    `json:"total" doc:"How many match; -1 = not counted"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page; absent on the last"`
}

// one is a single thing.
type one[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

// cut takes a page out of a list that is sorted by a unique text.
func cut[T any](p Paging, c Conditional, all []T, name func(T) string) (*page[T], error) {
	begin := 0
	if p.Cursor != "" {
		after, err := base64.RawURLEncoding.DecodeString(p.Cursor)
		if err != nil {
			return nil, errCursor
		}
		i, found := slices.BinarySearchFunc(all, string(after), func(x T, t string) int { return strings.Compare(name(x), t) })
		begin = i
		if found {
			begin++
		}
	}
	return pageOf(p, c, all, begin, name)
}

func pageOf[T any](p Paging, c Conditional, all []T, begin int, name func(T) string) (*page[T], error) {
	end := min(begin+p.Limit, len(all))
	out := &page[T]{Body: list[T]{Items: append([]T{}, all[begin:end]...), Total: len(all)}}
	if end < len(all) {
		out.Body.Next = base64.RawURLEncoding.EncodeToString([]byte(name(all[end-1])))
	}
	var err error
	out.ETag, err = c.tag(out.Body)
	return out, err
}

// cutRanked takes a page out of a list in any order of unique names. A page that follows one whose last item has left
// the list begins anew.
func cutRanked[T any](p Paging, c Conditional, all []T, name func(T) string) (*page[T], error) {
	begin := 0
	if p.Cursor != "" {
		after, err := base64.RawURLEncoding.DecodeString(p.Cursor)
		if err != nil {
			return nil, errCursor
		}
		begin = slices.IndexFunc(all, func(x T) bool { return name(x) == string(after) }) + 1
	}
	return pageOf(p, c, all, begin, name)
}

// tagged gives one thing its ETag.
func tagged[T any](c Conditional, v T) (*one[T], error) {
	etag, err := c.tag(v)
	return &one[T]{ETag: etag, Body: v}, err
}

// tag is the digest of an answer; the error says that the caller has it.
func (c Conditional) tag(v any) (string, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode answer: %w", err)
	}
	sum := sha256.Sum256(body)
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	if c.has(etag) {
		return "", unchanged{huma.ErrorWithHeaders(huma.Status304NotModified(), http.Header{"ETag": {etag}})}
	}
	return etag, nil
}

// has says whether the caller holds an answer (RFC 9110, 13.1.2).
func (c Conditional) has(etag string) bool {
	for held := range strings.SplitSeq(c.IfNoneMatch, ",") {
		if held = strings.TrimSpace(held); held == "*" || strings.TrimPrefix(held, "W/") == etag {
			return true
		}
	}
	return false
}

// unchanged passes through toProblem as it is.
type unchanged struct{ error }
