package db

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync"
)

// preparer is a pool, a connection or a transaction of database/sql.
type preparer interface {
	Q
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// kept bounds the statements one Q holds; texts beyond it are prepared anew each time.
const kept = 512

// stmts is a Q that prepares each text with arguments once.
type stmts struct {
	on  preparer
	ddl func(text string) string // the engine's reading of a text without arguments, and of one with; nil = as it is
	dml func(text string) string

	mu   sync.Mutex
	byQL map[string]*sql.Stmt
}

func newStmts(on preparer, ddl, dml func(string) string) *stmts {
	return &stmts{on: on, ddl: ddl, dml: dml, byQL: map[string]*sql.Stmt{}}
}

// get is the prepared form of query; nil when it is to be run unprepared. The driver keeps a statement's connection busy
// only while it runs, so holding the lock over Prepare costs one round per text ever.
func (s *stmts) get(ctx context.Context, query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, ok := s.byQL[query]; ok {
		return st, nil
	}
	if len(s.byQL) >= kept {
		return nil, nil
	}
	text := query
	if s.dml != nil {
		text = s.dml(query)
	}
	st, err := s.on.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s.byQL[query] = st
	return st, nil
}

func (s *stmts) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if len(args) == 0 {
		if s.ddl != nil {
			query = s.ddl(query)
		}
		return s.on.ExecContext(ctx, query)
	}
	st, err := s.get(ctx, query)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return s.on.ExecContext(ctx, query, args...)
	}
	return st.ExecContext(ctx, args...)
}

func (s *stmts) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	st, err := s.get(ctx, query)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return s.on.QueryContext(ctx, query, args...)
	}
	return st.QueryContext(ctx, args...)
}

func (s *stmts) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	st, err := s.get(ctx, query)
	if err != nil || st == nil {
		return s.on.QueryRowContext(ctx, query, args...) // a text that does not prepare reports its error here
	}
	return st.QueryRowContext(ctx, args...)
}

// close releases the statements.
func (s *stmts) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.byQL {
		_ = st.Close() // they end with their connection in any case
	}
	clear(s.byQL)
}

// rowidKeys gives SQLite its cheapest key: only the words INTEGER PRIMARY KEY make a column the row's own number, which
// BIGINT PRIMARY KEY means on PostgreSQL.
func rowidKeys(ddl string) string {
	return strings.ReplaceAll(ddl, "BIGINT PRIMARY KEY", "INTEGER PRIMARY KEY")
}

// unnamed writes ? for $1, $2, ... where they come in order and each once, as in the long INSERTs: SQLite takes $1 for a
// name and looks each up among all the others.
func unnamed(text string) string {
	var b strings.Builder
	next := 1
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "$")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
		if n, err := strconv.Atoi(after[:digits]); err != nil || n != next {
			return text
		}
		b.WriteByte('?')
		next++
		rest = after[digits:]
	}
}
