package org

import (
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// judge says what a schema cannot: settings that contradict each other or name what does not exist.
func (d document) judge(c Config, o Options) []kit.Problem {
	j := judgement{d: d}
	j.zone("/zone", c.Zone)
	j.tiers(c.Tiers)
	j.calendars(c.Calendars)
	j.metrics(c.Metrics)
	j.scrape(c.Scrape, o.CheckScrape)
	j.probes(c.Probes)
	j.homeless(c)
	return j.problems
}

// homeless tells scrape jobs and probes whose samples have no store to go to.
func (j *judgement) homeless(c Config) {
	switch {
	case c.Metrics.None && len(c.Scrape)+len(c.Probes) > 0:
		j.tell("/metrics", "metrics is none, so scrape jobs and probes have nowhere to write", "remove them, or leave metrics out to use the embedded store")
	case len(c.Metrics.Sources) == 0:
	case len(c.Scrape) > 0:
		j.tell("/scrape", "scrape jobs fill the embedded store, which is off while metrics names another", "let that store scrape, or leave metrics out")
	case len(c.Probes) > 0 && c.Metrics.Sources[0].WriteURL == "":
		j.tell("/probes", "probes have nowhere to write: the metric source has no write_url", "add write_url, or leave metrics out to use the embedded store")
	}
}

type judgement struct {
	d        document
	problems []kit.Problem
}

func (j *judgement) tell(pointer, msg, remedy string) {
	j.problems = append(j.problems, j.d.at(pointer, kit.SeverityError, "settings", msg, remedy))
}

func (j *judgement) zone(pointer, name string) {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		j.tell(pointer, fmt.Sprintf("zone %q is unknown", name), "write an IANA name such as Europe/Berlin")
	}
}

// once tells a name that stands a second time.
func (j *judgement) once(seen map[string]bool, pointer, what, name string) {
	if seen[name] {
		j.tell(pointer, fmt.Sprintf("%s %s stands twice", what, name), "rename or remove one")
	}
	seen[name] = true
}

func (j *judgement) tiers(tiers []Tier) {
	seen := map[string]bool{}
	for i, t := range tiers {
		at := fmt.Sprintf("/tiers/%d", i)
		j.once(seen, at+"/tier", "tier", itoa(t.Tier))
		for k, a := range t.Alerts {
			at := fmt.Sprintf("%s/alerts/%d", at, k)
			switch {
			case (a.Spend == 0) == (a.Factor == 0):
				j.tell(at, "an alert has one of spend and factor", "write how much of the budget may be spent in the long window, or the burn rate")
			case a.Short > a.Long:
				j.tell(at+"/short", fmt.Sprintf("short window %s is longer than the long one, %s", a.Short, a.Long), "write a shorter one; a twelfth of the long one is usual")
			case a.Short < Duration(time.Minute) || a.Short%Duration(time.Minute) != 0 || a.Long%Duration(time.Minute) != 0:
				j.tell(at, "windows of alerts are whole minutes, at least one", "write them in minutes")
			}
		}
	}
}

func (j *judgement) calendars(calendars []Calendar) {
	seen := map[string]bool{}
	for i, c := range calendars {
		at := fmt.Sprintf("/calendars/%d", i)
		j.once(seen, at+"/name", "calendar", c.Name)
		j.zone(at+"/zone", c.Zone)
		for k, h := range c.Hours {
			if h.From >= h.To { // both are hh:mm
				j.tell(fmt.Sprintf("%s/hours/%d/to", at, k), fmt.Sprintf("work ends at %s, before it begins at %s", h.To, h.From), "write a later time, 24:00 at the latest; cut a night at midnight")
			}
		}
		for k, h := range c.Holidays {
			if _, err := time.Parse(time.DateOnly, h.Date); err != nil {
				j.tell(fmt.Sprintf("%s/holidays/%d/date", at, k), fmt.Sprintf("there is no day %s", h.Date), "write a date such as 2026-12-25")
			}
		}
	}
}

func (j *judgement) metrics(m Metrics) {
	seen := map[string]bool{}
	for i, s := range m.Sources {
		if len(m.Sources) > 1 {
			at := fmt.Sprintf("/metrics/%d", i)
			if s.Name == "" {
				j.tell(at, "one of several metric sources has no name", "add a name, which objectives can then use")
			}
			j.once(seen, at+"/name", "metric source", s.Name)
		}
	}
}

func (j *judgement) scrape(jobs []json.RawMessage, check func([]byte) error) {
	seen := map[string]bool{}
	for i, raw := range jobs {
		at := fmt.Sprintf("/scrape/%d", i)
		var job struct {
			Name string `json:"job_name"`
		}
		if err := json.Unmarshal(raw, &job); err != nil || job.Name == "" {
			j.tell(at+"/job_name", "a scrape job has no usable job_name", "write a name, which becomes the label job")
			continue
		}
		j.once(seen, at+"/job_name", "scrape job", job.Name)
		if check == nil {
			continue
		}
		if err := check(raw); err != nil {
			j.tell(at, fmt.Sprintf("scrape job %s: %v", job.Name, err), "write it as in Prometheus' scrape_configs")
		}
	}
}

func (j *judgement) probes(probes []Probe) {
	seen := map[string]bool{}
	for i, p := range probes {
		at := fmt.Sprintf("/probes/%d", i)
		j.once(seen, at+"/name", "probe", p.Name)
		if p.Interval != 0 && p.Interval < Duration(time.Second) {
			j.tell(at+"/interval", "a probe runs at most once a second", "write 1s or more")
		}
		if p.Timeout > p.every() {
			j.tell(at+"/timeout", fmt.Sprintf("timeout %s is longer than the interval %s", p.Timeout, p.every()), "write a shorter one")
		}
		for _, part := range []struct {
			given bool
			kinds [2]string
			key   string
		}{{p.HTTP != nil, [2]string{"http"}, "http"}, {p.DNS != nil, [2]string{"dns"}, "dns"}, {p.TLS != nil, [2]string{"tls", "http"}, "tls"}} {
			if part.given && p.Kind != part.kinds[0] && p.Kind != part.kinds[1] {
				j.tell(at+"/"+part.key, fmt.Sprintf("a %s probe has no %s part", p.Kind, part.key), "remove it, or change the kind")
			}
		}
		if p.Kind == "dns" && p.DNS == nil {
			j.tell(at, "a dns probe does not say what to ask for", "add dns: {name: ...}")
		}
		if p.HTTP != nil {
			j.match(at+"/http/match", p.HTTP.Match)
		}
		if p.DNS != nil {
			j.match(at+"/dns/match", p.DNS.Match)
		}
	}
}

func (j *judgement) match(pointer, re string) {
	if _, err := regexp.Compile(re); err != nil {
		j.tell(pointer, err.Error(), "write an RE2 expression")
	}
}

// every is how often a probe runs.
func (p Probe) every() Duration {
	if p.Interval == 0 {
		return Duration(30 * time.Second)
	}
	return p.Interval
}
