package db_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
	"evenkeel.dev/evenkeel/internal/store/db/dbtest"
)

func exec(t *testing.T, d *db.DB, query string, args ...any) {
	t.Helper()
	err := d.Write(t.Context(), func(ctx context.Context, q db.Q) error {
		_, err := q.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func number(t *testing.T, q db.Q, query string, args ...any) (n int64) {
	t.Helper()
	if err := q.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func TestAFailedWriteLeavesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, "CREATE TABLE x (a BIGINT PRIMARY KEY, b TEXT)")
		sorry := errors.New("sorry")
		err := d.Write(t.Context(), func(ctx context.Context, q db.Q) error {
			if _, err := q.ExecContext(ctx, "INSERT INTO x VALUES ($1, $2)", 1, "one"); err != nil {
				return err
			}
			return sorry
		})
		if !errors.Is(err, sorry) {
			t.Fatalf("got %v", err)
		}
		if n := number(t, d.Read(), "SELECT count(*) FROM x"); n != 0 {
			t.Fatalf("%d rows stayed", n)
		}
		exec(t, d, "INSERT INTO x VALUES ($1, $2)", 1, "one")
		err = d.Write(t.Context(), func(ctx context.Context, q db.Q) error {
			_, err := q.ExecContext(ctx, "INSERT INTO x VALUES ($1, $2)", 1, "uno")
			return err
		})
		if !d.Unique(err) {
			t.Fatalf("a second row with the same key: %v", err)
		}
	})
}

func TestAPanicInsideAWriteLeavesTheWriterUsable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, "CREATE TABLE x (a BIGINT PRIMARY KEY)")
		func() {
			defer func() { _ = recover() }()
			_ = d.Write(t.Context(), func(ctx context.Context, q db.Q) error {
				if _, err := q.ExecContext(ctx, "INSERT INTO x VALUES ($1)", 1); err != nil {
					return err
				}
				panic("oops")
			})
		}()
		exec(t, d, "INSERT INTO x VALUES ($1)", 1)
	})
}

func TestASavepointUndoesOnlyItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, "CREATE TABLE x (a BIGINT PRIMARY KEY)")
		err := d.Write(t.Context(), func(ctx context.Context, q db.Q) error {
			insert := func(n int) error {
				_, err := q.ExecContext(ctx, "INSERT INTO x VALUES ($1)", n)
				return err
			}
			if err := insert(1); err != nil {
				return err
			}
			if err := db.Savepoint(ctx, q, func() error { return errors.Join(insert(2), insert(1)) }); !d.Unique(err) {
				t.Errorf("savepoint: %v", err)
			}
			return db.Savepoint(ctx, q, func() error { return insert(3) })
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := number(t, d.Read(), "SELECT sum(a) FROM x"); n != 4 {
			t.Fatalf("sum %d, want 4 (rows 1 and 3)", n)
		}
	})
}

func TestWritersQueueAndReadersDoNotWait(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, "CREATE TABLE x (a BIGINT PRIMARY KEY, n BIGINT NOT NULL)")
		exec(t, d, "INSERT INTO x VALUES (1, 0)")
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for range 5 {
					err := d.Write(context.Background(), func(ctx context.Context, q db.Q) error {
						var n int64
						if err := q.QueryRowContext(ctx, "SELECT n FROM x WHERE a = $1"+d.ForUpdate(), 1).Scan(&n); err != nil {
							return err
						}
						_, err := q.ExecContext(ctx, "UPDATE x SET n = $1 WHERE a = $2", n+1, 1)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if n := number(t, d.Read(), "SELECT n FROM x"); n != 80 {
			t.Fatalf("%d increments of 80", n)
		}
	})
}

func TestASnapshotDoesNotMove(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, "CREATE TABLE x (a BIGINT PRIMARY KEY)")
		err := d.Snapshot(t.Context(), func(ctx context.Context, q db.Q) error {
			if n := number(t, q, "SELECT count(*) FROM x"); n != 0 {
				t.Errorf("%d rows at first", n)
			}
			exec(t, d, "INSERT INTO x VALUES (1)")
			if n := number(t, q, "SELECT count(*) FROM x"); n != 0 {
				t.Errorf("%d rows in the same snapshot", n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestAWriteInsideAWriteIsRefusedInsteadOfHanging(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.Write(t.Context(), func(ctx context.Context, q db.Q) error {
			return d.Write(ctx, func(context.Context, db.Q) error { return nil })
		})
		if err == nil || !strings.Contains(err.Error(), "write inside a write") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestALeaseHasOneHolderAndAGrowingFence(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := time.UnixMicro(1_000_000)
		take := func(holder string, at time.Time) (int64, bool) {
			t.Helper()
			f, ok, err := d.Lease(t.Context(), "evaluator", holder, 10*time.Second, at)
			if err != nil {
				t.Fatal(err)
			}
			return f, ok
		}
		if f, ok := take("a", now); !ok || f != 1 {
			t.Fatalf("first: %d %v", f, ok)
		}
		if _, ok := take("b", now.Add(9*time.Second)); ok {
			t.Fatal("b took a lease that a holds")
		}
		if f, ok := take("a", now.Add(9*time.Second)); !ok || f != 1 {
			t.Fatalf("renewal: %d %v", f, ok)
		}
		if f, ok := take("b", now.Add(19*time.Second)); !ok || f != 2 {
			t.Fatalf("after expiry: %d %v", f, ok)
		}
		check := func(fence int64) error {
			return d.Write(t.Context(), func(ctx context.Context, q db.Q) error { return d.CheckFence(ctx, q, "evaluator", fence) })
		}
		if err := check(1); kit.CodeOf(err) != kit.Conflict {
			t.Fatalf("the old holder acts on: %v", err)
		}
		if err := check(2); err != nil {
			t.Fatal(err)
		}
		for prefix, want := range map[string]int{"eval": 1, "": 1, "evaluator:": 0} {
			if held, err := d.Leases(t.Context(), prefix, now.Add(20*time.Second)); err != nil || len(held) != want || want > 0 && held[0].Holder != "b" {
				t.Errorf("leases that begin with %q: %v, %v", prefix, held, err)
			}
		}
		if held, err := d.Leases(t.Context(), "", now.Add(time.Minute)); err != nil || len(held) != 0 {
			t.Errorf("leases a minute later: %v, %v", held, err)
		}
		if err := d.Release(t.Context(), "evaluator", "b"); err != nil {
			t.Fatal(err)
		}
		if f, ok := take("c", now.Add(20*time.Second)); !ok || f != 3 {
			t.Fatalf("after release: %d %v", f, ok)
		}
		if err := d.EndLease(t.Context(), "evaluator"); err != nil {
			t.Fatal(err)
		}
		if f, ok := take("d", now.Add(21*time.Second)); !ok || f != 4 {
			t.Fatalf("after its end: %d %v", f, ok)
		}
	})
}

func TestAWakeArrivesAfterItsCommit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, "CREATE TABLE x (a BIGINT PRIMARY KEY)")
		ctx, stop := context.WithCancel(t.Context())
		saw, ready := make(chan struct{}), make(chan struct{})
		var once, first sync.Once
		var calls atomic.Int64
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = d.Watch(ctx, "facts", func() {
				calls.Add(1)
				var n int64
				if err := d.Read().QueryRowContext(context.Background(), "SELECT count(*) FROM x").Scan(&n); err != nil {
					t.Error(err)
				}
				if n == 1 {
					once.Do(func() { close(saw) })
				}
				first.Do(func() { close(ready) })
			})
		})
		<-ready
		err := d.Write(t.Context(), func(ctx context.Context, q db.Q) error {
			if _, err := q.ExecContext(ctx, "INSERT INTO x VALUES ($1)", 1); err != nil {
				return err
			}
			return d.Wake(ctx, q, "facts")
		})
		if err != nil {
			t.Fatal(err)
		}
		<-saw
		stop()
		wg.Wait()
	})
}

func TestAReadGoesOnAfterItsTableWasReplaced(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec(t, d, "CREATE TABLE x (a BIGINT)")
		exec(t, d, "INSERT INTO x VALUES ($1)", 1)
		read := func() (columns []string) {
			rows, err := d.Read().QueryContext(t.Context(), "SELECT * FROM x WHERE a >= $1", 0)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			if columns, err = rows.Columns(); err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			return columns
		}
		read()
		exec(t, d, "DROP TABLE x")
		exec(t, d, "CREATE TABLE x (a BIGINT, b TEXT)")
		exec(t, d, "INSERT INTO x (a, b) VALUES ($1, $2)", 1, "b")
		if got := read(); len(got) != 2 {
			t.Fatalf("columns %v", got)
		}
	})
}

func TestAForeignFileIsNotTakenForADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := db.Open(t.Context(), "sqlite:"+path)
	if kit.CodeOf(err) != kit.Invalid || !strings.Contains(err.Error(), "notes.txt is not a SQLite database") {
		t.Fatalf("got %v", err)
	}
	if _, err := db.Open(t.Context(), "mysql://x"); kit.CodeOf(err) != kit.Invalid {
		t.Fatalf("got %v", err)
	}
}

func TestAPathWithOddLettersOpens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%41.db")
	dbtest.Open(t, "sqlite:"+path)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
}

func TestTheDatabaseFileIsItsOwnersOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	dbtest.Open(t, "sqlite:"+path)
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if st.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v", st.Mode())
	}
}

func TestAnAbsentServerIsUnavailable(t *testing.T) {
	_, err := db.Open(t.Context(), "postgres://nobody@127.0.0.1:1/none?sslmode=disable")
	if kit.CodeOf(err) != kit.Unavailable {
		t.Fatalf("got %v", err)
	}
}

func TestPlaceholders(t *testing.T) {
	if got := db.In(3, 3); got != "$3,$4,$5" {
		t.Error(got)
	}
	if got := db.Rows(2, 2); got != "($1,$2),($3,$4)" {
		t.Error(got)
	}
}
