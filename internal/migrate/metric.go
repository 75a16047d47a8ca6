package migrate

import (
	"encoding/json"
	"strings"

	"evenkeel.dev/evenkeel/internal/migrate/tree"
)

// metric is one query of an indicator, whatever the format's version calls its parts.
type metric struct {
	node   *tree.Node
	text   string
	source string // name of the metric source; "" = the default one
	label  string // the source's type as written, "" for Prometheus itself
	kind   string // the same for a source that does not speak PromQL, "" for one that does
}

// promTypes are source types that answer PromQL.
var promTypes = map[string]bool{"": true, "prometheus": true, "promql": true, "thanos": true, "mimir": true, "cortex": true,
	"victoriametrics": true, "grafana-mimir": true, "amazon-managed-prometheus": true}

// metric reads v1's metricSource, v2alpha's dataSourceRef and spec, or v1alpha's source and query.
func (im *importer) metric(o object, n *tree.Node) (m metric, ok bool) {
	if !n.Is(tree.Map) {
		im.refuse(o, n, field(n, "metricSource"), "no-query", "the query is missing", "write a metricSource with a query")
		return m, false
	}
	kind, name, spec := n.Get("source"), (*tree.Node)(nil), n
	if source := n.Get("metricSource"); source != nil {
		im.unknown(o, n, "metricSource")
		im.unknown(o, source, "metricSourceRef", "type", "spec")
		kind, name, spec = source.Get("type"), source.Get("metricSourceRef"), source.Get("spec")
	} else if n.Get("query") == nil {
		kind, name, spec = n.Get("dataSourceSpec", "type"), n.Get("dataSourceRef"), n.Get("spec")
	}
	m = metric{node: n, source: name.Str(), label: kind.Str()}
	if d, known := im.index[ref{"DataSource", m.source}]; known && m.label == "" {
		m.label = d.node.Get("spec", "type").Str()
	}
	untold := m.source != "" && m.label == ""
	if !promTypes[strings.ToLower(m.label)] {
		m.kind = m.label
		if m.source == "" {
			m.source = m.label
		}
	}
	m.text = queryText(spec, m.kind != "")
	if m.text == "" {
		im.refuse(o, first(spec, n), "query", "no-query", "the query is missing", "write the query")
		return m, false
	}
	if untold { // then the query decides
		if _, err := parsePromQL(m.text); err != nil {
			m.label, m.kind = unknownSource, unknownSource
		}
	}
	if strings.EqualFold(m.label, "prometheus") {
		m.label = ""
	}
	return m, true
}

// unknownSource is the type of a source that is named, has no type, and whose query is no PromQL.
const unknownSource = "unknown"

// victoria is the type of a source that takes more than PromQL.
const victoria = "VictoriaMetrics"

// queryText is the query of a source's specification; of one that has more to it than a query, or none, the whole as JSON.
func queryText(spec *tree.Node, foreign bool) string {
	q := spec.First("query", "promql", "expr")
	if q.Str() != "" && (!foreign || len(spec.Fields) == 1 || spec.Get("queryType") != nil) {
		return q.Str()
	}
	if !foreign || !spec.Is(tree.Map) || len(spec.Fields) == 0 {
		return ""
	}
	b, err := json.Marshal(spec.Value())
	if err != nil {
		return ""
	}
	return string(b)
}

// reduceMetric takes a metric's query apart. A query that no source here can answer keeps its text.
func (im *importer) reduceMetric(o object, m metric) reduction {
	if m.kind != "" {
		return reduction{text: m.text, why: m.kind + " is read by no source here"}
	}
	r := reduce(m.text)
	if r.invalid == nil {
		return r
	}
	at := first(m.node.Get("metricSource", "spec", "query"), m.node.Get("spec", "query"), m.node.Get("query"), m.node)
	if strings.EqualFold(m.label, victoria) {
		im.warn(o, at, "", "promql", "the query is "+r.why+"; it is sent to VictoriaMetrics as it stands", "check it there")
		return r
	}
	im.refuse(o, at, "", "promql", "the query is "+r.why, "mend the query")
	return r
}

// foreign warns of a source that nothing here reads: the objective is kept, and shows as without data until there is one.
func (im *importer) foreign(o object, m metric) {
	im.warn(o, m.node, "", "foreign-source", quoted(m.kind)+" is no source of PromQL; the objective is kept and has no data",
		"give the query in PromQL, or a metric source named "+m.source)
}
