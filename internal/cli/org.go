package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
)

func orgCommand(e *env) *cobra.Command {
	c := &cobra.Command{Use: "org", Short: "The org directory that a server has in force", GroupID: "look", Args: cobra.NoArgs, Example: "  evenkeel org show",
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var versions bool
	show := &cobra.Command{Use: "show", Short: "Show the version in force, and what is wrong with a newer one", Args: cobra.NoArgs,
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
	c.AddCommand(show)
	return c
}

func orgTable(o api.Org) table {
	t := table{head: []string{"what", "value"}}
	row := func(what string, value any) { t.rows = append(t.rows, []string{what, fmt.Sprint(value)}) }
	row("organisation", o.Organisation)
	row("directory", o.Source)
	row("version", o.Version)
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
		t.rows = append(t.rows, []string{v.Version, clock(&v.At), state, fmt.Sprint(v.Files), fmt.Sprint(v.Changed), fmt.Sprint(v.Errors)})
	}
	return e.print(list, t)
}
