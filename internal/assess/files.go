package assess

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/migrate"
)

// Unowned is the group that drafted services belong to until somebody says whose they are.
const Unowned = "unowned"

// Names of the reports in the written directory.
const (
	ReportHTML = "report.html"
	ReportMD   = "report.md"
)

// Free says whether a directory may be written: it does not exist, or is empty. What people wrote is never touched.
func Free(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return kit.Errorf(kit.Invalid, "write to %s: %w", dir, err)
	}
	if len(entries) > 0 {
		return &kit.Error{Code: kit.Conflict, Msg: dir + " is not empty", Hint: "name a new directory with --to; nothing that is there is overwritten"}
	}
	return nil
}

// Write writes the org directory with the reports: all of it, or nothing. See Free.
func (a *Assessment) Write(dir string) error {
	if err := Free(dir); err != nil {
		return err
	}
	files, err := a.files()
	if err != nil {
		return err
	}
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("write to %s: %w", dir, err)
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".evenkeel-assess-*")
	if err != nil {
		return fmt.Errorf("write to %s: %w", dir, err)
	}
	defer os.RemoveAll(tmp)
	for name, body := range files {
		path := filepath.Join(tmp, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := os.WriteFile(path, body, 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return fmt.Errorf("write to %s: %w", dir, err)
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // empty, as Free saw
		return fmt.Errorf("write to %s: %w", dir, err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("write to %s: %w", dir, err)
	}
	return nil
}

// files is all that is written, by path.
func (a *Assessment) files() (map[string][]byte, error) {
	out := map[string][]byte{"evenkeel.yaml": a.settings(), ReportMD: a.Markdown()}
	if len(a.Services) > 0 {
		out["catalog/services.yaml"] = a.catalog()
	}
	for _, s := range a.Services {
		var list []slo.Objective
		var why bytes.Buffer
		for _, d := range a.Drafts {
			if d.Service == s.Name {
				list = append(list, d.Objective)
				fmt.Fprintf(&why, "# %s: target %s. %s.\n", d.Objective.Name, percent(d.Objective.Target), d.Why)
			}
		}
		if len(list) == 0 {
			continue
		}
		body, err := migrate.WriteOpenSLO(list)
		if err != nil {
			return nil, err
		}
		out["slo/"+s.Name+".yaml"] = append(why.Bytes(), body...)
	}
	html, err := a.HTML()
	out[ReportHTML] = html
	return out, err
}

func (a *Assessment) settings() []byte {
	var b strings.Builder
	b.WriteString("# Drafted by evenkeel assess. docs/org-directory.md lists all keys.\napiVersion: evenkeel.dev/v1\nkind: Organisation\n")
	if a.Address != "" {
		fmt.Fprintf(&b, "metrics:\n  url: %s\n", strconv.Quote(a.Address))
		if a.token != "" {
			fmt.Fprintf(&b, "  bearer_token_file: %s\n", strconv.Quote(a.token))
		}
	}
	return []byte(b.String())
}

func (a *Assessment) catalog() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `# Drafted by evenkeel assess from what telemetry shows. Metrics do not say who answers for a service: put the team's
# name into spec.owner, and describe the team as a Group.
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: %s
  description: Placeholder. Nobody is named for these services yet.
spec:
  type: team
  children: []
`, Unowned)
	for _, s := range a.Services {
		fmt.Fprintf(&b, "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: %s\n  description: %s\n", s.Name,
			strconv.Quote("Found by "+s.Convention.Name+" as "+s.Telemetry+"."))
		fmt.Fprintf(&b, "  labels:\n    evenkeel.dev/tier: \"%d\"\n", tier)
		if s.Telemetry != s.Name && !strings.Contains(s.Telemetry, ",") {
			fmt.Fprintf(&b, "  annotations:\n    evenkeel.dev/service-names: %s\n", strconv.Quote(s.Telemetry))
		}
		fmt.Fprintf(&b, "spec:\n  type: service\n  lifecycle: production\n  owner: group:%s\n", Unowned)
	}
	return []byte(b.String())
}

// percent prints a target with the digits it has: "99.95%".
func percent(d slo.Decimal) string {
	text := strings.TrimRight(strings.TrimRight(strconv.FormatFloat(d.Float()*100, 'f', 4, 64), "0"), ".")
	return text + "%"
}
