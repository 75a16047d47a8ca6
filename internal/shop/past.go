package shop

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// zone is where Harbour Goods trades; evenkeel.yaml says the same.
const zone = "Europe/Amsterdam"

// pastFault is one trouble of the last thirty days, by local time.
type pastFault struct {
	days    int    // ago
	at      string // local wall time
	length  time.Duration
	kind    FaultKind
	on      string
	errors  float64
	delay   time.Duration
	version string // BadDeploy: the version that came, and the one that was rolled back to
	title   string // of the incident; "" when people declared none
	hurt    []string
}

// NoData is a stretch in which telemetry itself was missing.
const NoData FaultKind = "no-data"

var past = []pastFault{
	{25, "10:12", 16 * time.Minute, ErrorBurst, "payments", 0.3, 0, "", "Card payments fail", []string{"payments", "checkout", "gateway"}},
	{24, "15:40", 13 * time.Minute, BadDeploy, "checkout", 0.22, 30 * ms, "v2.29.0 v2.28.4", "Checkout v2.29.0 loses carts", []string{"checkout", "gateway"}},
	{22, "01:40", 4 * time.Hour, Quiet, "gateway", 0, 0, "", "", nil},
	{21, "11:20", 42 * time.Minute, Slow, "stock-db", 0, 450 * ms, "", "Stock database scans", []string{"inventory", "checkout"}},
	{19, "20:10", 31 * time.Hour, ErrorBurst, "shipping-quotes", 0.11, 0, "", "", nil},
	{16, "09:05", 11 * time.Minute, Outage, "catalog", 0, 0, "", "Catalog down after a restart", []string{"catalog", "gateway"}},
	{13, "08:30", 5 * time.Hour, MemoryLeak, "search", 0, 0, "", "Search runs out of memory", []string{"search"}},
	{11, "18:22", 26 * time.Minute, Slow, "fraudguard", 0, 900 * ms, "", "Fraud provider answers slowly", []string{"payments", "checkout"}},
	{9, "03:05", 47 * time.Minute, NoData, "", 0, 0, "", "", nil},
	{7, "12:45", 9 * time.Minute, ErrorBurst, "inventory", 0.35, 0, "", "Reservations fail", []string{"inventory", "checkout"}},
	{5, "16:30", 5 * time.Minute, BadDeploy, "gateway", 0.16, 0, "v5.2.0 v5.1.9", "Gateway v5.2.0 drops sessions", []string{"gateway"}},
	{4, "20:00", 4 * time.Hour, ErrorBurst, "payments", 0.022, 0, "", "", nil},
	{2, "14:10", 7 * time.Minute, Outage, "payments", 0, 0, "", "Payments unreachable", []string{"payments", "checkout", "gateway"}},
	{1, "10:30", 55 * time.Minute, ErrorBurst, "search", 0.05, 0, "", "", nil},
}

// pastDeploy is a version that came into production and stayed.
type pastDeploy struct {
	days    int
	at      string
	service string
	version string
}

var deploys = []pastDeploy{
	{28, "14:02", "search", "v3.1.6"}, {26, "10:31", "gateway", "v5.1.9"}, {25, "11:15", "catalog", "v4.9.2"},
	{23, "15:20", "checkout", "v2.30.0"}, {20, "09:48", "payments", "v1.13.2"}, {18, "14:36", "inventory", "v8.1.1"},
	{17, "11:05", "notifications", "v2.1.9"}, {15, "10:22", "catalog", "v4.9.3"}, {14, "16:10", "checkout", "v2.30.3"},
	{12, "15:55", "search", "v3.1.7"}, {10, "10:40", "payments", "v1.14.0"}, {8, "13:31", "shipping-quotes", "v1.6.2"},
	{6, "11:12", "checkout", "v2.30.4"}, {5, "16:35", "gateway", "v5.2.1"}, {3, "09:58", "inventory", "v8.2.0"},
	{2, "11:20", "notifications", "v2.2.0"}, {1, "15:04", "warehouse-reports", "v0.9.8"},
}

// Incident is harm whose time is known: the truth that alerts are judged against.
type Incident struct {
	ID       string
	Title    string
	From, To time.Time
	Kind     FaultKind
	Cause    string   // service or stand-in at fault
	Services []string // services that were hurt, the worst first
	Declared bool     // people took it for an incident; false: trouble that only the numbers show
}

// span is a pastFault at its place in time.
type span struct {
	pastFault
	from, to time.Time
}

// spans places the past before now, oldest first.
func spans(now time.Time) ([]span, error) {
	var out []span
	for _, p := range past {
		from, err := local(now, p.days, p.at)
		if err != nil {
			return nil, err
		}
		out = append(out, span{p, from, from.Add(p.length)})
	}
	slices.SortFunc(out, func(a, b span) int { return a.from.Compare(b.from) })
	return out, nil
}

// local is a wall time some days before now, in the shop's zone.
func local(now time.Time, days int, at string) (time.Time, error) {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("read time zone %s: %w", zone, err)
	}
	clock, err := time.Parse("15:04", at)
	if err != nil {
		return time.Time{}, err
	}
	y, m, d := now.In(loc).Date()
	return time.Date(y, m, d-days, clock.Hour(), clock.Minute(), 0, 0, loc).UTC(), nil
}

// incidents are the spans that hurt someone.
func incidents(all []span) []Incident {
	var out []Incident
	for _, s := range all {
		if s.kind == Quiet || s.kind == NoData {
			continue
		}
		in := Incident{ID: fmt.Sprintf("INC-%d", 201+len(out)), Title: s.title, From: s.from, To: s.to, Kind: s.kind, Cause: s.on,
			Services: s.hurt, Declared: s.title != ""}
		if !in.Declared {
			in.Title = s.on + ": " + strings.ReplaceAll(string(s.kind), "-", " ")
			in.Services = []string{s.on}
		}
		out = append(out, in)
	}
	return out
}

// moments are the deploys of the past, those that were rolled back included.
func moments(now time.Time, all []span) ([]Moment, error) {
	var out []Moment
	for _, d := range deploys {
		at, err := local(now, d.days, d.at)
		if err != nil {
			return nil, err
		}
		out = append(out, Moment{At: at, Kind: "deployed", Service: d.service, Version: d.version, Text: d.service + " " + d.version + " in production"})
	}
	for _, s := range all {
		if s.kind == BadDeploy {
			bad, good, _ := strings.Cut(s.version, " ")
			out = append(out, Moment{At: s.from, Kind: "deployed", Service: s.on, Version: bad, Text: s.on + " " + bad + " in production"},
				Moment{At: s.to, Kind: "rolled-back", Service: s.on, Version: good, Text: s.on + " rolled back to " + good})
		}
	}
	slices.SortStableFunc(out, func(a, b Moment) int { return a.At.Compare(b.At) })
	return out, nil
}
