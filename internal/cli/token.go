package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/auth"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

func tokenCommand(e *env) *cobra.Command {
	return group(&cobra.Command{Use: "token", Short: "API tokens: issue, list, revoke", GroupID: "keep",
		Long: `Tokens let people and programs in. With --data they are handled without a server, which is how the first one is made;
without it by the server that EVENKEEL_URL names, with an admin's token.`,
		Example: "  evenkeel token create --data ./data --name ines --role admin"},
		tokenCreateCommand(e), tokenListCommand(e), tokenRevokeCommand(e))
}

// operator is the person at the terminal, who can read the data directory.
func operator() auth.Caller {
	name := "terminal"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	return auth.Caller{Name: name, Role: auth.Admin, Via: "terminal"}
}

func tokenCreateCommand(e *env) *cobra.Command {
	var at place
	var name, role, life string
	var teams, scopes []string
	c := &cobra.Command{
		Use: "create", Short: "Issue a token; its secret is printed once", Args: wants(0, 0),
		Long: `Issues a token and prints its secret on standard output, alone, so that a script can keep it. It is not stored and cannot
be shown again. The act is a fact in the ledger.`,
		Example: "  evenkeel token create --data ./data --name ines --role admin\n  evenkeel token create --name ci --role operator --scope metrics.write --life 30d",
		RunE: func(c *cobra.Command, _ []string) error {
			span, err := kit.ParseSpan(life)
			if err != nil {
				return usage("--life: %w", err)
			}
			var t api.NewToken
			if at.given() {
				t, err = createOffline(c.Context(), &at, auth.Token{Name: name, Role: auth.Role(role), Teams: teams, Scopes: rights(scopes)}, span)
			} else {
				ask := map[string]any{"name": name, "role": role, "life": life}
				if len(teams) > 0 {
					ask["teams"] = teams
				}
				if len(scopes) > 0 {
					ask["scopes"] = scopes
				}
				err = e.ask(c.Context(), http.MethodPost, "/api/v1/tokens", ask, &t)
			}
			if err != nil {
				return err
			}
			if e.format != "table" {
				return e.print(t, table{head: []string{"id", "name", "role", "expires", "secret"}, rows: [][]any{{t.ID, t.Name, t.Role, t.Expires, t.Secret}}})
			}
			fmt.Fprintf(e.Err, "Token %s for %s, %s, until %s. This is the only time it is shown:\n", t.ID, t.Name, t.Role, t.Expires.Format(time.DateOnly))
			fmt.Fprintln(e.Out, t.Secret)
			return nil
		},
	}
	at.flags(c)
	f := c.Flags()
	f.StringVar(&name, "name", "", "who or what will use it")
	f.StringVar(&role, "role", "", "viewer, responder, owner, operator, auditor or admin")
	f.StringSliceVar(&teams, "team", nil, "team of an owner, such as group:default/payments; may be repeated")
	f.StringSliceVar(&scopes, "scope", nil, "right to narrow it to, such as metrics.write; may be repeated")
	f.StringVar(&life, "life", "90d", "how long it works, at most 366d")
	_ = c.MarkFlagRequired("name") // fails only for a flag that does not exist
	_ = c.MarkFlagRequired("role")
	_ = c.RegisterFlagCompletionFunc("role", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, r := range auth.Roles {
			out = append(out, string(r))
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
	_ = c.RegisterFlagCompletionFunc("scope", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var out []string
		for _, r := range auth.Rights {
			out = append(out, string(r.Right)+"\t"+r.Means)
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	})
	return c
}

func createOffline(ctx context.Context, at *place, t auth.Token, life time.Duration) (out api.NewToken, err error) {
	err = at.with(ctx, true, func(l *ledger.Ledger) error {
		k, err := auth.Open(ctx, l)
		if err != nil {
			return err
		}
		secret, issued, err := k.Issue(ctx, t, life, operator(), time.Now())
		out = api.NewToken{Token: api.TokenOf(issued, time.Now()), Secret: secret}
		return err
	})
	return out, err
}

func rights(texts []string) []auth.Right {
	var out []auth.Right
	for _, t := range texts {
		out = append(out, auth.Right(t))
	}
	return out
}

func tokenListCommand(e *env) *cobra.Command {
	var at place
	c := &cobra.Command{Use: "ls", Aliases: []string{"list"}, Short: "List tokens, without their secrets", Args: wants(0, 0), Example: "  evenkeel token ls --data ./data",
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := e.tokens(c.Context(), &at)
			if err != nil {
				return err
			}
			t := table{head: []string{"id", "name", "role", "state", "expires", "used", "by"}, empty: "No tokens. Make one with: evenkeel token create --name NAME --role ROLE"}
			for _, x := range list {
				t.add(x.ID, x.Name, x.Role, x.State, x.Expires, x.Used, x.By)
			}
			return e.print(list, t)
		}}
	at.flags(c)
	return c
}

func (e *env) tokens(ctx context.Context, at *place) (list []api.Token, err error) {
	if !at.given() {
		return all[api.Token](ctx, e, "/api/v1/tokens")
	}
	list = []api.Token{}
	err = at.with(ctx, false, func(l *ledger.Ledger) error {
		k, err := auth.Open(ctx, l)
		if err != nil {
			return err
		}
		found, err := k.List(ctx)
		for _, t := range found {
			list = append(list, api.TokenOf(t, time.Now()))
		}
		return err
	})
	return list, err
}

func tokenRevokeCommand(e *env) *cobra.Command {
	var at place
	c := &cobra.Command{Use: "revoke ID", Short: "Revoke a token and its browser sessions at once", Args: wants(1, 1), Example: "  evenkeel token revoke 3f9a1c22b07e",
		ValidArgsFunction: func(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			ctx, done := context.WithTimeout(c.Context(), completionTime)
			defer done()
			list, _ := e.tokens(ctx, &at) // no completion when it does not answer
			var out []string
			for _, t := range list {
				if t.State == "active" {
					out = append(out, t.ID+"\t"+t.Name)
				}
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error {
			ctx, id := c.Context(), strings.TrimSpace(args[0])
			var err error
			if at.given() {
				err = at.with(ctx, false, func(l *ledger.Ledger) error {
					k, err := auth.Open(ctx, l)
					if err != nil {
						return err
					}
					return k.Revoke(ctx, id, operator(), time.Now())
				})
			} else {
				err = e.ask(ctx, http.MethodDelete, "/api/v1/tokens/"+url.PathEscape(id), nil, nil)
			}
			if err != nil {
				return err
			}
			return e.done("token " + id + " revoked; it and its browser sessions work no longer")
		}}
	at.flags(c)
	return c
}
