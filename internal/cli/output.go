package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
)

// table is what a command prints as rows: for people aligned, for programs as CSV.
type table struct {
	head  []string
	right []bool // columns aligned right, by index; may be shorter than head
	rows  [][]string
	empty string // said instead of an empty table
}

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
		w := csv.NewWriter(e.Out)
		if err := w.Write(t.head); err != nil {
			return err
		}
		return w.WriteAll(t.rows)
	case "table":
		_, err := fmt.Fprint(e.Out, t.String())
		return err
	}
	return usage("output format %q does not exist; use table, json, yaml or csv", e.format)
}

// String is the aligned form: two blanks between columns, no lines, no trailing blanks.
func (t table) String() string {
	if len(t.rows) == 0 && t.empty != "" {
		return t.empty + "\n"
	}
	all := append([][]string{t.head}, t.rows...)
	width := make([]int, len(t.head))
	for _, row := range all {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, row := range all {
		var line strings.Builder
		for i, cell := range row {
			if n == 0 {
				cell = strings.ToUpper(cell)
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				line.WriteString("  ")
			}
			if i < len(t.right) && t.right[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}
