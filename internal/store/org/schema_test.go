package org

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evenkeel.dev/evenkeel/internal/domain/estate"
	"evenkeel.dev/evenkeel/internal/kit/kittest"
)

func TestSchemasForEditorsAreThoseInDocs(t *testing.T) {
	for _, s := range Schemas() {
		path := filepath.Join(kittest.Root(t), "docs", "schema", s.Name)
		if *update {
			if err := os.WriteFile(path, s.JSON, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(s.JSON)); d != "" {
			t.Errorf("%s differs; -update writes it anew:\n%s", path, d)
		}
	}
}

// TestEveryKeyIsDocumented walks the settings and the names of labels and annotations through the reference page.
func TestEveryKeyIsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(kittest.Root(t), "docs", "org-directory.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, n := range estate.Names {
		if !strings.Contains(text, "`"+n.Key+"`") {
			t.Errorf("docs/org-directory.md does not tell of %s", n.Key)
		}
	}
	for _, r := range Rules {
		if !strings.Contains(text, "`"+r.ID+"`") {
			t.Errorf("docs/org-directory.md does not tell of rule %s", r.ID)
		}
	}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] || !strings.HasSuffix(typ.PkgPath(), "store/org") {
			return
		}
		seen[typ] = true
		for f := range typ.Fields() {
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if key != "" && !strings.Contains(text, "`"+key+"`") {
				t.Errorf("docs/org-directory.md does not tell of %s, of %s", key, typ.Name())
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[Config]())
	walk(reflect.TypeFor[Source]())
	walk(reflect.TypeFor[incidentFile]())
}

// TestExamplesOfThePageAreRead reads each YAML block of the reference as a directory of its own.
func TestExamplesOfThePageAreRead(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(kittest.Root(t), "docs", "org-directory.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("%d examples", len(blocks))
	}
	for _, b := range blocks {
		b, _, _ = strings.Cut(b, "```")
		name := "catalog.yaml"
		if first, rest, ok := strings.Cut(b, "\n"); ok && strings.HasPrefix(first, "# ") {
			name, b = strings.TrimPrefix(first, "# "), "#\n"+rest
		}
		if _, problems := Load(write(t, map[string]string{name: b}), Options{}); Failed(problems) {
			t.Errorf("%s:\n%s\n%s", name, b, lines(problems))
		}
	}
}

func TestSettingsAreReadAndWrittenTheSame(t *testing.T) {
	text := `{"zone":"Europe/Berlin","defaults":{"tier":3,"window":"month","staleness":"5m"},
		"tiers":[{"tier":0,"target":"0.9995","window":"28d","alerts":[{"severity":"page","spend":0.02,"long":"1h","short":"5m"}]}],
		"metrics":[{"name":"eu","url":"http://eu","timeout":"30s"},{"name":"us","url":"http://us"}],
		"scrape":[{"job_name":"node","x":1}],"retention":{"time":"90d","size":"20GB"}}`
	var c, again Config
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(c, again) {
		t.Errorf("%+v\n%+v", c, again)
	}
	if c.Defaults.Window.Unit != "month" || c.Retention.Size != 20e9 || len(c.Metrics.Sources) != 2 || c.Tiers[0].Target.String() != "0.9995" {
		t.Errorf("read %+v", c)
	}
}

func TestMetricsTakesThreeForms(t *testing.T) {
	for text, want := range map[string]Metrics{
		`"none"`:             {None: true},
		`"embedded"`:         {},
		`null`:               {},
		`{"url":"http://a"}`: {Sources: []Source{{URL: "http://a"}}},
		`[{"name":"a","url":"http://a"},{"name":"b","url":"http://b"}]`: {Sources: []Source{{Name: "a", URL: "http://a"}, {Name: "b", URL: "http://b"}}},
	} {
		var m Metrics
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, m); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
}

func TestDurationsSayWhatTheyMean(t *testing.T) {
	for text, want := range map[string]string{"5m": "5m", "1h30m": "1h30m", "28d": "28d", "2w": "14d", "30d": "30d", "90s": "1m30s", "250ms": "250ms"} {
		d, err := ParseDuration(text)
		if err != nil || Duration(d).String() != want {
			t.Errorf("%s = %v, %v; want %s", text, Duration(d), err, want)
		}
	}
	for _, text := range []string{"", "5", "m", "1.5h", "-1h", "5m1h", "99999999999d", "20y"} {
		if d, err := ParseDuration(text); err == nil {
			t.Errorf("%q reads as %v", text, d)
		}
	}
}

// sloOf is an objective of a service.
func sloOf(name string) string {
	text := estateOf(20)["services/"+name+".yaml"]
	return text[strings.Index(text, "apiVersion: openslo"):]
}

func TestObjectivesTakeWhatTheyLeaveOutFromTheirTierThenTheDefaults(t *testing.T) {
	dir := write(t, map[string]string{
		"evenkeel.yaml": "zone: Europe/Berlin\ndefaults: {no_data: hold, max_groups: 7}\nbudget: [{consumed: 0.9, action: warn}]\n" +
			"tiers:\n  - tier: 1\n    no_data: bad\n    alerts: [{severity: page, spend: 0.02, long: 1h, short: 5m}]\n",
		"a.yaml": service("service-0", "1") + "---\n" + service("service-1", "3"),
		"s.yaml": sloOf("service-0"),
		"u.yaml": "kind: User\nmetadata: {name: ana}\n",
	})
	d, problems := Load(dir, Options{})
	if Failed(problems) || len(d.Objectives) != 1 {
		t.Fatal(lines(problems))
	}
	o := d.Objectives[0]
	if o.Tier != 1 || o.NoData != "bad" || o.MaxGroups != 7 || len(o.Pairs) != 1 || o.Pairs[0].Name != "page-1h" || len(o.Policy) != 1 {
		t.Errorf("completed to %+v", o)
	}
}
