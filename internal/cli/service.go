package cli

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
)

func serviceCommand(e *env) *cobra.Command {
	return group(&cobra.Command{Use: "service", Short: "Services of the catalog", GroupID: "look", Example: "  evenkeel service show checkout"},
		serviceListCommand(e), serviceShowCommand(e))
}

func serviceListCommand(e *env) *cobra.Command {
	var at, owner, tier string
	c := &cobra.Command{Use: "ls", Aliases: []string{"list"}, Short: "List services with tier, owner and state", Args: wants(0, 0),
		Example: "  evenkeel service ls --tier 0\n  evenkeel service ls --at 2026-09-01 --owner group:default/payments",
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := all[api.Service](c.Context(), e, "/api/v1/services"+query("at", at, "owner", owner, "tier", tier))
			if err != nil {
				return err
			}
			t := table{head: []string{"name", "tier", "owner", "system", "state", "objectives", "calls/s", "errors"}, empty: "No services match."}
			for _, s := range list {
				rate := opt(s.Traffic, func(t api.Traffic) float64 { return t.Rate })
				errors := opt(s.Traffic, func(t api.Traffic) share { return share(t.Errors) })
				t.add(s.Name, tierCell(s.Tier), s.Owner, s.System, s.State, len(s.Objectives), rate, errors)
			}
			return e.print(list, t)
		}}
	c.Flags().StringVar(&at, "at", "", "the catalog as it stood then: RFC 3339, a day, or an age such as 7d")
	c.Flags().StringVar(&owner, "owner", "", "only this group's or user's")
	c.Flags().StringVar(&tier, "tier", "", "only this tier, 0 to 3 or none")
	return c
}

func serviceShowCommand(e *env) *cobra.Command {
	var at string
	c := &cobra.Command{Use: "show NAME", Short: "Show one service: owner, needs, ceiling", Args: wants(1, 1),
		Example:           "  evenkeel service show checkout\n  evenkeel service show checkout --at 30d",
		ValidArgsFunction: names(e, "/api/v1/services", func(s api.Service) string { return s.Name }),
		RunE: func(c *cobra.Command, args []string) error {
			var s api.ServiceDetail
			if err := e.get(c.Context(), "/api/v1/services/"+url.PathEscape(args[0])+query("at", at), &s); err != nil {
				return err
			}
			t := table{head: []string{"what", "value"}}
			row := func(what, value string) {
				if value != "" {
					t.add(what, value)
				}
			}
			row("name", s.Name)
			row("title", s.Title)
			row("tier", human(tierCell(s.Tier)))
			row("owner", s.Owner)
			row("on call", s.OnCall)
			row("state", s.State)
			row("objectives", strings.Join(s.Objectives, ", "))
			for _, n := range s.Needs {
				row("needs", needWords(n))
			}
			row("needed by", strings.Join(s.Dependents, ", "))
			if s.Ceiling != nil {
				row("ceiling", fmt.Sprintf("%.4f%% when failures never fall together, %.4f%% when they always do", 100*s.Ceiling.Serial, 100*s.Ceiling.Best))
			}
			if s.File != "" {
				row("defined in", fmt.Sprintf("%s:%d", s.File, s.Line))
			}
			return e.print(s, t)
		}}
	c.Flags().StringVar(&at, "at", "", "as it stood then: RFC 3339, a day, or an age such as 7d")
	return c
}

func needWords(n api.Need) string {
	s := strings.Join(n.Of, ", ")
	if len(n.Of) > 1 {
		s = fmt.Sprintf("%d of %s", n.AtLeast, s)
	}
	switch {
	case n.Hard:
	case n.Impact > 0:
		s += fmt.Sprintf(" (soft, %s of requests fail without it)", human(share(n.Impact)))
	default:
		s += " (soft)"
	}
	return s
}
