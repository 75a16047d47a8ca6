package org

import (
	"fmt"

	"evenkeel.dev/evenkeel/internal/kit"
)

// incidentFile is a file of labelled incidents for back-tests.
type incidentFile struct {
	APIVersion string     `json:"apiVersion,omitempty" jsonschema:"enum=evenkeel.dev/v1"`
	Kind       string     `json:"kind,omitempty" jsonschema:"enum=Incidents"`
	Incidents  []Incident `json:"incidents"`
}

// ReadIncidents reads a file of incidents, YAML or JSON.
func ReadIncidents(file string, data []byte) ([]Incident, []kit.Problem) {
	left := MaxValues
	docs, problems := documents(File{Path: file, Data: data}, &left)
	var out []Incident
	for _, d := range docs {
		in, more := d.incidents()
		out, problems = append(out, in...), append(problems, more...)
	}
	return out, problems
}

func (d document) incidents() ([]Incident, []kit.Problem) {
	var f incidentFile
	if problems := d.decode("incidents.schema.json", &f); len(problems) > 0 {
		return nil, problems
	}
	var problems []kit.Problem
	for i, in := range f.Incidents {
		if !in.To.After(in.From.Time) {
			problems = append(problems, d.at(fmt.Sprintf("/incidents/%d/to", i), kit.SeverityError, "schema", "the incident ends before it begins", "write a later to"))
		}
	}
	return f.Incidents, problems
}
