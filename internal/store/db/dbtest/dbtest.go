// Package dbtest gives tests a database of each engine.
package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that makes the schema

	"evenkeel.dev/evenkeel/internal/store/db"
)

// ServerVar names the environment variable with the address of a PostgreSQL server that tests may fill: each test works
// in a schema of its own and drops it. internal/store/db/pgtemp starts such a server.
const ServerVar = "EVENKEEL_TEST_PG"

// Each runs f as a subtest on an empty SQLite database, and on an empty PostgreSQL schema where EVENKEEL_TEST_PG is set;
// without it that subtest is skipped, and fails where CI=true.
func Each(t *testing.T, f func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run(db.SQLite, func(t *testing.T) { f(t, Open(t, SQLite(t))) })
	t.Run(db.Postgres, func(t *testing.T) { f(t, Open(t, Postgres(t))) })
}

// Open opens a database and closes it with the test.
func Open(t testing.TB, address string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return d
}

// SQLite is the address of a file in the test's own folder.
func SQLite(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "evenkeel.db")
}

// Postgres is the address of a new, empty schema, dropped after the test.
func Postgres(t testing.TB) string {
	t.Helper()
	server := os.Getenv(ServerVar)
	if server == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is required where CI=true", ServerVar)
		}
		t.Skipf("no PostgreSQL: set %s, or run the tests under internal/store/db/pgtemp", ServerVar)
	}
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	schema := "test_" + strings.ToLower(rand.Text())
	if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.ExecContext(context.Background(), "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Errorf("drop schema: %v", err)
		}
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	v := u.Query()
	v.Set("search_path", schema)
	u.RawQuery = v.Encode()
	return u.String()
}
