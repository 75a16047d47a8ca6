package migrate

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/kit/kittest"
)

// fixtures are all public files at hand, by path below the slo folder.
func fixtures(t testing.TB) []File {
	t.Helper()
	root := kittest.Fixtures(t, "slo")
	var out []File
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "vectors" {
			return cmpSkip(err)
		}
		if d.IsDir() || !regexp.MustCompile(`\.(ya?ml|json|tpl)$`).MatchString(path) {
			return nil
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		out = append(out, File{filepath.ToSlash(rel), data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 140 {
		t.Fatalf("only %d fixture files", len(out))
	}
	return out
}

func cmpSkip(err error) error {
	if err != nil {
		return err
	}
	return filepath.SkipDir
}

// outcome is what a file has to give, decided by its folder and name alone.
type outcome int

const (
	imports  outcome = iota
	fragment         // valid, with references into files that are not part of the collection
	refused
)

// Files whose name says bad and that are not, read by themselves, with the reason.
var goodAlone = map[string]string{
	"validate/bad/bad-openslo.yaml":                                 "28 days are wrong only for Sloth, whose default period is 30",
	"validate_with_duplicates/k8s/bad-k8s-1-original.yaml":          "bad only beside its duplicate",
	"validate_with_duplicates/k8s/bad-k8s-1-duplicate.yaml":         "bad only beside its original",
	"validate_with_duplicates/prom/bad-prom-1-original.yaml":        "bad only beside its duplicate",
	"validate_with_duplicates/prom/bad-prom-1-duplicate.yaml":       "bad only beside its original",
	"validate_with_duplicates/openslo/bad-openslo-1-original.yaml":  "bad only beside its duplicate",
	"validate_with_duplicates/openslo/bad-openslo-1-duplicate.yaml": "bad only beside its original",
}

var (
	bad       = regexp.MustCompile(`/validate/bad/|/bad-[^/]*$|[-_]invalid[-_]`)
	generated = regexp.MustCompile(`/_gen/|/out-[^/]*\.tpl$`)
	fragments = regexp.MustCompile(`/export/|/inline/inputs/custom_config|/inline/outputs/|examples/alert_policies`)
)

func expected(file string) outcome {
	for name := range goodAlone {
		if strings.HasSuffix(file, name) {
			return imports
		}
	}
	switch {
	case bad.MatchString(file), generated.MatchString(file), strings.HasSuffix(file, "-values.yaml"):
		return refused
	case fragments.MatchString(file):
		return fragment
	}
	return imports
}

func TestEveryPublicFileGivesWhatItsFolderSays(t *testing.T) {
	counts, objectives := map[outcome]int{}, 0
	for _, f := range fixtures(t) {
		want := expected(f.Name)
		counts[want]++
		r := Read([]File{f}, Options{Partial: want == fragment})
		if r.Failed() != (want == refused) {
			t.Errorf("%s: refused is %v, problems %v", f.Name, r.Failed(), r.Problems)
		}
		if want != refused {
			objectives += len(r.Objectives)
		}
		for _, p := range append(r.Problems, r.Notes...) {
			if p.File != f.Name || p.Line < 1 || p.Column < 1 || p.Msg == "" || p.Rule == "" {
				t.Errorf("%s: a finding without place or words: %#v", f.Name, p)
			}
			if p.Severity == kit.SeverityError && p.Remedy == "" {
				t.Errorf("a refusal without a remedy: %v", p)
			}
		}
	}
	t.Logf("%d import, %d are fragments, %d are refused; %d objectives", counts[imports], counts[fragment], counts[refused], objectives)
}

func TestEveryRefusalNamesItsField(t *testing.T) {
	for file, want := range map[string]string{
		"slok__sloth/test/integration/prometheus/testdata/validate/bad/bad-aa.yaml":                       `28:16: slos[1].objective: 101 % is above 100 %; write per cent of good events, such as 99.9`,
		"slok__sloth/test/integration/prometheus/testdata/validate/bad/bad-k8s.yaml":                      `7:12: spec.service: the service is missing; name the component these objectives belong to`,
		"slok__sloth/test/integration/prometheus/testdata/validate/bad/bad-multi-k8s.yaml":                `22:15: spec.slos[0].alerting.name: the alert has no name; name it, or disable both page_alert and ticket_alert`,
		"slok__sloth/test/integration/prometheus/testdata/validate/bad/bad-multi.yaml":                    `77:10: slos[1].sli: 0 of events, raw and plugin say what is measured, and it takes one; write one of them`,
		"slok__sloth/test/integration/prometheus/testdata/in-invalid-version.yaml":                        `1:10: version: Sloth's version "prometheus/v999" is not known; prometheus/v1 is read`,
		"OpenSLO__go-sdk/pkg/openslosdk/test_data/inline/inputs/v1_slo_invalid_sli.yaml":                  `7:19: [0].spec.indicatorRef: no SLI is named "no-sli"; define it in one of the files of this import, or mend the name`,
		"OpenSLO__go-sdk/pkg/openslosdk/test_data/inline/inputs/v1_alert_policies_invalid_condition.yaml": `8:23: [0].spec.conditions[0].conditionRef: no AlertCondition is named "cpu-usage-breach"; define it in one of the files of this import, or mend the name`,
		"slok__sloth/examples/_gen/k8s-getting-started.yml":                                               `6:1: this is a Prometheus rule file, which holds expressions and no objectives; import the file it was generated from; its alerting rules can be back-tested by assess`,
		"slok__sloth/test/integration/prometheus/testdata/out-base.yaml.tpl":                              `173:23: could not find flow map content; the line holds {{ }}: render the template first, or put the text in quotes`,
		"pyrra-dev__pyrra/examples/mimir/mimir-values.yaml":                                               `1:1: no apiVersion, so this is no objective; its keys look like the settings of a program, such as Helm values; leave this file out of the import`,
	} {
		data, err := os.ReadFile(filepath.Join(kittest.Fixtures(t, "slo"), filepath.FromSlash(file)))
		if err != nil {
			t.Fatal(err)
		}
		_, _, problems := ReadSLOs("f", data, Options{})
		if len(problems) == 0 || problems[0].String() != "f:"+want {
			t.Errorf("%s:\n got %v\nwant f:%s", file, problems, want)
		}
	}
}

func TestAFolderWithDuplicatesIsRefused(t *testing.T) {
	folders := map[string][]File{}
	for _, f := range fixtures(t) {
		if dir := filepath.Dir(f.Name); strings.Contains(dir, "validate_with_duplicates/") {
			folders[dir] = append(folders[dir], f)
		}
	}
	if len(folders) != 3 {
		t.Fatalf("folders: %v", folders)
	}
	for dir, files := range folders {
		r := Read(files, Options{})
		if !r.Failed() || r.Problems[0].Rule != "duplicate-objective" || !strings.HasSuffix(r.Problems[0].File, "-original.yaml") {
			t.Errorf("%s: %v", dir, r.Problems)
		}
	}
}

func TestSlothWindowsApplyToTheImportsSLOs(t *testing.T) {
	var files []File
	for _, f := range fixtures(t) {
		if strings.HasSuffix(f.Name, "examples/windows/7d.yaml") || strings.HasSuffix(f.Name, "examples/getting-started.yml") {
			files = append(files, f)
		}
	}
	r := Read(files, Options{})
	if r.Failed() || len(r.Objectives) != 1 {
		t.Fatal(r)
	}
	o := r.Objectives[0]
	if o.Window.Rolling != 7*day || len(o.Pairs) != 4 || o.Pairs[1].Spend != 0.125 || o.Pairs[1].Name != "page-6h" {
		t.Errorf("window %v, pairs %v", o.Window, o.Pairs)
	}
}
