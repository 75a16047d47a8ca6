package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"database/sql"

	"evenkeel.dev/evenkeel/internal/kit"
	"evenkeel.dev/evenkeel/internal/store/db"
)

// Rebuilding: the facts are read from the first on, a page a transaction, into shadow tables beside the old ones, which
// stay readable and written; the last transaction holds the head, applies what came meanwhile and swaps the tables.

const (
	rebuildLease = "ledger:rebuild"
	rebuildTTL   = time.Minute
	sayEvery     = 5 * time.Second // between words about progress
)

func newHolder() string { return strings.ToLower(rand.Text()) }

// readyProjections brings the tables of every projection to its version.
func (l *Ledger) readyProjections(ctx context.Context) error {
	var stale []Projection
	facts := int64(0)
	err := l.db.Write(ctx, func(ctx context.Context, q db.Q) error {
		stale = nil
		row, err := readHead(ctx, q, l.db.ForUpdate())
		if err != nil {
			return err
		}
		facts = row.Seq
		marks, err := readMarks(ctx, q)
		if err != nil {
			return err
		}
		for _, p := range l.opt.Projections {
			m, ok := marks[p.Name]
			if ok && m.version == p.Version {
				continue
			}
			if ok || row.Seq > 0 {
				stale = append(stale, p)
				continue
			}
			if _, err := q.ExecContext(ctx, p.Schema); err != nil {
				return fmt.Errorf("make projection %s: %w", p.Name, err)
			}
			if err := writeMark(ctx, q, p.Name, mark{version: p.Version, tables: p.Tables()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(stale) > 0 {
		l.log.Info("tables derived by an older program are made anew before the ledger opens", "projections", namesOf(stale), "facts", facts)
	}
	for _, p := range stale {
		if err := l.rebuild(ctx, p, false); err != nil {
			return err
		}
	}
	return nil
}

func namesOf(ps []Projection) string {
	var names []string
	for _, p := range ps {
		names = append(names, p.Name)
	}
	return strings.Join(names, " ")
}

// Rebuild makes a projection's tables anew from the facts, while the ledger goes on. kit.NotFound for an unknown name.
func (l *Ledger) Rebuild(ctx context.Context, name string) error {
	p, err := l.named(name)
	if err != nil {
		return err
	}
	return l.rebuild(ctx, p, true)
}

// rebuild does it, unless another replica did meanwhile and it need not be done again.
func (l *Ledger) rebuild(ctx context.Context, p Projection, always bool) error {
	if err := l.holdRebuild(ctx); err != nil {
		return err
	}
	defer func() { _ = l.db.Release(context.WithoutCancel(ctx), rebuildLease, l.opt.Holder) }() // it would end by itself
	marks, err := readMarks(ctx, l.db.Read())
	if err != nil {
		return err
	}
	if m, ok := marks[p.Name]; ok && m.version == p.Version && !always {
		return nil
	}
	start := l.opt.Now()
	s, err := l.beginShadow(ctx, p)
	if err != nil {
		return fmt.Errorf("rebuild projection %s: %w", p.Name, err)
	}
	if err := s.fill(ctx); err != nil {
		return fmt.Errorf("rebuild projection %s: %w", p.Name, err)
	}
	if err := s.swap(ctx); err != nil {
		return fmt.Errorf("rebuild projection %s: %w", p.Name, err)
	}
	l.log.Info("projection rebuilt", "projection", p.Name, "version", p.Version, "facts", s.at, "took", l.opt.Now().Sub(start).Round(time.Millisecond))
	return nil
}

// holdRebuild waits until no other process rebuilds.
func (l *Ledger) holdRebuild(ctx context.Context) error {
	for {
		_, ok, err := l.db.Lease(ctx, rebuildLease, l.opt.Holder, rebuildTTL, l.opt.Now())
		if err != nil || ok {
			return err
		}
		t := time.NewTimer(250 * time.Millisecond)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		}
	}
}

// shadow is a projection under construction. The tables and indexes of generation 7 are named s7_... until the swap; an
// index keeps that name, since only its table's name matters to a query.
type shadow struct {
	l     *Ledger
	p     *projection
	gen   int64
	at    int64 // the last fact in the shadow tables
	names *regexp.Regexp
}

func (l *Ledger) beginShadow(ctx context.Context, p Projection) (*shadow, error) {
	s := &shadow{l: l, p: p.use(), names: regexp.MustCompile(`\b` + p.Name + `_`)}
	err := l.db.Write(ctx, func(ctx context.Context, q db.Q) error {
		marks, err := readMarks(ctx, q)
		if err != nil {
			return err
		}
		m, building := marks[p.Name], marks[p.Name+":building"]
		for _, t := range building.tables { // of a rebuild that did not come to its end
			if _, err := q.ExecContext(ctx, "DROP TABLE IF EXISTS "+t); err != nil {
				return err
			}
		}
		s.gen = max(m.gen, building.gen) + 1
		if _, err := q.ExecContext(ctx, s.text(p.Schema)); err != nil {
			return fmt.Errorf("make shadow tables: %w", err)
		}
		b := mark{version: p.Version, gen: s.gen}
		for _, t := range p.Tables() {
			b.tables = append(b.tables, s.text(t))
		}
		return writeMark(ctx, q, p.Name+":building", b)
	})
	return s, err
}

// text names the shadow tables in place of the projection's own.
func (s *shadow) text(sql string) string {
	return s.names.ReplaceAllString(sql, fmt.Sprintf("s%d_%s_", s.gen, s.p.Name))
}

// shadowQ runs a projection's SQL on its shadow tables.
type shadowQ struct {
	q    db.Q
	s    *shadow
	seen map[string]string
}

func (s *shadow) on(q db.Q) *shadowQ { return &shadowQ{q, s, map[string]string{}} }

func (q *shadowQ) text(t string) string {
	if got, ok := q.seen[t]; ok {
		return got
	}
	q.seen[t] = q.s.text(t)
	return q.seen[t]
}

func (q *shadowQ) ExecContext(ctx context.Context, t string, args ...any) (sql.Result, error) {
	return q.q.ExecContext(ctx, q.text(t), args...)
}

func (q *shadowQ) QueryContext(ctx context.Context, t string, args ...any) (*sql.Rows, error) {
	return q.q.QueryContext(ctx, q.text(t), args...)
}

func (q *shadowQ) QueryRowContext(ctx context.Context, t string, args ...any) *sql.Row {
	return q.q.QueryRowContext(ctx, q.text(t), args...)
}

// fill applies the facts up to the present head, a page a transaction.
func (s *shadow) fill(ctx context.Context) error {
	row, err := readHead(ctx, s.l.db.Read(), "")
	if err != nil {
		return err
	}
	said := s.l.opt.Now()
	for s.at < row.Seq {
		if err := s.l.holdRebuild(ctx); err != nil { // renews
			return err
		}
		es, last, err := readPage(ctx, s.l.db.Read(), s.at, row.Seq, s.p.Kinds, pageSize)
		if err != nil {
			return err
		}
		err = s.l.db.Write(ctx, func(ctx context.Context, q db.Q) error { return s.p.apply(ctx, s.on(q), es) })
		if err != nil {
			return err
		}
		if now := s.l.opt.Now(); now.Sub(said) >= sayEvery {
			said = now
			s.l.log.Info("rebuilding projection", "projection", s.p.Name, "fact", last, "of", row.Seq)
		}
		s.at = last
	}
	return nil
}

// swap puts the shadow tables in the place of the old ones, in one transaction that holds the head.
func (s *shadow) swap(ctx context.Context) error {
	at := s.at
	err := s.l.db.Write(ctx, func(ctx context.Context, q db.Q) error {
		row, err := readHead(ctx, q, s.l.db.ForUpdate())
		if err != nil {
			return err
		}
		at = row.Seq
		if err := s.l.catchUp(ctx, q, s.on(q), s.p, s.at, row.Seq); err != nil {
			return err
		}
		marks, err := readMarks(ctx, q)
		if err != nil {
			return err
		}
		if b := marks[s.p.Name+":building"]; b.gen != s.gen {
			return kit.Errorf(kit.Conflict, "another process rebuilds it")
		}
		for _, t := range marks[s.p.Name].tables {
			if _, err := q.ExecContext(ctx, "DROP TABLE IF EXISTS "+t); err != nil {
				return fmt.Errorf("drop %s: %w", t, err)
			}
		}
		for _, t := range s.p.Tables() {
			if _, err := q.ExecContext(ctx, "ALTER TABLE "+s.text(t)+" RENAME TO "+t); err != nil {
				return fmt.Errorf("rename %s: %w", s.text(t), err)
			}
		}
		if _, err := q.ExecContext(ctx, "DELETE FROM ledger_projection WHERE name = $1", s.p.Name+":building"); err != nil {
			return fmt.Errorf("swap: %w", err)
		}
		m := mark{version: s.p.Version, applied: row.Seq, gen: s.gen, tables: s.p.Tables()}
		row.layout++
		return errors.Join(writeMark(ctx, q, s.p.Name, m), row.write(ctx, q))
	})
	if err == nil {
		s.at = at
	}
	return err
}
