package org

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func names(d *Directory) []string {
	var out []string
	for _, f := range d.Files {
		out = append(out, f.Path)
	}
	return out
}

func TestAMountedConfigMapIsReadOnceThroughItsLinks(t *testing.T) {
	dir := write(t, map[string]string{"..2026_03_01/a.yaml": service("a", "1"), "..2026_03_01/ana.yml": "kind: User\nmetadata: {name: ana}\n"})
	for from, to := range map[string]string{"..data": "..2026_03_01", "a.yaml": "..data/a.yaml", "ana.yml": "..data/ana.yml"} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	d, problems := Load(dir, Options{})
	if len(problems) > 0 || d.Catalog.Len() != 2 {
		t.Errorf("%d entities\n%s", d.Catalog.Len(), lines(problems))
	}
	if d := cmp.Diff([]string{"a.yaml", "ana.yml"}, names(d)); d != "" {
		t.Error(d)
	}
}

func TestHiddenAndForeignFilesAreLeftAlone(t *testing.T) {
	d, problems := Load(write(t, map[string]string{
		"ana.yaml": "kind: User\nmetadata: {name: ana}\n", ".git/x.yaml": "kind: [", ".a.yaml.swp": "\x00", "node_modules/x/y.yaml": "kind: [", "notes.txt": "kind: [", "a.yaml~": "kind: [",
	}), Options{})
	if len(problems) > 0 {
		t.Error(lines(problems))
	}
	if d := cmp.Diff([]string{"ana.yaml"}, names(d)); d != "" {
		t.Error(d)
	}
}

func TestADirectoryThatIsNotThereIsAProblemWithItsName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	_, problems := Load(dir, Options{})
	if len(problems) != 1 || !Failed(problems) || !strings.HasPrefix(problems[0].String(), dir+": the org directory cannot be read: no such file") {
		t.Error(lines(problems))
	}
}

func TestWindowsLineEndsAndAByteOrderMarkAreRead(t *testing.T) {
	text := "\ufeff" + strings.ReplaceAll(service("a", "1")+"---\n"+service("b", "9"), "\n", "\r\n")
	d, problems := Load(write(t, map[string]string{"a.yaml": text, "u.yaml": "kind: User\nmetadata: {name: ana}"}), Options{})
	if d.Catalog.Len() != 3 || len(problems) != 1 || problems[0].Line != 14 {
		t.Errorf("%d entities\n%s", d.Catalog.Len(), lines(problems))
	}
}

func TestTheDigestIsThatOfPathsAndContentsOnly(t *testing.T) {
	files := map[string]string{"a.yaml": service("a", "1"), "b/c.yaml": service("c", "1")}
	one, _ := Load(write(t, files), Options{})
	two, _ := Load(write(t, files), Options{})
	if one.Digest != two.Digest || len(one.Version) != 12 {
		t.Errorf("%s, %s", one.Digest, two.Digest)
	}
	files["b/c.yaml"] += "\n"
	if three, _ := Load(write(t, files), Options{}); three.Digest == one.Digest {
		t.Error("a change left the digest as it was")
	}
}
