package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/domain/slo"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/migrate"
)

func sloReplayCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "replay", Short: "Answer test vectors: JSON lines in, JSON lines out", Args: wants(0, 0),
		Long: `Reads one case a line on standard input (samples or slots, corrections, questions) and prints one answer a line, by
the engine that evaluates live. docs/slo.md describes the form. For testing files of your own, and ours.`,
		Example: "  gunzip -c edge.jsonl.gz | evenkeel slo replay",
		RunE:    func(*cobra.Command, []string) error { return slo.Replay(e.In, e.Out) },
	}
}

func sloImportCommand(e *env) *cobra.Command {
	var out string
	var strict bool
	c := &cobra.Command{
		Use: "import FILE...", Short: "Turn OpenSLO, Sloth or Pyrra files into objectives", Args: wants(1, -1),
		Long: `Reads files and folders (OpenSLO v1, Sloth v1 and its CRD, Pyrra CRD; every document of a file) and writes OpenSLO v1
that an org directory can hold. What had no equivalent, or deviates from its standard, is named. A wrong file refuses the
whole import: nothing is half imported.`,
		Example: "  evenkeel slo import slos/ --to org/objectives/imported.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			files, err := readFiles(args)
			if err != nil {
				return err
			}
			r := migrate.Read(files, migrate.Options{Strict: strict})
			for _, n := range slices.Concat(r.Notes, r.Problems) {
				fmt.Fprintln(e.Err, n)
			}
			if slices.ContainsFunc(r.Problems, func(p kit.Problem) bool { return p.Severity == kit.SeverityError }) {
				fmt.Fprintln(e.Err, "Nothing was imported.")
				return findings()
			}
			body, err := migrate.WriteOpenSLO(r.Objectives)
			if err != nil {
				return err
			}
			fmt.Fprintf(e.Err, "%d objectives read from %d files\n", len(r.Objectives), len(files))
			return e.write(out, body)
		},
	}
	c.Flags().StringVar(&out, "to", "", "file to write; standard output when left out")
	c.Flags().BoolVar(&strict, "strict", false, "refuse what the OpenSLO specification refuses")
	return c
}

// exporters are the forms objectives can be written in.
var exporters = map[string]func([]slo.Objective) ([]byte, []kit.Problem, error){
	"openslo": func(list []slo.Objective) ([]byte, []kit.Problem, error) {
		body, err := migrate.WriteOpenSLO(list)
		return body, nil, err
	},
	"rules": func(list []slo.Objective) ([]byte, []kit.Problem, error) {
		body, left := migrate.WriteRules(list)
		return body, left, nil
	},
}

func sloExportCommand(e *env) *cobra.Command {
	var from, as, out string
	c := &cobra.Command{
		Use: "export [NAME...]", Short: "Write objectives as OpenSLO or as Prometheus rules",
		Long: `Writes the objectives of an org directory as OpenSLO v1 (without loss), or as one Prometheus rule file under Sloth's
metric names, for those who let Prometheus evaluate. Rules approximate what Evenkeel counts exactly.`,
		Example: "  evenkeel slo export --from ./org --as rules >rules.yaml\n  evenkeel slo export checkout-availability --from ./org",
		RunE: func(_ *cobra.Command, args []string) error {
			write, ok := exporters[as]
			if !ok {
				return usage("form %q does not exist; use openslo or rules", as)
			}
			list, err := localObjectives(from, args)
			if err != nil {
				return err
			}
			body, left, err := write(list)
			if err != nil {
				return err
			}
			for _, p := range left {
				fmt.Fprintln(e.Err, p)
			}
			return e.write(out, body)
		},
	}
	c.Flags().StringVar(&from, "from", ".", "org directory")
	c.Flags().StringVar(&as, "as", "openslo", "openslo or rules")
	c.Flags().StringVar(&out, "to", "", "file to write; standard output when left out")
	return c
}

// write puts a body into a file, whole or not at all, or on standard output.
func (e *env) write(file string, body []byte) error {
	if file == "" {
		_, err := e.Out.Write(body)
		return err
	}
	tmp := file + ".new"
	if err := os.WriteFile(tmp, body, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return os.Rename(tmp, file)
}

// maxInput bounds a file that a command reads.
const maxInput = 64 << 20

// readFiles reads files, and the YAML and JSON files below folders.
func readFiles(paths []string) ([]migrate.File, error) {
	var out []migrate.File
	for _, p := range paths {
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if path != p && !slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(path))) {
				return nil
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			body, err := io.ReadAll(io.LimitReader(f, maxInput))
			out = append(out, migrate.File{Name: path, Data: body})
			return err
		})
		if err != nil {
			return nil, usage("read %s: %w", p, err)
		}
	}
	return out, nil
}
