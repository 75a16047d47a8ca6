package cli

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

func ledgerCommand(e *env) *cobra.Command {
	return group(&cobra.Command{Use: "ledger", Short: "The tamper-evident ledger: verify, export, count, sign, rebuild", GroupID: "keep", Example: "  evenkeel ledger verify --data ./data"},
		ledgerVerifyCommand(e), ledgerExportCommand(e), ledgerStatsCommand(e), ledgerCheckpointCommand(e), ledgerRebuildCommand(e))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func ledgerVerifyCommand(e *env) *cobra.Command {
	var at place
	var held []string
	var key string
	c := &cobra.Command{Use: "verify [BUNDLE]", Short: "Prove that no fact was altered, removed, moved or inserted", Args: wants(0, 1),
		Long: `Recomputes every fact, the tree over them, and every checkpoint, and names what does not fit; exit code 1 then.
With --data or --ledger it reads the ledger itself, with or without a server running; with neither it asks the server.
Give --checkpoint files that somebody held outside: only they reveal a rewrite that was signed with the real key.
With a BUNDLE (from ledger export) it checks that file alone, offline; --key is the public key you trust.`,
		Example: "  evenkeel ledger verify --data ./data --checkpoint /mnt/held/checkpoint-120000.txt\n  evenkeel ledger verify evidence.jsonl --key 'example.org/evenkeel+1a2b3c4d+AbCd...'",
		RunE: func(c *cobra.Command, args []string) error {
			verifier, err := publicKey(key)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				if at.given() || len(held) > 0 {
					return usage("a bundle is checked by itself: leave out --data, --ledger and --checkpoint")
				}
				return e.verifyBundle(args[0], verifier)
			}
			notes, err := readAll(held)
			if err != nil {
				return err
			}
			var v api.Verdict
			if at.given() {
				v, err = e.verifyOffline(c.Context(), &at, verifier, notes)
			} else {
				var texts []string
				for _, n := range notes {
					texts = append(texts, string(n))
				}
				err = e.ask(c.Context(), http.MethodPost, "/api/v1/ledger/verify", map[string]any{"checkpoints": append([]string{}, texts...)}, &v)
			}
			if err != nil {
				return err
			}
			return e.printVerdict(v)
		}}
	at.flags(c)
	c.Flags().StringArrayVar(&held, "checkpoint", nil, "file with a checkpoint that somebody held; may be repeated")
	c.Flags().StringVar(&key, "key", "", "public key to trust; that of the data directory, or of the bundle, when left out")
	return c
}

func publicKey(text string) (note.Verifier, error) {
	if text == "" {
		return nil, nil
	}
	v, err := note.NewVerifier(strings.TrimSpace(text))
	if err != nil {
		return nil, usage("--key: %w; it has the form name+hash+base64", err)
	}
	return v, nil
}

func readAll(files []string) ([][]byte, error) {
	var out [][]byte
	for _, name := range files {
		body, err := os.ReadFile(name)
		if err != nil {
			return nil, usage("--checkpoint: %w", err)
		}
		out = append(out, body)
	}
	return out, nil
}

func (e *env) verifyOffline(ctx context.Context, at *place, key note.Verifier, held [][]byte) (api.Verdict, error) {
	d, err := at.open(ctx, false)
	if err != nil {
		return api.Verdict{}, err
	}
	defer d.Close() // only read
	if key == nil {
		own, err := at.key()
		if err != nil {
			return api.Verdict{}, err
		}
		if own != nil {
			key = own.Verifier
		} else {
			fmt.Fprintln(e.Err, "No key was given and none lies in the data directory: signatures of checkpoints are not checked.")
		}
	}
	last := time.Now()
	r, err := ledger.Verify(ctx, d, ledger.VerifyOptions{Key: key, Older: held, Progress: func(done, total int64) {
		if time.Since(last) > 2*time.Second {
			last = time.Now()
			fmt.Fprintf(e.Err, "%d of %d facts\n", done, total)
		}
	}})
	if err != nil {
		return api.Verdict{}, err
	}
	return api.VerdictOf(r), nil
}

func (e *env) printVerdict(v api.Verdict) error {
	if e.format == "table" {
		fmt.Fprintf(e.Out, "%s recomputed, root %s, %s compared\n", kit.Plural(int(v.Facts), "fact", "facts"), v.Root, kit.Plural(v.Checkpoints, "checkpoint", "checkpoints"))
		if v.Erased > 0 {
			fmt.Fprintf(e.Out, "%s erased, openly\n", kit.Plural(int(v.Erased), "free text", "free texts"))
		}
		if v.Epochs > 0 {
			fmt.Fprintf(e.Out, "restored from a backup %s, as declared\n", kit.Plural(v.Epochs, "time", "times"))
		}
	}
	return e.printFindings(v, v.Findings, v.OK)
}

// printFindings prints what does not fit, or that all does.
func (e *env) printFindings(v any, list []api.Finding, ok bool) error {
	t := table{head: []string{"what", "from", "to", "finding"}, empty: "All is as it was recorded."}
	for _, f := range list {
		t.add(f.What, f.From, f.To, f.Message)
	}
	if err := e.print(v, t); err != nil {
		return err
	}
	if !ok {
		return findings()
	}
	return nil
}

func (e *env) verifyBundle(file string, key note.Verifier) error {
	f, err := os.Open(file)
	if err != nil {
		return usage("%w", err)
	}
	defer f.Close()
	r, err := ledger.VerifyBundle(f, key)
	if err != nil {
		return err
	}
	out := struct {
		OK        bool          `json:"ok"`
		Facts     int64         `json:"facts"`
		Texts     int64         `json:"texts"`
		Size      int64         `json:"size"`
		PublicKey string        `json:"publicKey"`
		Trusted   bool          `json:"trusted"`
		Findings  []api.Finding `json:"findings"`
	}{r.OK(), r.Facts, r.Texts, r.Checkpoint.Size, r.PublicKey, r.Trusted, api.FindingsOf(r.Findings)}
	if e.format == "table" {
		fmt.Fprintf(e.Out, "%s proven against a checkpoint over %d, signed by %s\n", kit.Plural(int(r.Facts), "fact", "facts"), r.Checkpoint.Size, r.PublicKey)
		if !r.Trusted {
			fmt.Fprintln(e.Err, "The signature was checked with the key in the bundle itself. Give --key with the key you know, or anybody could have made it.")
		}
	}
	return e.printFindings(out, out.Findings, out.OK)
}
