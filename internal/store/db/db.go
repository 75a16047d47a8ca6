// Package db is the one door to SQL: SQLite and PostgreSQL behind the same text.
//
// The text keeps to what both engines understand: $1 placeholders, BIGINT microseconds for times, TEXT for ids and JSON,
// ON CONFLICT, RETURNING, common table expressions, window functions; no look into JSON, no = ANY, no identity columns.
// What they do differently lies in sqlite.go and postgres.go and nowhere else.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
)

// Q runs SQL: a pool of readers, a snapshot, or the write transaction it was handed to. Statements are prepared once and
// kept. One Q inside a transaction serves one goroutine.
type Q interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Engine names, as Engine returns them.
const (
	SQLite   = "sqlite"
	Postgres = "postgres"
)

// engine is what SQLite and PostgreSQL do differently.
type engine interface {
	name() string
	reader() Q
	snapshot(ctx context.Context, fn func(context.Context, Q) error) error
	write(ctx context.Context, fn func(context.Context, Q) error) error
	retry(err error) bool  // the transaction lost a race and may run again
	full(err error) bool   // the disk is full
	down(err error) bool   // the server is away
	unique(err error) bool // a unique key exists already
	forUpdate() string     // suffix of a SELECT that locks its rows
	insertInto() string    // of a bulk insert, whose failure is taken back by the caller
	notify(ctx context.Context, q Q, topic string) error
	watch(ctx context.Context, topic string, f func()) error
	free() (bytes int64, known bool)
	size(ctx context.Context) (int64, error)
	scrub(ctx context.Context, table string) error
	copyTo(ctx context.Context, path string) error
	close() error
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	eng   engine
	bulks sync.Map // of bulk to its text
}

// Open opens "sqlite:PATH" (the file is made, readable by its owner only, when missing) or "postgres://...", and checks
// that the engine keeps what it acknowledges: WAL and synchronous=FULL on SQLite, synchronous_commit and fsync on
// PostgreSQL. Errors say what to change.
func Open(ctx context.Context, url string) (*DB, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	var eng engine
	var err error
	switch scheme {
	case "sqlite":
		eng, err = openSQLite(ctx, rest)
	case "postgres", "postgresql":
		eng, err = openPostgres(ctx, url)
	default:
		return nil, &kit.Error{Code: kit.Invalid, Msg: fmt.Sprintf("database address begins with %q", scheme+":"),
			Hint: `write "sqlite:PATH" or "postgres://user@host/name"`}
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	d := &DB{eng: eng}
	if err := d.prepareLeases(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), eng.close())
	}
	return d, nil
}

// Close ends all connections. Transactions under way are rolled back.
func (d *DB) Close() error { return d.eng.close() }

// Engine is "sqlite" or "postgres".
func (d *DB) Engine() string { return d.eng.name() }

// Read is the pool of readers; each statement sees what was committed when it began.
func (d *DB) Read() Q { return d.eng.reader() }

// Snapshot runs fn over one unchanging state of the database. fn must not write.
func (d *DB) Snapshot(ctx context.Context, fn func(ctx context.Context, q Q) error) error {
	return d.eng.snapshot(ctx, fn)
}

type inWrite struct{}

// Write runs fn in one write transaction: committed when fn returns nil, rolled back else. A transaction that lost a race
// (serialisation, deadlock, a lock held by another process) runs again, so fn must bear being called more than once and
// must read what it decides on through q. Writers queue: SQLite has one at a time.
//
// A full disk or a server that is away comes back as kit.Unavailable; every other error is fn's own or the engine's.
func (d *DB) Write(ctx context.Context, fn func(ctx context.Context, q Q) error) error {
	if ctx.Value(inWrite{}) == d {
		return errors.New("write inside a write: pass the outer transaction's q on")
	}
	ctx = context.WithValue(ctx, inWrite{}, d)
	for try := 0; ; try++ {
		err := d.eng.write(ctx, fn)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if try < 20 && d.eng.retry(err) {
			if err := pause(ctx, try); err != nil {
				return err
			}
			continue
		}
		return d.explain(err)
	}
}

// pause waits a random while that grows with each try: 1 to 200 ms.
func pause(ctx context.Context, try int) error {
	top := min(200*time.Millisecond, time.Millisecond<<min(try+1, 8))
	t := time.NewTimer(time.Duration(1 + rand.Int64N(int64(top))))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// explain turns an engine's failure that people can mend into words.
func (d *DB) explain(err error) error {
	switch {
	case d.eng.full(err):
		return &kit.Error{Code: kit.Unavailable, Msg: "the disk that holds the database is full",
			Hint: "free some space; writing goes on by itself", Err: err}
	case d.eng.down(err):
		return &kit.Error{Code: kit.Unavailable, Msg: "the database does not answer",
			Hint: "check that it runs and is reachable; writing goes on by itself", Err: err}
	}
	return err
}

// Fatal says whether err ends the whole transaction, not just the statement it came from: a lost race, a full disk, a
// server that went away.
func (d *DB) Fatal(err error) bool {
	return err != nil && (d.eng.retry(err) || d.eng.full(err) || d.eng.down(err))
}

// Unique says whether err is the refusal of a second row with the same unique key.
func (d *DB) Unique(err error) bool { return err != nil && d.eng.unique(err) }

// ForUpdate is the suffix that makes a SELECT inside Write lock its rows: " FOR UPDATE" on PostgreSQL, "" on SQLite, whose
// single writer needs none.
func (d *DB) ForUpdate() string { return d.eng.forUpdate() }

// Free is the space left where the database lies, in bytes; false where it cannot be known (a server elsewhere).
func (d *DB) Free() (bytes int64, known bool) { return d.eng.free() }

// Size is what the database takes on disk, in bytes, the log of recent writes included where the engine tells.
func (d *DB) Size(ctx context.Context) (int64, error) {
	n, err := d.eng.size(ctx)
	if err != nil {
		return 0, fmt.Errorf("size of database: %w", err)
	}
	return n, nil
}

// Scrub makes rows deleted from table before the call unrecoverable from the database's own files: SQLite's log is emptied
// into the file, where deleted content is overwritten; PostgreSQL vacuums the table. Backups, replicas and file systems
// that copy on write keep theirs.
func (d *DB) Scrub(ctx context.Context, table string) error {
	if err := d.eng.scrub(ctx, table); err != nil {
		return fmt.Errorf("scrub %s: %w", table, err)
	}
	return nil
}

// CopyTo writes a consistent copy of the whole database to a new file while it is in use. Only SQLite can; PostgreSQL has
// its own tools, and kit.Invalid says so.
func (d *DB) CopyTo(ctx context.Context, path string) error {
	if err := d.eng.copyTo(ctx, path); err != nil {
		return fmt.Errorf("copy database: %w", err)
	}
	return nil
}

// In writes n placeholders from $first on, "$3,$4,$5", for IN (...) and VALUES (...). n must be positive: an empty list
// has no SQL form, decide it in Go.
func In(first, n int) string {
	b := make([]byte, 0, n*5)
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, '$'), int64(first+i), 10)
	}
	return string(b)
}

// Rows writes n rows of width placeholders, "($1,$2),($3,$4)", for a VALUES list.
func Rows(n, width int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		b.WriteString(In(1+i*width, width))
		b.WriteByte(')')
	}
	return b.String()
}

// Savepoint runs fn inside a write transaction so that its failure undoes only its own writes.
func Savepoint(ctx context.Context, q Q, fn func() error) error {
	if _, err := q.ExecContext(ctx, "SAVEPOINT part"); err != nil {
		return fmt.Errorf("set savepoint: %w", err)
	}
	if err := fn(); err != nil {
		undo := context.WithoutCancel(ctx)
		if _, e := q.ExecContext(undo, "ROLLBACK TO SAVEPOINT part"); e != nil {
			return errors.Join(err, fmt.Errorf("roll back to savepoint: %w", e))
		}
		if _, e := q.ExecContext(undo, "RELEASE SAVEPOINT part"); e != nil {
			return errors.Join(err, fmt.Errorf("release savepoint: %w", e))
		}
		return err
	}
	if _, err := q.ExecContext(ctx, "RELEASE SAVEPOINT part"); err != nil {
		return fmt.Errorf("release savepoint: %w", err)
	}
	return nil
}
