package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"evenkeel.dev/evenkeel/internal/kit"
)

// postgresDB is a pool of connections to one server; pgx keeps each connection's statements prepared.
type postgresDB struct {
	cfg     *pgx.ConnConfig
	pool    *sql.DB
	channel string // of NOTIFY, one per schema, so that two ledgers on one server do not wake each other
}

// poolSize bounds the connections of one process, apart from the one that listens.
const poolSize = 24

func openPostgres(ctx context.Context, url string) (*postgresDB, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, &kit.Error{Code: kit.Invalid, Msg: "the PostgreSQL address cannot be read", Err: err}
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "evenkeel"
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 10 * time.Second
	}
	p := &postgresDB{cfg: cfg, pool: stdlib.OpenDB(*cfg)}
	p.pool.SetMaxOpenConns(poolSize)
	p.pool.SetMaxIdleConns(poolSize)
	p.pool.SetConnMaxIdleTime(5 * time.Minute)
	if err := p.inspect(ctx); err != nil {
		return nil, errors.Join(err, p.pool.Close())
	}
	return p, nil
}

// inspect asks the server whether it keeps what it acknowledges.
func (p *postgresDB) inspect(ctx context.Context) error {
	var schema sql.NullString
	if err := p.pool.QueryRowContext(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		if p.down(err) {
			return &kit.Error{Code: kit.Unavailable, Msg: "the database does not answer", Hint: "check that it runs and is reachable", Err: err}
		}
		return err
	}
	if !schema.Valid {
		return &kit.Error{Code: kit.Invalid, Msg: "no schema of the search_path exists", Hint: "create it, or leave search_path out of the address"}
	}
	h := fnv.New64a()
	h.Write([]byte(schema.String))
	p.channel = fmt.Sprintf("evenkeel_%x", h.Sum64())
	for name, bad := range map[string]string{"synchronous_commit": "off", "fsync": "off"} {
		var got string
		if err := p.pool.QueryRowContext(ctx, "SHOW "+name).Scan(&got); err != nil {
			continue // a compatible engine without the setting has its own way to durability
		}
		if got == bad {
			return &kit.Error{Code: kit.Invalid, Msg: fmt.Sprintf("the database runs with %s=%s and would lose what it acknowledged", name, got),
				Hint: "set it to on"}
		}
	}
	var enc string
	if err := p.pool.QueryRowContext(ctx, "SHOW server_encoding").Scan(&enc); err == nil && !strings.EqualFold(enc, "UTF8") {
		return &kit.Error{Code: kit.Invalid, Msg: "the database is encoded in " + enc, Hint: "create it with ENCODING 'UTF8'"}
	}
	return nil
}

func (p *postgresDB) name() string      { return Postgres }
func (p *postgresDB) reader() Q         { return &replanned{p.pool} }
func (p *postgresDB) forUpdate() string { return " FOR UPDATE" }

func (p *postgresDB) insertInto() string { return "INSERT INTO" }

func (p *postgresDB) snapshot(ctx context.Context, fn func(context.Context, Q) error) error {
	tx, err := p.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return fmt.Errorf("begin snapshot: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // nothing to undo
	return fn(ctx, tx)
}

func (p *postgresDB) write(ctx context.Context, fn func(context.Context, Q) error) error {
	tx, err := p.pool.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func sqlState(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func (p *postgresDB) retry(err error) bool {
	s := sqlState(err)
	return s == "40001" || s == "40P01" || stale(err) // serialization_failure, deadlock_detected
}

// stale: a rebuild put a table with other columns in the place of the one that a connection's statement was prepared for.
// The driver has dropped the statement by the time the error is seen.
func stale(err error) bool {
	return sqlState(err) == "0A000" && strings.Contains(err.Error(), "cached plan")
}

func (p *postgresDB) full(err error) bool   { return sqlState(err) == "53100" } // disk_full
func (p *postgresDB) unique(err error) bool { return sqlState(err) == "23505" } // unique_violation

// down: the connection is gone or refused, or the server is starting, stopping, read-only after a switch-over, or out of
// connections.
func (p *postgresDB) down(err error) bool {
	switch s := sqlState(err); {
	case strings.HasPrefix(s, "08"), strings.HasPrefix(s, "57P"), s == "53300", s == "25006":
		return true
	case s != "":
		return false
	}
	var n net.Error
	var c *pgconn.ConnectError
	return errors.As(err, &c) || errors.As(err, &n) || errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err) ||
		strings.Contains(err.Error(), "unexpected EOF") || strings.Contains(err.Error(), "conn closed")
}

func (p *postgresDB) notify(ctx context.Context, q Q, topic string) error {
	if _, err := q.ExecContext(ctx, "SELECT pg_notify($1, $2)", p.channel, topic); err != nil {
		return fmt.Errorf("notify %s: %w", topic, err)
	}
	return nil
}

const poll = 250 * time.Millisecond

// watch listens on a connection of its own. While there is none (the server is away, or cannot listen) it polls.
func (p *postgresDB) watch(ctx context.Context, topic string, f func()) error {
	f()
	for ctx.Err() == nil {
		_ = p.listen(ctx, topic, f) // whatever the reason, polling goes on and listening is tried again
		t := time.NewTimer(poll)
		select {
		case <-t.C:
			f()
		case <-ctx.Done():
			t.Stop()
		}
	}
	return ctx.Err()
}

func (p *postgresDB) listen(ctx context.Context, topic string, f func()) error {
	conn, err := pgx.ConnectConfig(ctx, p.cfg.Copy())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{p.channel}.Sanitize()); err != nil {
		return err
	}
	f() // for what was committed before the server listened
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if n.Payload == topic {
			f()
		}
	}
}

func (p *postgresDB) free() (int64, bool) { return 0, false }
func (p *postgresDB) close() error        { return p.pool.Close() }

func (p *postgresDB) size(ctx context.Context) (n int64, err error) {
	err = p.pool.QueryRowContext(ctx, "SELECT pg_database_size(current_database())").Scan(&n)
	return n, err
}

func (p *postgresDB) scrub(ctx context.Context, table string) error {
	_, err := p.pool.ExecContext(ctx, "VACUUM "+pgx.Identifier{table}.Sanitize())
	return err
}

func (p *postgresDB) copyTo(context.Context, string) error {
	return &kit.Error{Code: kit.Invalid, Msg: "PostgreSQL is copied with its own tools", Hint: "use pg_dump or pg_basebackup, or a portable backup"}
}

// replanned is the pool of readers; a statement that turns out stale is run again, on as many connections as there are.
type replanned struct{ *sql.DB }

func (r *replanned) QueryContext(ctx context.Context, query string, args ...any) (rows *sql.Rows, err error) {
	for range poolSize + 1 {
		if rows, err = r.DB.QueryContext(ctx, query, args...); err == nil || !stale(err) {
			return rows, err
		}
	}
	return nil, err
}

func (r *replanned) QueryRowContext(ctx context.Context, query string, args ...any) (row *sql.Row) {
	for range poolSize + 1 {
		if row = r.DB.QueryRowContext(ctx, query, args...); row.Err() == nil || !stale(row.Err()) {
			break
		}
	}
	return row
}
