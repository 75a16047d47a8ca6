package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"
)

var findPage = Page{
	Route: "GET /find", Tmpl: "find.html", View: findView{}, Needs: Read, Load: loadFind,
}

type findView struct {
	Base
	Words string
	Hits  []Hit
	Seq   int64 // the words are the number of a fact
}

// loadFind is the search box without scripts: a list of links.
func loadFind(ctx context.Context, s Sources, r *http.Request) (any, error) {
	v := findView{Base: base(ctx, s, r)}
	v.Words = short(200, strings.TrimSpace(v.Query("q")))
	if n, err := strconv.ParseInt(strings.NewReplacer("#", "", ",", "").Replace(v.Words), 10, 64); err == nil && n > 0 && s.Fact != nil {
		v.Seq = n
	}
	if v.Words == "" || s.Search == nil {
		return v, nil
	}
	var err error
	v.Hits, err = s.Search(ctx, v.Words, 50)
	return v, err
}
