package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/org"
)

func lintCommand(e *env) *cobra.Command {
	var asJSON, asSARIF, strict, rules bool
	var schema string
	c := &cobra.Command{
		Use: "lint [DIR]", Short: "Check an org directory, file by file", GroupID: "keep", Args: wants(0, 1),
		Long: `Reads an org directory as the server would and prints what is wrong with it, "file:line:column: problem; remedy".
Exit code 1 when it has errors: the server would keep its last good version.`,
		Example: "  evenkeel lint ./org\n  evenkeel lint --sarif ./org >lint.sarif\n  evenkeel lint --schema evenkeel.schema.json >evenkeel.schema.json",
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case schema != "":
				return e.printSchema(schema)
			case rules:
				return e.printRules()
			case len(args) == 0:
				return usage("name the org directory: evenkeel lint DIR")
			case asJSON && asSARIF:
				return usage("choose one of --json and --sarif")
			}
			d, problems := org.Load(args[0], org.Options{Strict: strict})
			var err error
			switch {
			case asSARIF:
				err = org.WriteSARIF(e.Out, Version(), problems)
			case asJSON || e.format != "table":
				err = e.as(asJSON, "json").print(org.ReportOf(d, problems), problemTable(problems))
			default:
				err = org.WriteText(e.Out, d, problems)
			}
			if err == nil && org.Failed(problems) {
				err = findings()
			}
			return err
		},
	}
	f := c.Flags()
	f.BoolVar(&asJSON, "json", false, "print one JSON report, as -o json does")
	f.BoolVar(&asSARIF, "sarif", false, "print SARIF 2.1.0, for code hosts")
	f.BoolVar(&strict, "strict", false, "refuse what the OpenSLO specification refuses, and references that lead nowhere")
	f.BoolVar(&rules, "rules", false, "list the rules")
	f.StringVar(&schema, "schema", "", "print a JSON Schema for editors: "+schemaNames())
	return c
}

func problemTable(problems []kit.Problem) table {
	t := table{head: []string{"file", "line", "column", "severity", "rule", "problem", "remedy"}}
	for _, p := range problems {
		t.add(p.File, p.Line, p.Column, string(p.Severity), p.Rule, p.Msg, p.Remedy)
	}
	return t
}

func schemaNames() string {
	var names []string
	for _, s := range org.Schemas() {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}

func (e *env) printSchema(name string) error {
	for _, s := range org.Schemas() {
		if s.Name == name {
			_, err := fmt.Fprintln(e.Out, string(s.JSON))
			return err
		}
	}
	return usage("schema %q does not exist; use one of %s", name, schemaNames())
}

func (e *env) printRules() error {
	t := table{head: []string{"rule", "severity", "finds"}}
	for _, r := range org.Rules {
		t.add(r.ID, string(r.Severity), r.Title)
	}
	type rule struct{ ID, Severity, Title, Help string }
	var list []rule
	for _, r := range org.Rules {
		list = append(list, rule{r.ID, string(r.Severity), r.Title, r.Help})
	}
	return e.print(list, t)
}
