package org

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"evenkeel.dev/evenkeel/internal/kit"
)

// decode checks a document against a schema, then reads it into a struct. Every finding is an error: a setting that was
// not understood must not silently be another one.
func (d document) decode(schema string, into any) []kit.Problem {
	value := d.root.Value()
	s := compiled()[schema]
	var ve *jsonschema.ValidationError
	if err := s.Validate(value); errors.As(err, &ve) {
		return d.violations(s, ve)
	} else if err != nil {
		return []kit.Problem{d.problem(1, 1, kit.SeverityError, "schema", err.Error(), "mend the document")}
	}
	raw, err := json.Marshal(value)
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(raw)).Decode(into)
	}
	if err != nil {
		return []kit.Problem{d.problem(1, 1, kit.SeverityError, "schema", err.Error(), "mend the value")}
	}
	return nil
}

// violations are the leaves of a validation error, in the words of the file.
func (d document) violations(s *jsonschema.Schema, e *jsonschema.ValidationError) []kit.Problem {
	switch e.ErrorKind.(type) {
	case *kind.OneOf, *kind.AnyOf:
		if one := meant(e); one != nil {
			return d.violations(s, one)
		}
		if e.Causes != nil {
			return []kit.Problem{d.at(pointer(e.InstanceLocation), kit.SeverityError, "schema", where(e)+" has none of the forms allowed: "+forms(e), "write one of them")}
		}
	}
	if len(e.Causes) == 0 {
		return d.violation(s, e)
	}
	var out []kit.Problem
	for _, c := range e.Causes {
		out = append(out, d.violations(s, c)...)
	}
	return out
}

// meant is the one alternative whose type fits, nil when that is none or several.
func meant(e *jsonschema.ValidationError) *jsonschema.ValidationError {
	var fits []*jsonschema.ValidationError
	for _, c := range e.Causes {
		if !wrongType(c, len(e.InstanceLocation)) {
			fits = append(fits, c)
		}
	}
	if len(fits) == 1 {
		return fits[0]
	}
	return nil
}

func wrongType(e *jsonschema.ValidationError, depth int) bool {
	if _, ok := e.ErrorKind.(*kind.Type); ok && len(e.InstanceLocation) == depth {
		return true
	}
	return slices.ContainsFunc(e.Causes, func(c *jsonschema.ValidationError) bool { return wrongType(c, depth) })
}

// forms tells what each alternative asked for.
func forms(e *jsonschema.ValidationError) string {
	var out []string
	var walk func(*jsonschema.ValidationError)
	walk = func(e *jsonschema.ValidationError) {
		switch k := e.ErrorKind.(type) {
		case *kind.Enum:
			out = append(out, words(k.Want))
		case *kind.Type:
			out = append(out, article(strings.Join(k.Want, " or ")))
		case *kind.Pattern:
			out = append(out, likeness(k.Want))
		}
		for _, c := range e.Causes {
			walk(c)
		}
	}
	walk(e)
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "; ")
}

func (d document) violation(s *jsonschema.Schema, e *jsonschema.ValidationError) []kit.Problem {
	at := pointer(e.InstanceLocation)
	tell := func(msg, remedy string) []kit.Problem {
		return []kit.Problem{d.at(at, kit.SeverityError, "schema", msg, remedy)}
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		var out []kit.Problem
		known := keysAt(s, e.InstanceLocation)
		for _, key := range k.Properties {
			line, column := keyPlace(d.root, at, key)
			remedy := "remove it, or write one of " + strings.Join(known, ", ")
			if near := nearest(key, known); near != "" {
				remedy = fmt.Sprintf("did you mean %s?", near)
			}
			out = append(out, d.problem(line, column, kit.SeverityError, "schema", fmt.Sprintf("%s is not a key %s", key, within(e)), remedy))
		}
		return out
	case *kind.Required:
		return tell(where(e)+" lacks "+strings.Join(k.Missing, " and "), "add it")
	case *kind.Type:
		return tell(fmt.Sprintf("%s is %s, not %s", where(e), article(k.Got), article(strings.Join(k.Want, " or "))), "write "+article(strings.Join(k.Want, " or ")))
	case *kind.Enum:
		return tell(fmt.Sprintf("%s is %v", where(e), quote(k.Got)), "write one of "+words(k.Want))
	case *kind.Pattern:
		return tell(fmt.Sprintf("%s is %q", where(e), k.Got), "write "+likeness(k.Want))
	case *kind.Minimum:
		return tell(fmt.Sprintf("%s is %s", where(e), number(k.Got)), "write at least "+number(k.Want))
	case *kind.Maximum:
		return tell(fmt.Sprintf("%s is %s", where(e), number(k.Got)), "write at most "+number(k.Want))
	case *kind.ExclusiveMinimum:
		return tell(fmt.Sprintf("%s is %s", where(e), number(k.Got)), "write more than "+number(k.Want))
	case *kind.ExclusiveMaximum:
		return tell(fmt.Sprintf("%s is %s", where(e), number(k.Got)), "write less than "+number(k.Want))
	}
	return tell(where(e)+": "+e.ErrorKind.LocalizedString(message.NewPrinter(language.English)), "see docs/org-directory.md")
}

// where names the value as people see it in the file: "probes[0].kind".
func where(e *jsonschema.ValidationError) string {
	var b strings.Builder
	for _, t := range e.InstanceLocation {
		switch {
		case strings.Trim(t, "0123456789") == "":
			b.WriteString("[" + t + "]")
		case b.Len() > 0:
			b.WriteString("." + t)
		default:
			b.WriteString(t)
		}
	}
	if b.Len() == 0 {
		return "the document"
	}
	return b.String()
}

func within(e *jsonschema.ValidationError) string {
	if len(e.InstanceLocation) == 0 {
		return "of this file"
	}
	return "of " + where(e)
}

func pointer(location []string) string {
	var b strings.Builder
	for _, t := range location {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(t))
	}
	return b.String()
}

func words(values []any) string {
	var out []string
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return strings.Join(out, ", ")
}

func quote(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return fmt.Sprint(v)
}

// likeness is a pattern in words.
func likeness(pattern string) string {
	if words, ok := patternWords[pattern]; ok {
		return words
	}
	return "a text that matches " + pattern
}

var patternWords = map[string]string{
	durationPattern:                           "a duration such as 5m, 1h30m or 28d",
	sizePattern:                               "a size such as 20GB",
	`^https?://`:                              "an address that begins with http:// or https://",
	`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`:            "a date such as 2026-12-25",
	`^0(\.[0-9]{1,12})?$`:                     "a share such as 0.999",
	`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`:         "lower-case letters, digits and dashes",
	`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`:        "lower-case letters, digits, dots and dashes",
	`^([01][0-9]|2[0-3]):[0-5][0-9]$`:         "a time of day such as 09:00",
	`^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`: "a time of day such as 17:00, at most 24:00",
}

// article names a JSON type as people call it in YAML.
func article(typ string) string {
	typ = strings.NewReplacer("object", "mapping", "array", "list", "string", "text").Replace(typ)
	switch {
	case typ == "null":
		return "empty"
	case strings.HasPrefix(typ, "integer"):
		return "an " + typ
	}
	return "a " + typ
}

func number(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	f, _ := r.Float64()
	return fmt.Sprint(f)
}
