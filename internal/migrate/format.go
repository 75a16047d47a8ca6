package migrate

import (
	"strings"

	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// format is one kind of file that is read. To add one, see docs/recipes/importer.md.
type format struct {
	matches func(doc *tree.Node) bool
	refer   func(im *importer, o object) // makes the document known to others; nil when nothing refers to it
	read    func(im *importer, o object) // checks it and adds its objectives
}

// formats are tried in order; the first that matches reads the document. (A function, for readers refer back to it.)
func formats() []*format {
	return []*format{
		{version("openslo/v1"), referOpenSLO, readOpenSLO},
		{version("openslo/v1alpha"), referOpenSLO, readOpenSLO},
		{version("openslo.com/v2alpha"), referOpenSLO, readOpenSLO},
		{isSloth, nil, readSloth},
		{isSlothResource, nil, readSloth},
		{isAlertWindows, referAlertWindows, readAlertWindows},
		{isPyrra, nil, readPyrra},
		{func(*tree.Node) bool { return true }, nil, readForeign},
	}
}

func version(v string) func(*tree.Node) bool {
	return func(d *tree.Node) bool { return d.Get("apiVersion").Str() == v }
}

func formatOf(d *tree.Node) *format {
	for _, f := range formats() {
		if f.matches(d) {
			return f
		}
	}
	return nil // the last one matches everything
}

// readForeign says in words what a document is that holds no objective.
func readForeign(im *importer, o object) {
	d := o.node
	api, kind := d.Get("apiVersion").Str(), d.Get("kind").Str()
	switch {
	case !d.Is(tree.Map):
		im.refuse(o, d, "", "not-an-slo", "a document is a map with apiVersion and kind (or Sloth's version), not a bare value", "see docs/openslo.md for the formats that are read")
	case strings.HasPrefix(d.Get("version").Str(), "prometheus/"):
		im.refuse(o, d.Get("version"), "", "unknown-version", "Sloth's version "+quoted(d.Get("version").Str())+" is not known", "prometheus/v1 is read")
	case strings.HasPrefix(api, "openslo"):
		im.refuse(o, d.Get("apiVersion"), "", "unknown-version", "the OpenSLO version "+quoted(api)+" is not known", "openslo/v1, openslo/v1alpha and openslo.com/v2alpha are read")
	case strings.HasPrefix(api, "sloth.slok.dev/"), strings.HasPrefix(api, "pyrra.dev/"):
		im.refuse(o, d.Get("apiVersion"), "", "unknown-version", quoted(api)+" with kind "+quoted(kind)+" is not known", "sloth.slok.dev/v1 and pyrra.dev/v1alpha1 are read")
	case strings.HasPrefix(api, "monitoring.coreos.com/"), d.Get("groups").Is(tree.List):
		im.refuse(o, d, "", "rule-file", "this is a Prometheus rule file, which holds expressions and no objectives", "import the file it was generated from; its alerting rules can be back-tested by assess")
	case strings.HasPrefix(api, "sre.google.com/"):
		im.refuse(o, d.Get("apiVersion"), "", "not-an-slo", "slo-generator's format is not read", "export it as OpenSLO v1")
	case strings.HasPrefix(api, "backstage.io/"):
		im.refuse(o, d.Get("apiVersion"), "", "not-an-slo", "this is a catalog entity, not an objective", "put it into the org directory's catalog")
	case api != "":
		im.refuse(o, d.Get("apiVersion"), "", "not-an-slo", "apiVersion "+quoted(api)+" with kind "+quoted(kind)+" is no objective", "see docs/openslo.md for the formats that are read")
	case d.Get("slos").Is(tree.List):
		im.refuse(o, d.Get("slos"), "", "unknown-version", "this looks like Sloth's format and has no version", `add version: "prometheus/v1"`)
	default:
		im.refuse(o, d, "", "not-an-slo", "no apiVersion, so this is no objective; its keys look like the settings of a program, such as Helm values", "leave this file out of the import")
	}
}
