package org

import (
	"slices"
	"strings"

	"evenkeel.dev/evenkeel/internal/kit"
)

var ownerless = Rule{
	ID: "ownerless", Title: "Nobody owns a service", Severity: kit.SeverityWarning,
	Help: "When it fails, nobody is woken, and nobody decides about its budget. Name a Group or User in spec.owner.",
	Check: func(d *Draft, tell Tell) {
		for _, e := range d.Directory.Catalog.All() {
			if e.Owner == "" && slices.Contains([]string{"component", "api", "resource", "system", "domain"}, e.Ref.Kind()) {
				tell(d.Entity(e, "/spec"), e.Kind+" "+e.Name+" has no owner", "name a group in spec.owner")
			}
		}
	},
}

// required are the keys that Backstage demands beside the owner, by kind, in lower case. Source: Backstage, "Descriptor
// Format of Catalog Entities".
var required = map[string][]string{
	"component": {"type", "lifecycle"}, "api": {"type", "lifecycle"}, "resource": {"type"}, "group": {"type"},
}

var missingField = Rule{
	ID: "missing-field", Title: "An entity lacks a key that Backstage demands", Severity: kit.SeverityWarning,
	Help: "Evenkeel reads it all the same; a Backstage server beside it would not.",
	Check: func(d *Draft, tell Tell) {
		for _, e := range d.Directory.Catalog.All() {
			var lacks []string
			for _, key := range required[e.Ref.Kind()] {
				if key == "type" && e.Type == "" || key == "lifecycle" && e.Lifecycle == "" {
					lacks = append(lacks, "spec."+key)
				}
			}
			if len(lacks) > 0 {
				tell(d.Entity(e, "/spec"), e.Kind+" "+e.Name+" lacks "+strings.Join(lacks, " and "), "add it")
			}
		}
	},
}
