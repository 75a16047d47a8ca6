package org

import (
	"bytes"
	"encoding/json"

	"github.com/invopop/jsonschema"
)

// Metrics says where samples live: in the embedded store (the zero value), nowhere, or in other people's stores.
type Metrics struct {
	None    bool     // no metric store at all
	Sources []Source // the first is the default; empty = the embedded store
}

// Source is an existing store that answers the Prometheus HTTP API: Prometheus, Mimir, Thanos, VictoriaMetrics.
type Source struct {
	Name            string            `json:"name,omitempty" jsonschema:"pattern=^[a-z0-9]([a-z0-9-]*[a-z0-9])?$,maxLength=63" jsonschema_description:"Named by objectives; required when there are several."`
	URL             string            `json:"url" jsonschema:"pattern=^https?://" jsonschema_description:"Base address, without /api/v1."`
	WriteURL        string            `json:"write_url,omitempty" jsonschema:"pattern=^https?://" jsonschema_description:"Remote-write address to which pushed telemetry is forwarded; it is refused when left out."`
	Username        string            `json:"username,omitempty"`
	PasswordFile    string            `json:"password_file,omitempty" jsonschema_description:"File that holds the password; outside the org directory."`
	BearerTokenFile string            `json:"bearer_token_file,omitempty" jsonschema_description:"File that holds the token; outside the org directory."`
	CAFile          string            `json:"ca_file,omitempty"`
	Headers         map[string]string `json:"headers,omitempty" jsonschema_description:"Sent with each request, such as X-Scope-OrgID."`
	Timeout         Duration          `json:"timeout,omitzero" jsonschema_description:"30s when left out."`
}

// IsZero says whether nothing was said: the embedded store.
func (m Metrics) IsZero() bool { return !m.None && len(m.Sources) == 0 }

// UnmarshalJSON reads "none", "embedded", one source or a list of sources.
func (m *Metrics) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0 || string(b) == "null":
		return nil
	case b[0] == '"':
		var word string
		err := json.Unmarshal(b, &word)
		*m = Metrics{None: word == "none"}
		return err
	case b[0] == '[':
		return json.Unmarshal(b, &m.Sources)
	}
	m.Sources = make([]Source, 1)
	return json.Unmarshal(b, &m.Sources[0])
}

// MarshalJSON writes the shortest form that reads back the same.
func (m Metrics) MarshalJSON() ([]byte, error) {
	switch {
	case m.None:
		return []byte(`"none"`), nil
	case len(m.Sources) == 0:
		return []byte(`"embedded"`), nil
	case len(m.Sources) == 1:
		return json.Marshal(m.Sources[0])
	}
	return json.Marshal(m.Sources)
}

// JSONSchema describes the three forms to editors.
func (Metrics) JSONSchema() *jsonschema.Schema {
	source := &jsonschema.Schema{Ref: "#/$defs/Source"}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
		{Type: "string", Enum: []any{"none", "embedded"}},
		source,
		{Type: "array", Items: source},
	}}
}
