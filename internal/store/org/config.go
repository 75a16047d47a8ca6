package org

import (
	"encoding/json"

	"evenkeel.dev/evenkeel/internal/domain/slo"
)

// Config is evenkeel.yaml: what holds for the whole organisation. Every key may be left out.
type Config struct {
	APIVersion   string            `json:"apiVersion,omitempty" jsonschema:"enum=evenkeel.dev/v1" jsonschema_description:"Version of this format."`
	Kind         string            `json:"kind,omitempty" jsonschema:"enum=Organisation"`
	Organisation string            `json:"organisation,omitempty" jsonschema_description:"Name shown on every page."`
	Zone         string            `json:"zone,omitempty" jsonschema_description:"IANA time zone in which days, weeks and months are cut; UTC when left out."`
	Namespace    string            `json:"namespace,omitempty" jsonschema_description:"Namespace of entities that name none; default when left out."`
	Defaults     Defaults          `json:"defaults,omitzero" jsonschema_description:"What holds where a file says nothing."`
	Tiers        []Tier            `json:"tiers,omitempty" jsonschema_description:"What each tier of services gets unless its objective says otherwise."`
	Calendars    []Calendar        `json:"calendars,omitempty" jsonschema_description:"Business hours and holidays; the one named default is the organisation's."`
	Budget       []Threshold       `json:"budget,omitempty" jsonschema_description:"Budget policy: what happens when this share of a budget is consumed."`
	Metrics      Metrics           `json:"metrics,omitzero" jsonschema_description:"Where samples live: left out = the embedded store; none; one source; or a list of named ones, the first being the default."`
	Scrape       []json.RawMessage `json:"scrape,omitempty" jsonschema_description:"Scrape jobs of the embedded store, in the format of Prometheus' scrape_configs."`
	Probes       []Probe           `json:"probes,omitempty" jsonschema_description:"Checks from outside, run by Evenkeel."`
	Retention    Retention         `json:"retention,omitzero" jsonschema_description:"How long the embedded store keeps samples."`
}

// Defaults fill what an objective or an entity leaves out.
type Defaults struct {
	Tier      *int       `json:"tier,omitempty" jsonschema:"minimum=0,maximum=3" jsonschema_description:"Tier of components without a tier label; 2 when left out."`
	Window    Window     `json:"window,omitzero" jsonschema_description:"Window of objectives; 28d when left out."`
	NoData    slo.NoData `json:"no_data,omitempty" jsonschema:"enum=excluded,enum=good,enum=bad,enum=hold" jsonschema_description:"What a minute without data counts as."`
	Staleness Duration   `json:"staleness,omitzero" jsonschema_description:"How long a sample speaks for its series; 5m when left out."`
	MaxGroups int        `json:"max_groups,omitempty" jsonschema:"minimum=1,maximum=10000" jsonschema_description:"Most budgets one grouped objective may have; 100 when left out."`
}

// Tier is what the services of one tier get.
type Tier struct {
	Tier        int         `json:"tier" jsonschema:"minimum=0,maximum=3"`
	Name        string      `json:"name,omitempty" jsonschema_description:"Word for the tier, such as critical."`
	Description string      `json:"description,omitempty"`
	Target      slo.Decimal `json:"target,omitzero" jsonschema_description:"Target suggested for new objectives, such as 0.999."`
	Window      Window      `json:"window,omitzero" jsonschema_description:"Window of objectives that name none."`
	NoData      slo.NoData  `json:"no_data,omitempty" jsonschema:"enum=excluded,enum=good,enum=bad,enum=hold"`
	Alerts      []Alert     `json:"alerts,omitempty" jsonschema_description:"Burn-rate pairs of objectives that name none."`
	Budget      []Threshold `json:"budget,omitempty" jsonschema_description:"Budget policy of objectives that name none."`
}

// Alert is a burn-rate pair: it fires when both windows burn faster than its factor.
type Alert struct {
	Name     string   `json:"name,omitempty" jsonschema_description:"page-1h when left out: severity and long window."`
	Severity string   `json:"severity" jsonschema:"enum=page,enum=ticket"`
	Spend    float64  `json:"spend,omitempty" jsonschema:"exclusiveMinimum=0,maximum=1" jsonschema_description:"Share of the budget spent over the long window; give this or factor."`
	Factor   float64  `json:"factor,omitempty" jsonschema:"minimum=1" jsonschema_description:"Burn rate; give this or spend."`
	Long     Duration `json:"long"`
	Short    Duration `json:"short"`
}

// Threshold is one line of a budget policy.
type Threshold struct {
	Consumed float64 `json:"consumed" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Share of the budget, 1 = all of it."`
	Action   string  `json:"action" jsonschema:"enum=notify,enum=warn,enum=propose-freeze"`
}

// Calendar is when an organisation or team works.
type Calendar struct {
	Name     string    `json:"name" jsonschema:"minLength=1"`
	Zone     string    `json:"zone,omitempty" jsonschema_description:"The organisation's when left out."`
	Hours    []Hours   `json:"hours,omitempty" jsonschema_description:"Monday to Friday 09:00 to 17:00 when left out."`
	Holidays []Holiday `json:"holidays,omitempty"`
}

// Hours is one stretch of work on some days of the week, local wall time, from inclusive, to exclusive.
type Hours struct {
	Days []string `json:"days" jsonschema:"minItems=1,enum=mon,enum=tue,enum=wed,enum=thu,enum=fri,enum=sat,enum=sun"`
	From string   `json:"from" jsonschema:"pattern=^([01][0-9]|2[0-3]):[0-5][0-9]$"`
	To   string   `json:"to" jsonschema:"pattern=^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"`
}

// Holiday is a day without work.
type Holiday struct {
	Date string `json:"date" jsonschema:"pattern=^[0-9]{4}-[0-9]{2}-[0-9]{2}$"`
	Name string `json:"name,omitempty"`
}

// Retention bounds the embedded metric store.
type Retention struct {
	Time Duration `json:"time,omitzero" jsonschema_description:"Samples older than this go, such as 90d."`
	Size Size     `json:"size,omitzero" jsonschema_description:"The oldest samples go when the store is larger than this, such as 20GB."`
}

// Probe is a check from outside. Its samples carry the labels probe (its name) and service.
type Probe struct {
	Name     string            `json:"name" jsonschema:"pattern=^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$,maxLength=63"`
	Kind     string            `json:"kind" jsonschema:"enum=http,enum=tcp,enum=dns,enum=tls"`
	Target   string            `json:"target" jsonschema:"minLength=1" jsonschema_description:"http: a URL; tcp, tls: host:port; dns: the server, host:port."`
	Service  string            `json:"service,omitempty" jsonschema_description:"Catalog component it speaks for."`
	Interval Duration          `json:"interval,omitzero" jsonschema_description:"30s when left out."`
	Timeout  Duration          `json:"timeout,omitzero" jsonschema_description:"10s when left out; at most the interval."`
	Labels   map[string]string `json:"labels,omitempty" jsonschema_description:"Labels added to its samples."`
	HTTP     *ProbeHTTP        `json:"http,omitempty"`
	DNS      *ProbeDNS         `json:"dns,omitempty"`
	TLS      *ProbeTLS         `json:"tls,omitempty"`
}

// ProbeHTTP is what an http probe sends and expects.
type ProbeHTTP struct {
	Method    string            `json:"method,omitempty" jsonschema:"enum=GET,enum=HEAD,enum=POST,enum=PUT,enum=OPTIONS"`
	Headers   map[string]string `json:"headers,omitempty"`
	Body      string            `json:"body,omitempty"`
	Status    []int             `json:"status,omitempty" jsonschema_description:"Good status codes; any 2xx when left out."`
	Match     string            `json:"match,omitempty" jsonschema_description:"RE2 expression that the body must match."`
	Redirects *bool             `json:"redirects,omitempty" jsonschema_description:"Follow redirects; true when left out."`
	CAFile    string            `json:"ca_file,omitempty"`
}

// ProbeDNS is what a dns probe asks.
type ProbeDNS struct {
	Name  string `json:"name" jsonschema:"minLength=1"`
	Type  string `json:"type,omitempty" jsonschema:"enum=A,enum=AAAA,enum=CNAME,enum=MX,enum=NS,enum=SOA,enum=SRV,enum=TXT"`
	Match string `json:"match,omitempty" jsonschema_description:"RE2 expression that at least one answer must match."`
}

// ProbeTLS is what a probe demands of the certificate it meets.
type ProbeTLS struct {
	ServerName string   `json:"server_name,omitempty"`
	MinLeft    Duration `json:"min_left,omitzero" jsonschema_description:"The probe fails when the certificate expires sooner."`
	CAFile     string   `json:"ca_file,omitempty"`
}

// Incident is a labelled interval of harm, for back-tests.
type Incident struct {
	ID       string   `json:"id,omitempty"`
	Title    string   `json:"title,omitempty"`
	From     Instant  `json:"from"`
	To       Instant  `json:"to"`
	Services []string `json:"services,omitempty" jsonschema_description:"Catalog components that were hurt; all when left out."`
	SLOs     []string `json:"slos,omitempty" jsonschema_description:"Objectives that should have paged; all of the services when left out."`
}
