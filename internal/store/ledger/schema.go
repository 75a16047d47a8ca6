package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"evenkeel.dev/evenkeel/internal/store/db"
)

// topic wakes the replicas after each commit.
const topic = "ledger"

// The ledger's own tables. Only fact is the truth; a leaf of the tree covers every column of it (record.go). tile holds
// the tree's hashes in the layout of C2SP tlog-tiles: 256 hashes a tile, and only every eighth level, since the levels
// between follow from them. text holds what facts name by digest and people may have erased.
var tables = []string{`
CREATE TABLE IF NOT EXISTS fact (
	seq BIGINT PRIMARY KEY,
	kind TEXT NOT NULL,
	at_us BIGINT NOT NULL,
	seen_us BIGINT NOT NULL,
	actor TEXT NOT NULL,
	about TEXT NOT NULL,
	key TEXT NOT NULL,
	cause TEXT NOT NULL,
	body TEXT NOT NULL)`,
	`CREATE UNIQUE INDEX IF NOT EXISTS fact_key ON fact (key)`,
	`CREATE INDEX IF NOT EXISTS fact_kind ON fact (kind, seq)`,
	`CREATE INDEX IF NOT EXISTS fact_about ON fact (about, seq)`,
	`CREATE INDEX IF NOT EXISTS fact_actor ON fact (actor, seq)`,
	`CREATE INDEX IF NOT EXISTS fact_at ON fact (at_us, seq)`, `
CREATE TABLE IF NOT EXISTS ledger_text (
	seq BIGINT NOT NULL,
	place BIGINT NOT NULL,
	salt BYTEA NOT NULL,
	plain TEXT NOT NULL,
	PRIMARY KEY (seq, place))`, `
CREATE TABLE IF NOT EXISTS ledger_tile (
	level BIGINT NOT NULL,
	n BIGINT NOT NULL,
	hashes BYTEA NOT NULL,
	PRIMARY KEY (level, n))`, `
CREATE TABLE IF NOT EXISTS ledger_head (
	id BIGINT PRIMARY KEY,
	seq BIGINT NOT NULL,
	seen_us BIGINT NOT NULL,
	epoch BIGINT NOT NULL,
	layout BIGINT NOT NULL,
	hash BYTEA NOT NULL)`, `
CREATE TABLE IF NOT EXISTS ledger_checkpoint (
	size BIGINT NOT NULL,
	at_us BIGINT NOT NULL,
	place TEXT NOT NULL,
	held BOOLEAN NOT NULL,
	note TEXT NOT NULL,
	PRIMARY KEY (size, at_us, place))`, `
CREATE TABLE IF NOT EXISTS ledger_projection (
	name TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	applied BIGINT NOT NULL,
	gen BIGINT NOT NULL,
	tables TEXT NOT NULL)`,
}

func (l *Ledger) makeTables(ctx context.Context) error { return makeTables(ctx, l.db) }

func makeTables(ctx context.Context, d *db.DB) error {
	ddl := strings.Join(tables, ";\n")
	empty := newTree().root()
	make := func(ctx context.Context, q db.Q) error {
		if _, err := q.ExecContext(ctx, ddl); err != nil {
			return err
		}
		_, err := q.ExecContext(ctx, `INSERT INTO ledger_head (id, seq, seen_us, epoch, layout, hash) VALUES (1, 0, 0, 1, 0, $1)
			ON CONFLICT (id) DO NOTHING`, empty[:])
		return err
	}
	err := d.Write(ctx, make)
	if d.Unique(err) { // another replica made them in the same instant
		err = d.Write(ctx, make)
	}
	if err != nil {
		return fmt.Errorf("make tables: %w", err)
	}
	return nil
}

// headRow is the row that appends serialise on. layout grows with each change of the projections' tables.
type headRow struct {
	Head
	layout int64
}

// readHead reads the row; lock is "" or what makes the transaction hold it.
func readHead(ctx context.Context, q db.Q, lock string) (h headRow, err error) {
	var seen int64
	var hash []byte
	err = q.QueryRowContext(ctx, "SELECT seq, seen_us, epoch, layout, hash FROM ledger_head WHERE id = $1"+lock, 1).
		Scan(&h.Seq, &seen, &h.Epoch, &h.layout, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return h, errors.New("the ledger has lost its head row")
	}
	if err != nil {
		return h, fmt.Errorf("read head: %w", err)
	}
	if copy(h.Hash[:], hash) != len(h.Hash) {
		return h, fmt.Errorf("the head row holds a hash of %d bytes", len(hash))
	}
	if seen != 0 {
		h.Seen = time.UnixMicro(seen).UTC()
	}
	return h, nil
}

func (h headRow) write(ctx context.Context, q db.Q) error {
	_, err := q.ExecContext(ctx, "UPDATE ledger_head SET seq = $1, seen_us = $2, epoch = $3, layout = $4, hash = $5 WHERE id = 1",
		h.Seq, micros(h.Seen), h.Epoch, h.layout, h.Hash[:])
	if err != nil {
		return fmt.Errorf("move head: %w", err)
	}
	return nil
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}
