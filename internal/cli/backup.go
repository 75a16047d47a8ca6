package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

func backupCommand(e *env) *cobra.Command {
	var at place
	c := &cobra.Command{Use: "backup FILE", Short: "Write a backup of the ledger, while it is in use", GroupID: "keep", Args: wants(1, 1),
		Long: `Writes all facts, free texts and checkpoints of one moment to FILE (gzipped JSON lines). It moves between SQLite and
PostgreSQL. Tokens are not in it: issue new ones after a restore. Keep ledger.key of the data directory too, or checkpoints
signed so far can be checked with its public half only.`,
		Example: "  evenkeel backup evenkeel-$(date +%F).gz --data ./data",
		RunE: func(c *cobra.Command, args []string) error {
			if err := at.need(c); err != nil {
				return err
			}
			d, err := at.open(c.Context(), false)
			if err != nil {
				return err
			}
			var head ledger.Head
			err = e.into(args[0], func(w io.Writer) error {
				var err error
				head, err = ledger.Backup(c.Context(), d, w, time.Now())
				return err
			})
			if err = errors.Join(err, d.Close()); err != nil {
				return err
			}
			return e.done(fmt.Sprintf("%s with root %s in %s", kit.Plural(int(head.Seq), "fact", "facts"), head.Hash, args[0]))
		}}
	at.flags(c)
	return c
}

func restoreCommand(e *env) *cobra.Command {
	var at place
	var why string
	c := &cobra.Command{Use: "restore FILE", Short: "Fill an empty ledger from a backup, openly", GroupID: "keep", Args: wants(1, 1),
		Long: `Fills an empty ledger from a backup. Each fact is checked against the root in the backup. It opens a new epoch: the ledger
itself then says that what came after the backup is lost. A ledger that holds facts already is refused and stays as it is.`,
		Example: "  evenkeel restore evenkeel-2026-10-22.gz --data ./new --why 'disk of host a failed'",
		RunE: func(c *cobra.Command, args []string) error {
			if err := at.need(c); err != nil {
				return err
			}
			f, err := os.Open(args[0])
			if err != nil {
				return usage("%w", err)
			}
			defer f.Close()
			d, err := at.open(c.Context(), true)
			if err != nil {
				return err
			}
			head, err := ledger.Restore(c.Context(), d, f, ledger.RestoreOptions{Now: time.Now, Why: why})
			if err = errors.Join(err, d.Close()); err != nil {
				return err
			}
			return e.done(fmt.Sprintf("%s restored, epoch %d opened; tokens are not in a backup, so issue new ones with evenkeel token create", kit.Plural(int(head.Seq), "fact", "facts"), head.Epoch))
		}}
	at.flags(c)
	c.Flags().StringVar(&why, "why", "", "why; it stands in the ledger")
	return c
}
