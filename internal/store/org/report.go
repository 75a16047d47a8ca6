package org

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"

	"evenkeel.dev/evenkeel/internal/kit"
)

// WriteText writes one problem a line, "file:line:column: problem; remedy", and a closing line that counts them.
func WriteText(w io.Writer, d *Directory, problems []kit.Problem) error {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s [%s]\n", p, p.Rule)
	}
	n := count(problems)
	fmt.Fprintf(&b, "%s: %d files, %d entities, %d objectives: %s, %s, %s\n", d.Path, len(d.Files), d.Catalog.Len(), len(d.Objectives),
		plural(n[kit.SeverityError], "error"), plural(n[kit.SeverityWarning], "warning"), plural(n[kit.SeverityNote], "note"))
	_, err := io.WriteString(w, b.String())
	return err
}

func count(problems []kit.Problem) map[kit.Severity]int {
	out := map[kit.Severity]int{}
	for _, p := range problems {
		out[p.Severity]++
	}
	return out
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Report is the JSON form of a lint run.
type Report struct {
	Directory  string        `json:"directory"`
	Version    string        `json:"version"`
	Digest     string        `json:"digest"`
	Files      int           `json:"files"`
	Entities   int           `json:"entities"`
	Objectives int           `json:"objectives"`
	Errors     int           `json:"errors"`
	Warnings   int           `json:"warnings"`
	Notes      int           `json:"notes"`
	Problems   []kit.Problem `json:"problems"` // never null
}

// ReportOf makes the report of a directory that was read.
func ReportOf(d *Directory, problems []kit.Problem) Report {
	n := count(problems)
	return Report{d.Path, d.Version, d.Digest, len(d.Files), d.Catalog.Len(), len(d.Objectives),
		n[kit.SeverityError], n[kit.SeverityWarning], n[kit.SeverityNote], append([]kit.Problem{}, problems...)}
}

// WriteSARIF writes the problems as SARIF 2.1.0 (OASIS, 2020), which code hosts show beside the changed lines. program is
// Evenkeel's own version.
func WriteSARIF(w io.Writer, program string, problems []kit.Problem) error {
	rules, index := []sarifRule{}, map[string]int{}
	for i, r := range Rules {
		index[r.ID] = i
		rules = append(rules, sarifRule{ID: r.ID, Short: sarifText{r.Title}, Help: sarifText{r.Help}, Default: sarifLevelOnly{sarifLevel(r.Severity)}})
	}
	results := []sarifResult{}
	for _, p := range problems {
		if _, known := index[p.Rule]; !known { // found by the import of objectives
			index[p.Rule] = len(rules)
			rules = append(rules, sarifRule{ID: p.Rule, Short: sarifText{strings.ReplaceAll(p.Rule, "-", " ")}, Help: sarifText{"See docs/slo.md."}, Default: sarifLevelOnly{sarifLevel(p.Severity)}})
		}
		text := p.Msg
		if p.Remedy != "" {
			text += "; " + p.Remedy
		}
		res := sarifResult{RuleID: p.Rule, RuleIndex: index[p.Rule], Level: sarifLevel(p.Severity), Message: sarifText{text}}
		loc := sarifLocation{}
		loc.Physical.Artifact.URI = (&url.URL{Path: path.Clean(p.File)}).EscapedPath()
		if p.Line > 0 {
			loc.Physical.Region = &sarifRegion{p.Line, max(p.Column, 1)}
		}
		res.Locations = []sarifLocation{loc}
		results = append(results, res)
	}
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: results}
	run.Tool.Driver = sarifDriver{"Evenkeel lint", program, "https://evenkeel.dev", rules}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}})
}

func sarifLevel(s kit.Severity) string { return string(s) } // error, warning, note: SARIF's own words

type (
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLevelOnly struct {
		Level string `json:"level"`
	}
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version,omitempty"`
		URI     string      `json:"informationUri"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string         `json:"id"`
		Short   sarifText      `json:"shortDescription"`
		Help    sarifText      `json:"help"`
		Default sarifLevelOnly `json:"defaultConfiguration"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region *sarifRegion `json:"region,omitempty"`
		} `json:"physicalLocation"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn"`
	}
)
