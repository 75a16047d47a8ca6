package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/api"
	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

func ledgerStatsCommand(e *env) *cobra.Command {
	var at place
	c := &cobra.Command{Use: "stats", Short: "Count facts by kind, and say how large and old the ledger is", Args: wants(0, 0), Example: "  evenkeel ledger stats --data ./data",
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
			t := table{head: []string{"kind", "facts", "last", "at"}, empty: "No facts yet."}
			for _, k := range st.Kinds {
				t.add(k.Kind, k.Facts, k.Last, k.LastAt)
			}
			return e.print(st, t)
		}}
	at.flags(c)
	return c
}

func ledgerCheckpointCommand(e *env) *cobra.Command {
	var at place
	var out string
	c := &cobra.Command{Use: "checkpoint", Short: "Sign the newest state, for somebody outside to keep", Args: wants(0, 0),
		Long: `Prints a signed checkpoint of the ledger (C2SP tlog-checkpoint). Keep it where the administrators of the server cannot
reach: ledger verify --checkpoint FILE then finds any rewrite of what it covers, even one signed with the real key.`,
		Example: "  evenkeel ledger checkpoint --to-file /mnt/held/checkpoint.txt",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := e.signed(c.Context(), &at)
			if err != nil {
				return err
			}
			if e.format != "table" {
				return e.print(p, table{head: []string{"size", "hash", "epoch", "public key"}, rows: [][]any{{p.Size, p.Hash, p.Epoch, p.PublicKey}}})
			}
			fmt.Fprintf(e.Err, "%s covered, signed by %s\n", kit.Plural(int(p.Size), "fact", "facts"), p.PublicKey)
			return e.into(out, func(w io.Writer) error {
				_, err := io.WriteString(w, p.Note)
				return err
			})
		}}
	at.flags(c)
	c.Flags().StringVar(&out, "to-file", "", "file to write; standard output when left out")
	return c
}

func (e *env) signed(ctx context.Context, at *place) (p api.Checkpoint, err error) {
	if !at.given() {
		return p, e.get(ctx, "/api/v1/ledger/checkpoint", &p)
	}
	key, err := at.key()
	if err != nil {
		return p, err
	}
	if key == nil {
		return p, usage("a checkpoint is signed with the ledger's key, which lies in the server's data directory: give --data")
	}
	err = at.with(ctx, false, func(l *ledger.Ledger) error {
		c, err := l.Checkpoint(ctx)
		p = api.Checkpoint{Size: c.Size, Hash: c.Hash.String(), Epoch: c.Epoch, Note: string(c.Note), PublicKey: key.Public}
		return err
	})
	return p, err
}

func ledgerRebuildCommand(e *env) *cobra.Command {
	var at place
	c := &cobra.Command{Use: "rebuild [PROJECTION]", Short: "Make derived tables anew from the facts", Args: wants(0, 1),
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
