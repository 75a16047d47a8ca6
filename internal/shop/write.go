package shop

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

//go:embed org
var orgFiles embed.FS

// WriteOrg writes the shop's org directory: its catalog, its objectives, the incidents of its past. gateway is the front
// door's URL, which a probe tries. Files that are there already are overwritten, others stay.
func WriteOrg(dir string, h *History, gateway string) error {
	fill := strings.NewReplacer("${START}", h.From.UTC().Format(time.RFC3339), "${GATEWAY}", gateway)
	err := fs.WalkDir(orgFiles, "org", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(name, "org")))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := orgFiles.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, []byte(fill.Replace(string(data))), 0o644)
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "incidents.yaml"), h.incidentFile(), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the demo's org directory: %w", err)
	}
	return nil
}

// incidentFile is the past's truth in the form that back-tests read.
func (h *History) incidentFile() []byte {
	var b strings.Builder
	b.WriteString("# What hurt Harbour Goods in the last thirty days: the truth that alerts are judged against.\n")
	b.WriteString("apiVersion: evenkeel.dev/v1\nkind: Incidents\nincidents:\n")
	for _, in := range h.Incidents {
		fmt.Fprintf(&b, "  - id: %s\n    title: %q\n    from: %s\n    to: %s\n    services: [%s]\n", in.ID, in.Title,
			in.From.UTC().Format(time.RFC3339), in.To.UTC().Format(time.RFC3339), strings.Join(in.Services, ", "))
	}
	return []byte(b.String())
}
