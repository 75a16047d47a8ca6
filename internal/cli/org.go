package cli

import (
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
)

func orgCommand(e *env) *cobra.Command {
	return group(&cobra.Command{Use: "org", Short: "The org directory that a server has in force", GroupID: "look", Example: "  evenkeel org show"},
		orgShowCommand(e), orgReloadCommand(e))
}

func orgShowCommand(e *env) *cobra.Command {
	var versions bool
	show := &cobra.Command{Use: "show", Short: "Show the version in force, and what is wrong with a newer one", Args: wants(0, 0),
		Long:    `Shows the version in force. Exit code 1 when a newer version lies in the directory and was refused: its errors are listed.`,
		Example: "  evenkeel org show\n  evenkeel org show --versions",
		RunE: func(c *cobra.Command, _ []string) error {
			if versions {
				return e.printVersions(c)
			}
			var o api.Org
			if err := e.get(c.Context(), "/api/v1/org", &o); err != nil {
				return err
			}
			if err := e.print(o, orgTable(o)); err != nil {
				return err
			}
			if o.Refused == nil {
				return nil
			}
			fmt.Fprintf(e.Err, "A newer version was refused at %s; the one above stays in force:\n", clock(&o.Refused.At))
			for _, p := range o.Refused.Problems {
				fmt.Fprintln(e.Err, p)
			}
			return findings()
		}}
	show.Flags().BoolVar(&versions, "versions", false, "list the versions applied and refused")
	return show
}

func orgReloadCommand(e *env) *cobra.Command {
	return &cobra.Command{Use: "reload", Short: "Let the server read its org directory now", Args: wants(0, 0),
		Long: `The server watches the directory by itself; this waits until it has read it. Exit code 1 when the version has errors: they
are listed, and the version in force stays.`,
		Example: "  evenkeel org reload",
		RunE: func(c *cobra.Command, _ []string) error {
			var o api.Org
			if err := e.ask(c.Context(), http.MethodPost, "/api/v1/org/reload", nil, &o); err != nil {
				return err
			}
			return e.print(o, orgTable(o))
		}}
}

func orgTable(o api.Org) table {
	t := table{head: []string{"what", "value"}}
	row := func(what string, value any) { t.add(what, fmt.Sprint(value)) }
	row("organisation", o.Organisation)
	row("directory", o.Source)
	row("version", o.Version)
	if o.Commit != "" {
		row("commit", o.Commit)
	}
	row("files", len(o.Files))
	for _, k := range sortedKeys(o.Entities) {
		row(k, o.Entities[k])
	}
	row("objectives", o.Objectives)
	row("problems", len(o.Problems))
	return t
}

func (e *env) printVersions(c *cobra.Command) error {
	list, err := atMost[api.OrgVersion](c.Context(), e, "/api/v1/org/versions", 200)
	if err != nil {
		return err
	}
	t := table{head: []string{"version", "at", "state", "files", "changed", "errors"}, empty: "No version was applied yet."}
	for _, v := range list {
		state := "applied"
		if v.Refused {
			state = "refused"
		}
		t.add(v.Version, v.At, state, v.Files, v.Changed, v.Errors)
	}
	return e.print(list, t)
}
