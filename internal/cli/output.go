package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"
)

// formats are what -o takes.
var formats = []string{"table", "json", "yaml", "csv"}

// checkFormat refuses a wrong -o before anything is done.
func (e *env) checkFormat(*cobra.Command, []string) error {
	if !slices.Contains(formats, e.format) {
		return usage("output format %q does not exist; use table, json, yaml or csv", e.format)
	}
	return nil
}

// table is what a command prints as rows: for people aligned and in words, for programs as CSV with plain values.
type table struct {
	head  []string
	rows  [][]any // cells; see cell.go
	empty string  // said to people instead of an empty table
}

func (t *table) add(cells ...any) { t.rows = append(t.rows, cells) }

// print writes v as JSON or YAML, or its table form.
func (e *env) print(v any, t table) error {
	switch e.format {
	case "json":
		enc := json.NewEncoder(e.Out)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	case "yaml":
		body, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		out, err := yaml.JSONToYAML(body)
		if err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		_, err = e.Out.Write(out)
		return err
	case "csv":
		return t.csv(e)
	}
	_, err := fmt.Fprint(e.Out, t.String())
	return err
}

func (t table) csv(e *env) error {
	w := csv.NewWriter(e.Out)
	if err := w.Write(t.head); err != nil {
		return err
	}
	for _, row := range t.rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = plain(c)
		}
		if err := w.Write(cells); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// String is the aligned form: two blanks between columns, numbers to the right, no lines, no trailing blanks.
func (t table) String() string {
	if len(t.rows) == 0 && t.empty != "" {
		return t.empty + "\n"
	}
	lines := make([][]string, 1, len(t.rows)+1)
	right := make([]bool, len(t.head))
	for _, h := range t.head {
		lines[0] = append(lines[0], strings.ToUpper(h))
	}
	for _, row := range t.rows {
		var line []string
		for i, c := range row {
			line = append(line, human(c))
			right[i] = right[i] || isNumber(c)
		}
		lines = append(lines, line)
	}
	width := make([]int, len(t.head))
	for _, line := range lines {
		for i, text := range line {
			width[i] = max(width[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		for i, text := range line {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(text))
			if right[i] {
				text, pad = pad+text, ""
			}
			line[i] = text + pad
		}
		b.WriteString(strings.TrimRight(strings.Join(line, "  "), " ") + "\n")
	}
	return b.String()
}

// as is the same environment with another format, where one is asked for by a flag of its own.
func (e *env) as(asked bool, format string) *env {
	if !asked {
		return e
	}
	other := *e
	other.format = format
	return &other
}

// done says that something was carried out: a sentence for people, {"done": ...} for programs.
func (e *env) done(what string) error {
	if e.format == "table" {
		_, err := fmt.Fprintln(e.Out, strings.ToUpper(what[:1])+what[1:])
		return err
	}
	return e.print(map[string]string{"done": what}, table{head: []string{"done"}, rows: [][]any{{what}}})
}

// note says something beside the answer, on standard error.
func (e *env) note(format string, args ...any) { fmt.Fprintf(e.Err, format+"\n", args...) }
