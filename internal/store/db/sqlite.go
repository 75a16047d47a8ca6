package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"evenkeel.dev/evenkeel/internal/kit"
)

// sqliteDB is a file with one writing connection and a pool of readers.
type sqliteDB struct {
	path   string
	pool   *sql.DB // the writer's; holds one connection
	conn   *sql.Conn
	prep   *stmts
	turn   chan struct{} // holds an element while somebody writes
	closed bool          // guarded by turn
	read   *sql.DB
	readQ  *stmts
	wakes  wakes
}

// pragmas that every connection gets; the engine is asked afterwards what it took.
var pragmas = []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)", "temp_store(MEMORY)"}

// writerPragmas: deleted text is overwritten, so that an erased one is gone from the file; the WAL shrinks after a burst.
var writerPragmas = []string{"secure_delete(ON)", "cache_size(-65536)", "wal_autocheckpoint(4000)", "journal_size_limit(67108864)"}

var readerPragmas = []string{"query_only(ON)", "cache_size(-16384)"}

func openSQLite(ctx context.Context, path string) (*sqliteDB, error) {
	if path == "" {
		return nil, &kit.Error{Code: kit.Invalid, Msg: "sqlite: names no file", Hint: `write "sqlite:PATH"`}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, &kit.Error{Code: kit.Invalid, Msg: "the database file cannot be opened",
			Hint: "make its folder, and let this user write there", Err: err}
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	s := &sqliteDB{path: path, turn: make(chan struct{}, 1)}
	if s.pool, err = sql.Open("sqlite", sqliteDSN(path, writerPragmas)); err != nil {
		return nil, err
	}
	if s.read, err = sql.Open("sqlite", sqliteDSN(path, readerPragmas)); err != nil {
		return nil, errors.Join(err, s.pool.Close())
	}
	s.pool.SetMaxOpenConns(1)
	s.read.SetMaxOpenConns(4 + runtime.GOMAXPROCS(0))
	s.read.SetMaxIdleConns(4 + runtime.GOMAXPROCS(0))
	s.readQ = newStmts(s.read, nil, unnamed)
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := assertPragmas(ctx, s.read, "reader"); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func sqliteDSN(path string, more []string) string {
	v := url.Values{}
	for _, p := range append(append([]string{}, pragmas...), more...) {
		v.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + v.Encode()
}

// connect takes the writer's connection, at start and after one had to be dropped.
func (s *sqliteDB) connect(ctx context.Context) error {
	conn, err := s.pool.Conn(ctx)
	if err != nil {
		return s.unreadable(err)
	}
	if err := assertPragmas(ctx, conn, "writer"); err != nil {
		return errors.Join(s.unreadable(err), conn.Close())
	}
	s.conn, s.prep = conn, newStmts(conn, rowidKeys, unnamed)
	return nil
}

func (s *sqliteDB) unreadable(err error) error {
	if code(err)&0xff == sqlite3.SQLITE_NOTADB {
		return &kit.Error{Code: kit.Invalid, Msg: fmt.Sprintf("%s is not a SQLite database", s.path),
			Hint: "name another file, or restore this one from a backup", Err: err}
	}
	return err
}

// assertPragmas asks the engine what it took: a driver passes over a pragma it does not know.
func assertPragmas(ctx context.Context, q Q, who string) error {
	for name, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var got string
		if err := q.QueryRowContext(ctx, "PRAGMA "+name).Scan(&got); err != nil {
			return fmt.Errorf("ask the %s for %s: %w", who, name, err)
		}
		if got != want {
			return &kit.Error{Code: kit.Invalid, Msg: fmt.Sprintf("the database %s runs with %s=%s instead of %s", who, name, got, want),
				Hint: "keep the file on a local file system that supports shared memory"}
		}
	}
	return nil
}

func (s *sqliteDB) name() string      { return SQLite }
func (s *sqliteDB) reader() Q         { return s.readQ }
func (s *sqliteDB) forUpdate() string { return "" }

// insertInto: OR FAIL leaves the rows before the bad one, and so spares SQLite a copy of each page it touches.
func (s *sqliteDB) insertInto() string { return "INSERT OR FAIL INTO" }

func (s *sqliteDB) snapshot(ctx context.Context, fn func(context.Context, Q) error) error {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("begin snapshot: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to undo
	return fn(ctx, tx)
}

func (s *sqliteDB) write(ctx context.Context, fn func(context.Context, Q) error) (err error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.closed {
		return sql.ErrConnDone
	}
	if s.conn == nil {
		if err := s.connect(ctx); err != nil {
			return err
		}
	}
	if _, err := s.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		s.dropAfter(err)
		return fmt.Errorf("begin: %w", err)
	}
	tx := &sqliteTx{stmts: s.prep}
	done := false
	defer func() {
		if !done { // fn failed or panicked, or the commit did
			_, e := s.conn.ExecContext(context.Background(), "ROLLBACK")
			if e != nil && !strings.Contains(e.Error(), "no transaction is active") { // SQLite rolls back by itself on some errors
				s.drop()
			} else {
				s.dropAfter(err)
			}
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if _, err := s.conn.ExecContext(context.Background(), "COMMIT"); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	done = true
	for _, topic := range tx.topics {
		s.wakes.wake(topic)
	}
	return nil
}

// sqliteTx is the writer's Q during a transaction, with the topics to wake after the commit.
type sqliteTx struct {
	*stmts
	topics []string
}

// dropAfter gives up the connection after an I/O error, whose state nobody knows.
func (s *sqliteDB) dropAfter(err error) {
	if c := code(err) & 0xff; c == sqlite3.SQLITE_IOERR || c == sqlite3.SQLITE_CORRUPT || c == sqlite3.SQLITE_NOTADB {
		s.drop()
	}
}

func (s *sqliteDB) drop() {
	if s.conn == nil {
		return
	}
	s.prep.close()
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // makes the pool discard it
	_ = s.conn.Close()
	s.conn, s.prep = nil, nil
}

func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func (s *sqliteDB) retry(err error) bool {
	c := code(err) & 0xff
	return c == sqlite3.SQLITE_BUSY || c == sqlite3.SQLITE_LOCKED
}
func (s *sqliteDB) full(err error) bool { return code(err)&0xff == sqlite3.SQLITE_FULL || noSpace(err) }
func (s *sqliteDB) down(err error) bool { return code(err)&0xff == sqlite3.SQLITE_CANTOPEN }
func (s *sqliteDB) unique(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

func (s *sqliteDB) notify(_ context.Context, q Q, topic string) error {
	tx, ok := q.(*sqliteTx)
	if !ok {
		return errors.New("wake outside a write transaction")
	}
	tx.topics = append(tx.topics, topic)
	return nil
}

func (s *sqliteDB) watch(ctx context.Context, topic string, f func()) error {
	return s.wakes.watch(ctx, topic, f)
}

func (s *sqliteDB) free() (int64, bool) { return freeSpace(filepath.Dir(s.path)) }

func (s *sqliteDB) size(context.Context) (int64, error) {
	var n int64
	for _, suffix := range []string{"", "-wal"} {
		st, err := os.Stat(s.path + suffix)
		if err != nil && !os.IsNotExist(err) {
			return 0, err
		}
		if err == nil {
			n += st.Size()
		}
	}
	return n, nil
}

// scrub: deleted content was overwritten with zeros (secure_delete), but older pages linger in the log until it is emptied.
func (s *sqliteDB) scrub(ctx context.Context, _ string) error {
	for try := 0; ; try++ {
		var busy, log, done int
		if err := s.pragma(ctx, "wal_checkpoint(TRUNCATE)", &busy, &log, &done); err != nil {
			return err
		}
		if busy == 0 {
			return nil
		}
		if try == 20 {
			return &kit.Error{Code: kit.Unavailable, Msg: "a long read holds the log that has to be emptied", Hint: "try again when it is over"}
		}
		if err := pause(ctx, try); err != nil {
			return err
		}
	}
}

// pragma runs one on the writer's connection, outside a transaction.
func (s *sqliteDB) pragma(ctx context.Context, text string, into ...any) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.closed {
		return sql.ErrConnDone
	}
	if s.conn == nil {
		if err := s.connect(ctx); err != nil {
			return err
		}
	}
	return s.conn.QueryRowContext(ctx, "PRAGMA "+text).Scan(into...)
}

// copyTo reads one snapshot through a connection of its own, since readers may not write, not even to another file.
func (s *sqliteDB) copyTo(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // VACUUM INTO takes an empty file and keeps its mode
	if err != nil {
		return err
	}
	defer f.Close()
	pool, err := sql.Open("sqlite", sqliteDSN(s.path, nil))
	if err != nil {
		return err
	}
	_, err = pool.ExecContext(ctx, "VACUUM INTO $1", path)
	err = errors.Join(err, pool.Close())
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func (s *sqliteDB) close() error {
	s.turn <- struct{}{} // waits for the transaction under way
	defer func() { <-s.turn }()
	s.closed = true
	s.readQ.close()
	err := s.read.Close()
	if s.conn != nil {
		s.prep.close()
		err = errors.Join(err, s.conn.Close())
		s.conn = nil
	}
	return errors.Join(err, s.pool.Close())
}
