package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// completionTime bounds what a shell waits for names.
const completionTime = time.Second

type pageOf[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// all reads every page of a list; never nil.
func all[T any](ctx context.Context, e *env, path string) ([]T, error) {
	return atMost[T](ctx, e, path, 1<<30)
}

// atMost reads pages until there are n items.
func atMost[T any](ctx context.Context, e *env, path string, n int) ([]T, error) {
	out := []T{}
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for cursor := ""; ; {
		var p pageOf[T]
		if err := e.get(ctx, fmt.Sprintf("%s%slimit=%d&cursor=%s", path, sep, min(n-len(out), 1000), url.QueryEscape(cursor)), &p); err != nil {
			return nil, err
		}
		out = append(out, p.Items...)
		if p.Next == "" || len(out) >= n {
			return out, nil
		}
		cursor = p.Next
	}
}

// query makes the query of a path from pairs; empty values are left out.
func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// names completes the first argument with the names of a list, as far as the server answers at once.
func names[T any](e *env, path string, name func(T) string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, done := context.WithTimeout(c.Context(), completionTime)
		defer done()
		list, _ := all[T](ctx, e, path) // no completion when it does not answer
		var out []string
		for _, x := range list {
			out = append(out, name(x))
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
}
