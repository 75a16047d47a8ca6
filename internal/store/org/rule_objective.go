package org

import (
	"fmt"
	"strings"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
)

var objectiveService = Rule{
	ID: "objective-service", Title: "An objective is for a service that the catalog does not know", Severity: kit.SeverityWarning, Strict: true,
	Help: "Its alerts have no owner and take the default tier.",
	Check: func(d *Draft, tell Tell) {
		var names []string
		for _, e := range d.Directory.Catalog.OfKind("Component") {
			names = append(names, e.Name)
		}
		for _, o := range d.Directory.Objectives {
			if _, ok := d.Directory.Catalog.Service(o.Service); ok || o.Service == "" { // none: the import says so
				continue
			}
			remedy := "describe it in a catalog file, or mend the name"
			if near := nearest(o.Service, names); near != "" {
				remedy = "did you mean " + near + "?"
			}
			tell(d.Objective(o), fmt.Sprintf("objective %s is for %s, which is not in the catalog", o.Name, o.Service), remedy)
		}
	},
}

var objectiveSource = Rule{
	ID: "objective-source", Title: "An objective counts in a metric source that is not set up", Severity: kit.SeverityError,
	Help: "It would never count anything. Sources are named under metrics in evenkeel.yaml.",
	Check: func(d *Draft, tell Tell) {
		var names []string
		for _, s := range d.Directory.Config.Metrics.Sources {
			names = append(names, s.Name)
		}
		known := "," + strings.Join(names, ",") + ","
		for _, o := range d.Directory.Objectives {
			indicators := []slo.Indicator{o.Indicator}
			if o.Composite != nil {
				indicators = nil
				for _, p := range o.Composite.Parts {
					indicators = append(indicators, p.Objective.Indicator)
				}
			}
			for _, in := range indicators {
				if in.Metrics != "" && !strings.Contains(known, ","+in.Metrics+",") {
					tell(d.Objective(o), fmt.Sprintf("objective %s counts in the metric source %q, which evenkeel.yaml does not name", o.Name, in.Metrics), "name it under metrics, or leave the source out")
				}
			}
		}
	},
}

var probeService = Rule{
	ID: "probe-service", Title: "A probe speaks for a service that the catalog does not know", Severity: kit.SeverityWarning, Strict: true,
	Help: "Its samples carry a service label that leads nowhere.",
	Check: func(d *Draft, tell Tell) {
		for i, p := range d.Directory.Config.Probes {
			if _, ok := d.Directory.Catalog.Service(p.Service); p.Service != "" && !ok {
				tell(d.Config(fmt.Sprintf("/probes/%d/service", i)), fmt.Sprintf("probe %s speaks for %s, which is not in the catalog", p.Name, p.Service), "mend the name, or describe the service")
			}
		}
	},
}

var ceiling = Rule{
	ID: "ceiling", Title: "A target is higher than what a service's dependencies allow", Severity: kit.SeverityWarning,
	Help: "Above the serial ceiling the target holds only while failures of dependencies fall together; above the best case it cannot hold at all, which is an error. docs/slo.md section 11.",
	Check: func(d *Draft, tell Tell) {
		targets := d.Directory.Targets()
		for _, o := range d.Directory.Objectives {
			e, ok := d.Directory.Catalog.Service(o.Service)
			if !ok || !Promise(o) {
				continue
			}
			c := d.Directory.Catalog.CeilingOf(e.Ref, targets)
			switch t := o.Target.Float(); {
			case t > c.Best+1e-12:
				tell(d.Objective(o).As(kit.SeverityError), fmt.Sprintf("target %s of %s is above %s, the most that %s leaves", o.Target, o.Name, share(c.Best), weakest(c)),
					"lower the target, make that dependency redundant or soft, or raise its target")
			case t > c.Serial+1e-12:
				tell(d.Objective(o), fmt.Sprintf("target %s of %s is above %s, what its %d dependencies leave when their failures fall apart", o.Target, o.Name, share(c.Serial), len(c.Factors)),
					"lower the target, or make dependencies redundant or soft")
			}
		}
	},
}

// weakest names what sets the best case.
func weakest(c estate.Ceiling) string {
	for _, f := range c.Factors {
		if f.A == c.Best {
			if len(f.Need.Of) > 1 {
				return fmt.Sprintf("the group of %d", len(f.Need.Of))
			}
			return f.Need.Of[0].Short()
		}
	}
	return "the service itself"
}

func share(f float64) string { return strings.TrimRight(fmt.Sprintf("%.6f", f), "0") }

// Promise says whether an objective is a promise of availability: a share of good requests or checks. Latency is not, be
// it counted from a histogram or from one of its buckets.
func Promise(o slo.Objective) bool {
	if o.Composite != nil || strings.Contains(o.Indicator.Good.Text, "_bucket") || strings.Contains(o.Indicator.Bad.Text, "_bucket") {
		return false
	}
	switch o.Indicator.Kind {
	case slo.BadTotal, slo.GoodTotal, slo.Gauge, slo.Ratio:
		return o.Target.IsSet()
	}
	return false
}

// Targets tells the availability a thing promises by its objectives: the lowest target of those that are a Promise.
func (d *Directory) Targets() func(estate.Ref) (float64, bool) {
	out := map[estate.Ref]float64{}
	for _, o := range d.Objectives {
		e, ok := d.Catalog.Service(o.Service)
		if !ok || !Promise(o) {
			continue
		}
		if a, has := out[e.Ref]; !has || o.Target.Float() < a {
			out[e.Ref] = o.Target.Float()
		}
	}
	return func(r estate.Ref) (float64, bool) { a, ok := out[r]; return a, ok }
}
