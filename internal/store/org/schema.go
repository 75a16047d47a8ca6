package org

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"

	invopop "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// Schema is a JSON Schema (draft 2020-12) that editors check files against.
type Schema struct {
	Name  string // file name to save it under: "evenkeel.schema.json"
	Files string // which files it is for, in words and globs
	JSON  []byte // indented
}

// Schemas are those of evenkeel.yaml, of catalog files and of incident files.
func Schemas() []Schema { return schemas() }

var schemas = sync.OnceValue(func() []Schema {
	return []Schema{
		{"evenkeel.schema.json", "evenkeel.yaml", reflected("Evenkeel organisation", Config{})},
		{"catalog.schema.json", "catalog files: **/catalog-info.yaml, catalog/**/*.yaml", catalogSchema()},
		{"incidents.schema.json", "incidents.yaml", reflected("Evenkeel incidents", incidentFile{})},
	}
})

// schemaURL is the $id of a schema.
func schemaURL(name string) string { return "https://evenkeel.dev/schema/" + name }

// reflected makes the schema of a struct.
func reflected(title string, v any) []byte {
	r := invopop.Reflector{ExpandedStruct: true, Mapper: mapped}
	s := r.Reflect(v)
	s.Title, s.ID = title, ""
	if s.Definitions == nil {
		s.Definitions = invopop.Definitions{}
	}
	// Metrics names it without holding one
	maps.Copy(s.Definitions, r.Reflect(Source{}).Definitions)
	source := r.Reflect(Source{})
	source.Version, source.Definitions, source.ID = "", nil, ""
	s.Definitions["Source"] = source
	if _, used := v.(Config); !used {
		delete(s.Definitions, "Source")
	}
	return indented(s)
}

// mapped describes types of other packages whose text form reflection cannot see.
func mapped(t reflect.Type) *invopop.Schema {
	switch t {
	case reflect.TypeFor[slo.Decimal]():
		return &invopop.Schema{OneOf: []*invopop.Schema{
			{Type: "number", Minimum: "0", ExclusiveMaximum: "1"},
			{Type: "string", Pattern: `^0(\.[0-9]{1,12})?$`},
		}}
	case reflect.TypeFor[json.RawMessage]():
		return &invopop.Schema{Type: "object", Required: []string{"job_name"}}
	}
	return nil
}

// catalogSchema describes what Evenkeel reads of a Backstage entity; everything else is allowed.
func catalogSchema() []byte {
	texts := func(label bool) *invopop.Schema {
		s := &invopop.Schema{Type: "object", Properties: invopop.NewProperties(), AdditionalProperties: invopop.TrueSchema}
		for _, n := range estate.Names {
			if n.Label == label {
				s.Properties.Set(n.Key, &invopop.Schema{Type: "string", Pattern: n.Pattern, Description: n.Doc, Examples: []any{strings.Trim(n.Example, `"`)}})
			}
		}
		return s
	}
	object := func(required []string, pairs ...any) *invopop.Schema {
		s := &invopop.Schema{Type: "object", Properties: invopop.NewProperties(), Required: required, AdditionalProperties: invopop.TrueSchema}
		for i := 0; i < len(pairs); i += 2 {
			s.Properties.Set(pairs[i].(string), pairs[i+1].(*invopop.Schema))
		}
		return s
	}
	text := func(doc string) *invopop.Schema { return &invopop.Schema{Type: "string", Description: doc} }
	refs := &invopop.Schema{Type: "array", Items: text("[kind:][namespace/]name")}
	s := object([]string{"kind", "metadata"},
		"apiVersion", text("backstage.io/v1alpha1"),
		"kind", text("Component, API, Resource, System, Domain, Group, User, Location, Template or your own"),
		"metadata", object([]string{"name"}, "name", text("What everything else refers to it by."), "namespace", text("default when left out"),
			"title", text("Name for people."), "description", text("What it is for."), "labels", texts(true), "annotations", texts(false)),
		"spec", object(nil, "type", text("service, website, library, database, ..."), "lifecycle", text("production, experimental, deprecated"),
			"owner", text("Group or User that answers for it."), "system", text("System it is part of."),
			"dependsOn", refs, "dependencyOf", refs, "providesApis", refs, "consumesApis", refs))
	s.Version, s.Title = invopop.Version, "Evenkeel catalog entity (Backstage descriptor)"
	return indented(s)
}

func indented(s *invopop.Schema) []byte {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("schema of a fixed type: %v", err))
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		panic(fmt.Sprintf("schema of a fixed type: %v", err))
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// compiled are the schemas by name, ready to validate.
var compiled = sync.OnceValue(func() map[string]*jsonschema.Schema {
	out := map[string]*jsonschema.Schema{}
	for _, s := range Schemas() {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(s.JSON))
		if err != nil {
			panic(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(schemaURL(s.Name), doc); err != nil {
			panic(err)
		}
		out[s.Name] = c.MustCompile(schemaURL(s.Name))
	}
	return out
})

// nearest is the known word closest to a mistyped one, "" when none is within two slips (Damerau and Levenshtein: a
// letter added, left out, changed, or two swapped) and a third of the word.
func nearest(word string, known []string) string {
	best, at := "", min(2, len(word)/3)+1
	for _, k := range known {
		if d := slips(word, k); d < at {
			best, at = k, d
		}
	}
	return best
}

func slips(a, b string) int {
	if max(len(a)-len(b), len(b)-len(a)) > 2 {
		return 3
	}
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

// keysAt lists the property names a schema knows at a place of an instance, sorted.
func keysAt(s *jsonschema.Schema, location []string) []string {
	for _, token := range location {
		s = step(s, token)
	}
	var out []string
	if s = follow(s); s != nil {
		for k := range s.Properties {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

func step(s *jsonschema.Schema, token string) *jsonschema.Schema {
	s = follow(s)
	if s == nil {
		return nil
	}
	if p, ok := s.Properties[token]; ok {
		return p
	}
	if s.Items2020 != nil {
		return s.Items2020
	}
	for _, alt := range slices.Concat(s.OneOf, s.AnyOf) {
		if next := step(alt, token); next != nil {
			return next
		}
	}
	return nil
}

func follow(s *jsonschema.Schema) *jsonschema.Schema {
	for s != nil && s.Ref != nil {
		s = s.Ref
	}
	return s
}
