package cli

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/projection"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/ledger"
)

// place is where a ledger lies, for commands that need no server. They may run beside one.
type place struct {
	data, ledger string
	cmd          *cobra.Command // whose standard error hears of long work
}

func (p *place) flags(c *cobra.Command) {
	p.cmd = c
	c.Flags().StringVar(&p.data, "data", "", "data directory of the server; its ledger is read without it")
	c.Flags().StringVar(&p.ledger, "ledger", "", "postgres://... where the ledger is not in the data directory")
}

// given says whether a command shall work without a server.
func (p *place) given() bool { return p.data != "" || p.ledger != "" }

func (p *place) need(c *cobra.Command) error {
	if !p.given() {
		return usage("say where the ledger lies: %s --data DIR, or --ledger postgres://...", c.CommandPath())
	}
	return nil
}

// open opens the database; make says whether a missing one may be made.
func (p *place) open(ctx context.Context, make bool) (*db.DB, error) {
	if p.ledger != "" {
		return db.Open(ctx, p.ledger)
	}
	file := filepath.Join(p.data, "ledger.db")
	if make {
		if err := os.MkdirAll(p.data, 0o700); err != nil {
			return nil, kit.Errorf(kit.Invalid, "make data directory: %w", err)
		}
	} else if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, &kit.Error{Code: kit.NotFound, Msg: "there is no ledger in " + p.data, Hint: "name the server's data directory"}
	}
	return db.Open(ctx, "sqlite:"+file)
}

// key is the ledger's own key; nil where the data directory has none.
func (p *place) key() (*ledger.Key, error) {
	if p.data == "" {
		return nil, nil
	}
	secret, err := os.ReadFile(filepath.Join(p.data, "ledger.key"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, kit.Errorf(kit.Denied, "read the ledger's key: %w", err)
	}
	return ledger.ParseKey(strings.TrimSpace(string(secret)))
}

// log tells of long work in plain lines.
func (p *place) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(p.cmd.ErrOrStderr(), &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// with opens the ledger, runs f and closes it again.
func (p *place) with(ctx context.Context, make bool, f func(*ledger.Ledger) error) error {
	d, err := p.open(ctx, make)
	if err != nil {
		return err
	}
	key, err := p.key()
	if err != nil {
		return errors.Join(err, d.Close())
	}
	l, err := ledger.Open(ctx, d, ledger.Options{Projections: projection.All, Key: key, Now: time.Now, Log: p.log()})
	if err != nil {
		return errors.Join(err, d.Close())
	}
	err = f(l)
	return errors.Join(err, l.Close(), d.Close())
}
