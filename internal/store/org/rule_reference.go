package org

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/kit"
)

var danglingReference = Rule{
	ID: "dangling-reference", Title: "A reference leads to nothing in the catalog", Severity: kit.SeverityWarning, Strict: true,
	Help: "What is not in the catalog has no owner, no tier and no blast radius. Often it is a slip of the pen, or the file is missing.",
	Check: func(d *Draft, tell Tell) {
		c := d.Directory.Catalog
		known := byName(c)
		for _, e := range c.All() {
			for _, r := range e.References {
				if _, ok := c.Get(r.Ref); !ok {
					tell(d.Entity(e, r.Path), fmt.Sprintf("%s of %s: there is no %s", r.Field, e.Name, r.Ref), remedyFor(r, known))
				}
			}
		}
	},
}

// byName lists references by their name, so that a wrong kind or namespace can be told.
func byName(c *estate.Catalog) map[string][]estate.Ref {
	out := map[string][]estate.Ref{}
	for _, e := range c.All() {
		out[e.Ref.Name()] = append(out[e.Ref.Name()], e.Ref)
	}
	return out
}

func remedyFor(r estate.Reference, known map[string][]estate.Ref) string {
	if same := known[r.Ref.Name()]; len(same) > 0 {
		return "did you mean " + string(same[0]) + "?"
	}
	var names []string
	for name, refs := range known {
		if slices.ContainsFunc(refs, func(k estate.Ref) bool { return k.Kind() == r.Ref.Kind() }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if near := nearest(r.Ref.Name(), names); near != "" {
		return fmt.Sprintf("did you mean %s:%s?", r.Ref.Kind(), near)
	}
	return "describe it in a file, or mend the reference"
}

var locationTarget = Rule{
	ID: "location-target", Title: "A Location names a file that is not there", Severity: kit.SeverityWarning, Strict: true,
	Help: "All files of the directory are read anyhow. Addresses elsewhere are not fetched: copy what they hold into the directory.",
	Check: func(d *Draft, tell Tell) {
		files := map[string]bool{}
		for _, f := range d.Directory.Files {
			files[f.Path] = true
		}
		for _, e := range d.Directory.Catalog.OfKind("Location") {
			for _, t := range e.Targets {
				switch {
				case strings.Contains(t, "://"):
					tell(d.Entity(e, "/spec").As(kit.SeverityNote), "target "+t+" is not fetched", "copy the file into the directory")
				case strings.ContainsAny(t, "*?[") || files[path.Join(path.Dir(e.File), t)]:
				default:
					tell(d.Entity(e, "/spec"), "target "+t+" is not in the directory", "mend the path; it is relative to this file")
				}
			}
		}
	},
}

var wasStays = Rule{
	ID: "was-stays", Title: "An entity claims the history of one that still exists", Severity: kit.SeverityWarning,
	Help: "evenkeel.dev/was moves the history of a renamed entity. The old one has to go.",
	Check: func(d *Draft, tell Tell) {
		c := d.Directory.Catalog
		for _, e := range c.All() {
			for _, r := range e.Was {
				if _, ok := c.Get(r); ok {
					tell(d.Entity(e, "/metadata/annotations/evenkeel.dev~1was"), e.Name+" was "+string(r)+", which still exists", "remove the old entity, or the annotation")
				}
			}
		}
	},
}

var nameClaim = Rule{
	ID: "name-claim", Title: "Two entities claim one name in telemetry", Severity: kit.SeverityWarning,
	Help: "Calls under that name count for the first of them only.",
	Check: func(d *Draft, tell Tell) {
		first := map[string]estate.Ref{}
		for _, e := range d.Directory.Catalog.All() {
			if e.Annotations[estate.ServiceNames] == "" {
				continue
			}
			for _, n := range e.ServiceNames {
				if other, ok := first[n]; ok {
					tell(d.Entity(e, "/metadata/annotations/evenkeel.dev~1service-names"), fmt.Sprintf("%s claims the name %s, which %s claims too", e.Name, n, other.Short()), "leave it to one of them")
					continue
				}
				first[n] = e.Ref
			}
		}
	},
}
