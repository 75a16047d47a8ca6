package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/event"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

func ledgerCommand(e *env) *cobra.Command {
	c := &cobra.Command{Use: "ledger", Short: "The tamper-evident ledger: verify, export, count, rebuild", GroupID: "keep", Args: cobra.NoArgs,
		Example: "  evenkeel ledger verify --data ./data",
		RunE:    func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(ledgerVerifyCommand(e), ledgerExportCommand(e), ledgerStatsCommand(e), ledgerRebuildCommand(e))
	return c
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func ledgerVerifyCommand(e *env) *cobra.Command {
	var at place
	var held []string
	var key string
	c := &cobra.Command{Use: "verify [BUNDLE]", Short: "Prove that no fact was altered, removed, moved or inserted", Args: cobra.MaximumNArgs(1),
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
	t := table{head: []string{"what", "from", "to", "finding"}, right: []bool{1: true, 2: true}, empty: "All is as it was recorded."}
	for _, f := range list {
		t.rows = append(t.rows, []string{f.What, strconv.FormatInt(f.From, 10), strconv.FormatInt(f.To, 10), f.Message})
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

func ledgerExportCommand(e *env) *cobra.Command {
	var at place
	var kinds []string
	var about, by, from, to, out string
	var texts bool
	c := &cobra.Command{Use: "export", Short: "Write facts with their proofs as an evidence bundle", Args: cobra.NoArgs,
		Long: `Writes a bundle that anybody can check without this ledger: evenkeel ledger verify FILE. Through a server it needs
evidence.read, and is recorded.`,
		Example: "  evenkeel ledger export --about slo:checkout-availability --from 90d --to-file evidence.jsonl",
		RunE: func(c *cobra.Command, _ []string) error {
			f := ledger.Filter{About: event.Ref(about), By: by}
			for _, k := range kinds {
				f.Kinds = append(f.Kinds, event.Kind(k))
			}
			for _, t := range []struct {
				name, text string
				at         *time.Time
			}{{"from", from, &f.At.From}, {"to", to, &f.At.To}} {
				if t.text == "" {
					continue
				}
				var err error
				if *t.at, err = kit.ParseTime(t.text, time.Now()); err != nil {
					return usage("--%s: %w", t.name, err)
				}
			}
			return e.into(out, func(w io.Writer) error {
				if at.given() {
					return at.with(c.Context(), false, func(l *ledger.Ledger) error {
						n, err := l.Export(c.Context(), w, ledger.ExportOptions{Filter: f, Texts: texts})
						if err == nil {
							fmt.Fprintln(e.Err, kit.Plural(int(n), "fact", "facts")+" exported")
						}
						return err
					})
				}
				t := ""
				if texts {
					t = "true"
				}
				resp, err := e.send(c.Context(), http.MethodGet, "/api/v1/ledger/export"+query("kind", strings.Join(kinds, ","), "about", about, "by", by, "from", from, "to", to, "texts", t), nil)
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				_, err = io.Copy(w, resp.Body)
				return err
			})
		}}
	at.flags(c)
	fl := c.Flags()
	fl.StringSliceVar(&kinds, "kind", nil, "kinds, such as alert.fired")
	fl.StringVar(&about, "about", "", "such as slo:checkout-availability")
	fl.StringVar(&by, "by", "", "such as user:ana")
	fl.StringVar(&from, "from", "", "happened at or after: RFC 3339, a day, or an age such as 90d")
	fl.StringVar(&to, "to", "", "happened before")
	fl.BoolVar(&texts, "texts", false, "with free texts")
	fl.StringVar(&out, "to-file", "", "file to write; standard output when left out")
	return c
}

// into writes a file, whole or not at all, or standard output.
func (e *env) into(file string, write func(io.Writer) error) error {
	if file == "" {
		return write(e.Out)
	}
	tmp := file + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return usage("%w", err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, file)
}

func ledgerStatsCommand(e *env) *cobra.Command {
	var at place
	c := &cobra.Command{Use: "stats", Short: "Count facts by kind, and say how large and old the ledger is", Args: cobra.NoArgs, Example: "  evenkeel ledger stats --data ./data",
		RunE: func(c *cobra.Command, _ []string) error {
			var st api.LedgerStats
			var err error
			if at.given() {
				err = at.with(c.Context(), false, func(l *ledger.Ledger) error {
					s, err := l.Stats(c.Context())
					st = api.StatsOf(s, l.Names())
					return err
				})
			} else {
				err = e.get(c.Context(), "/api/v1/ledger", &st)
			}
			if err != nil {
				return err
			}
			if e.format == "table" {
				fmt.Fprintf(e.Out, "%s since %s, %s, %d in the last day, epoch %d\nroot %s\n\n", kit.Plural(int(st.Facts), "fact", "facts"), clock(st.FirstSeen), kit.Bytes(float64(st.Bytes)), st.LastDay, st.Epoch, st.Root)
			}
			t := table{head: []string{"kind", "facts", "last", "at"}, right: []bool{1: true, 2: true}, empty: "No facts yet."}
			for _, k := range st.Kinds {
				t.rows = append(t.rows, []string{k.Kind, strconv.FormatInt(k.Facts, 10), strconv.FormatInt(k.Last, 10), clock(&k.LastAt)})
			}
			return e.print(st, t)
		}}
	at.flags(c)
	return c
}

func ledgerRebuildCommand(e *env) *cobra.Command {
	var at place
	c := &cobra.Command{Use: "rebuild [PROJECTION]", Short: "Make derived tables anew from the facts", Args: cobra.MaximumNArgs(1),
		Long:    `Makes one projection anew, or all of them, while a server may go on. Without --data or --ledger it refuses: it needs the database.`,
		Example: "  evenkeel ledger rebuild alerts --data ./data",
		RunE: func(c *cobra.Command, args []string) error {
			if err := at.need(c); err != nil {
				return err
			}
			return at.with(c.Context(), false, func(l *ledger.Ledger) error {
				names := args
				if len(names) == 0 {
					names = l.Names()
				}
				for _, name := range names {
					if err := l.Rebuild(c.Context(), name); err != nil {
						if kit.CodeOf(err) == kit.NotFound {
							return usage("projection %q does not exist; there are %s", name, strings.Join(l.Names(), ", "))
						}
						return err
					}
					fmt.Fprintln(e.Out, "rebuilt", name)
				}
				return nil
			})
		}}
	at.flags(c)
	return c
}
